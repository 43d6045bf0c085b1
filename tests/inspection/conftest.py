"""Made-up inspections for the tests of plots and page."""

from collections.abc import Callable

import numpy as np
import pytest

from mdfloss.inspection.curvature import Curvature
from mdfloss.inspection.gain import BorderProfile, GainSpectrum, LayerProfile
from mdfloss.inspection.inspect import Inspection
from mdfloss.inspection.response import KINDS, PSNR_LEVELS


def _made_up(
    name: str, *, with_layers: bool = False, condition: float = 100.0, gain_range: tuple[float, float] = (0.1, 3)
) -> Inspection:
    random = np.random.default_rng(0)
    gains = random.uniform(*gain_range, (2, 3, 4, 4))
    response = {kind: 10 ** (-np.array(PSNR_LEVELS) / 20) for kind in KINDS}
    response["blur"][-1] = np.nan
    return Inspection(
        name=name,
        exponent=2.0,
        gain=GainSpectrum((1 / 48, 1 / 12, 1 / 4, 1 / 2), (0.0, 45.0, 90.0, 135.0), *gains),
        border=BorderProfile(np.linspace(0.2, 1, 24), 0.5),
        curvature=Curvature(np.geomspace(1, condition, 24).reshape(1, 24), np.ones(3)),
        response=response,
        layers=LayerProfile(*random.uniform(0.1, 3, (3, 5, 4))) if with_layers else None,
    )


@pytest.fixture
def made_up() -> Callable[..., Inspection]:
    """Name → an inspection."""
    return _made_up


@pytest.fixture
def two_inspections() -> list[Inspection]:
    """A loss with scales and maps and a name to trip over, and one without."""
    return [_made_up("mdf:$a$", with_layers=True), _made_up("l1")]
