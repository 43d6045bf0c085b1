from __future__ import annotations

import dataclasses
import functools
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from mdfloss.cli import main
from mdfloss.data import ImageSet
from mdfloss.data.archive import ArchiveError
from mdfloss.data.datasets import DATASETS, DataSource, get_dataset
from mdfloss.data.download import DownloadError
from mdfloss.images import write_image


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path, generator: torch.Generator) -> Iterator[dict[str, DataSource]]:
    folder = tmp_path / "site"
    for number in range(2):
        write_image(folder / f"{number}.png", torch.rand(1, 3, 20, 20, generator=generator))
    with zipfile.ZipFile(folder / "good.zip", "w") as file:
        for number in range(2):
            file.write(folder / f"{number}.png", f"pictures/{number}.png")
        file.writestr("terms.txt", "0" * 100_000, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(folder / "evil.zip", "w") as file:
        file.writestr("../../evil.txt", "out")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield {
            "good": DataSource("Good", "page", "free", (f"{url}/good.zip",)),
            "loose": DataSource("Loose", "page", "free", (f"{url}/0.png", f"{url}/1.png")),
            "evil": DataSource("Evil", "page", "free", (f"{url}/evil.zip",)),
            "asked": DataSource("Asked", "https://example.org/page", "on request"),
        }
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["good", "loose"])
def test_a_set_becomes_a_folder_of_pictures(name: str, site: dict[str, DataSource], tmp_path: Path) -> None:
    folder = get_dataset(name, tmp_path / "sets", sources=site)
    assert len(ImageSet(folder)) == 2
    record = json.loads((folder / "SOURCE.json").read_text())
    assert record["licence"] == "free"
    assert set(record["sha256"]) == set(site[name].urls)
    assert get_dataset(name, tmp_path / "sets", sources={name: site[name]}) == folder
    with_checksum = {**record["sha256"]}.popitem()[1]
    if name == "good":
        get_dataset(name, tmp_path / "again", sha256=with_checksum, sources=site)


def test_what_is_wrong_leaves_no_set(site: dict[str, DataSource], tmp_path: Path) -> None:
    root = tmp_path / "sets"
    with pytest.raises(DownloadError, match="expected 0000"):
        get_dataset("good", root, sha256="0" * 64, sources=site)
    with pytest.raises(ArchiveError, match="leads outside"):
        get_dataset("evil", root, sources=site)
    with pytest.raises(DownloadError, match=r"get it from https://example\.org/page and name its folder"):
        get_dataset("asked", root, sources=site)
    with pytest.raises(ValueError, match="there is no data set 'bad': known are good, loose"):
        get_dataset("bad", root, sources=site)
    with pytest.raises(ValueError, match="loose has 2 files"):
        get_dataset("loose", root, sha256="0" * 64, sources=site)
    assert [path.name for path in root.iterdir()] == [".downloads"]
    assert not (tmp_path / "evil.txt").exists()


def test_a_full_disk_leaves_no_half_set_and_the_next_attempt_ends(
    site: dict[str, DataSource], tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    for room in (500, 50_000):  # too little for the archive; for the text in it
        with small_files(room), pytest.raises(OSError, match=r"cannot be written|File too large"):
            get_dataset("good", tmp_path / "sets", sources=site)
        assert [path.name for path in (tmp_path / "sets").iterdir()] == [".downloads"]
    assert len(ImageSet(get_dataset("good", tmp_path / "sets", sources=site))) == 2
    assert [path.name for path in (tmp_path / "sets").iterdir() if path.name != ".downloads"] == ["good"]


def test_a_damaged_archive_is_not_taken_twice(site: dict[str, DataSource], tmp_path: Path) -> None:
    archive = tmp_path / "site" / "good.zip"
    whole = archive.read_bytes()
    archive.write_bytes(b"<html>moved</html>")
    with pytest.raises(ArchiveError, match="neither a zip nor a tar file: it begins with b'<html>"):
        get_dataset("good", tmp_path / "sets", sources=site)
    archive.write_bytes(whole)
    assert len(ImageSet(get_dataset("good", tmp_path / "sets", sources=site))) == 2


def test_a_known_checksum_is_demanded(site: dict[str, DataSource], tmp_path: Path) -> None:
    known = {"good": dataclasses.replace(site["good"], sha256=("0" * 64,))}
    with pytest.raises(DownloadError, match=f"expected {'0' * 64}: the file was removed"):
        get_dataset("good", tmp_path / "sets", sources=known)
    assert not (tmp_path / "sets" / "good").exists()


def test_the_sets_of_the_paper_have_addresses_and_terms() -> None:
    names = {name.partition("-")[0] for name in DATASETS}
    assert names == {"div2k", "bsds500", "dped", "set5", "set14", "live1", "mcmaster", "kodak", "tid2013"}
    counts = {"set5": 5, "set14": 14, "live1": 29, "kodak": 24, "dped": 0}
    for name, source in DATASETS.items():
        assert source.licence
        assert source.page.startswith("http")
        assert all(url.startswith("http") for url in source.urls)
        assert len({Path(url).name for url in source.urls}) == counts.get(name, 1)
        assert len(source.sha256) in (0, len(source.urls))


def test_the_command_names_what_it_cannot_get(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["data", "get", "dped", "-o", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "terms: research only" in shown.out
    assert "name its folder instead" in shown.err
    assert main(["data", "get", "imagenet", "-o", str(tmp_path)]) == 1
    assert "there is no data set 'imagenet': known are div2k-train" in capsys.readouterr().err
