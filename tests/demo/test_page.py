"""The demo's page from a folder made by hand."""

from pathlib import Path

import torch

from mdfloss.demo.folder import DemoFolder
from mdfloss.demo.page import write_demo_page
from mdfloss.evaluation import Score, ScoreTable
from mdfloss.images import write_image


def test_page_shows_the_worst_picture_of_the_fitted_loss_first(tmp_path: Path, generator: torch.Generator) -> None:
    folder, methods = DemoFolder(tmp_path), {"l1": "L1", "mdf": "Fitted"}
    rows = []
    for index, name in enumerate(("easy", "hard")):
        image = torch.rand(1, 3, 40, 50, generator=generator)
        places = [folder.photographs("test"), folder.distorted, *map(folder.restored, methods)]
        for place in places:
            write_image(place / f"{name}.png", image)
        rows += [Score(name, label, {"psnr": 30.0 - index}) for label in methods.values()]
    for method in methods:
        folder.run(method).mkdir(parents=True)
        (folder.run(method) / "curves.csv").write_text("step,val_psnr,gradient_norm\n1,20,0.1\n2,21,0.05\n")
    table = ScoreTable(("psnr",), tuple(rows), "RGB")
    write_demo_page(folder, table, methods, facts={"Seed": "0"}, commands=["mdfloss demo"])
    page = folder.page.read_text("utf-8")
    assert page.index("hard · Fitted 29.00 dB") < page.index("easy · Fitted 30.00 dB")
    assert "Fitted is not told apart from L1" in page
    assert "Norm of the gradient" in page
