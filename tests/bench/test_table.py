"""The table as a file and as a plot."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from mdfloss.bench import Cost, cost_plot, save_costs
from mdfloss.evaluation.plots import save_figure

COSTS = [
    Cost("l1", 0.3, 1.0, 0.001, 1.5, 0.0),
    Cost("mdf:$a$", 123.456, 400.0, 0.3, 250.0, 2.3),
]


def test_csv_holds_every_figure(tmp_path: Path) -> None:
    path = tmp_path / "costs.csv"
    save_costs(COSTS, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["l1", "mdf:$a$"]
    assert float(rows[1]["milliseconds"]) == pytest.approx(123.456)
    assert tuple(rows[0]) == Cost._fields
    with pytest.raises(FileExistsError):
        save_costs(COSTS, path)
    save_costs(COSTS[:1], path, force=True)


@pytest.mark.parametrize("panels", [1, 2])
def test_plot_names_every_loss(tmp_path: Path, panels: int) -> None:
    costs = COSTS if panels == 2 else [cost._replace(memory_mb=math.nan) for cost in COSTS]
    figure = cost_plot(costs, title="8×3×96×96")
    assert len(figure.axes) == panels
    save_figure(figure, tmp_path / "costs.svg")
    drawing = (tmp_path / "costs.svg").read_text()
    assert all(text in drawing for text in ("l1", "mdf:$a$", "123", "8×3×96×96"))
