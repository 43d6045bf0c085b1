"""The page of an inspection: whole, escaped, loading nothing."""

import re
from pathlib import Path

import pytest

from mdfloss.inspection.page import HEADINGS, summary_cells, write_inspect_page

NASTY = '<script>alert("1")</script>'


def test_page_is_self_contained_and_escaped(tmp_path: Path, made_up) -> None:
    path = tmp_path / "inspect.html"
    found = [made_up(NASTY, with_layers=True), made_up("l1")]
    write_inspect_page(found, path, commands=[f"mdfloss inspect {NASTY}"], facts={"sigma": "2"})
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert text.count("<svg") == 4 + 3 + 2
    assert all(heading in text for heading in HEADINGS.values())
    assert "2 losses inspected" in text
    with pytest.raises(FileExistsError, match="exists"):
        write_inspect_page(found, path)


def test_cells_say_when_a_number_is_only_a_bound(made_up) -> None:
    assert summary_cells(made_up("a", condition=100).summary)[1] == "100"
    assert summary_cells(made_up("a", condition=5e4).summary)[1] == "50,000"
    assert summary_cells(made_up("a", condition=1e9).summary)[1] == "≥ 1e6"
    assert len(summary_cells(made_up("a").summary)) == len(HEADINGS)
