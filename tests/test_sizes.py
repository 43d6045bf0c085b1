"""Sizes in messages."""

import pytest
import torch

from mdfloss.sizes import size_text


@pytest.mark.parametrize("size", [(37, 31), [37, 31], (2, 3, 37, 31), torch.empty(2, 3, 37, 31).shape])
def test_height_stands_first(size: tuple[int, ...]) -> None:
    assert size_text(size) == "37×31 px"
