"""A participant without a browser: reads the pages as they come, and answers them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import httpx

from mdfloss.study.trials import Study

Choose = Callable[[str, str, str], bool]
MakeStudy = Callable[..., Study]


class Participant:
    """Walks through a study over HTTP.

    Args:
        client: Any httpx client of the server.
        path: The participant's path, "/s/TOKEN".
        study: The study, to tell what the opaque pictures are.
    """

    def __init__(self, client: httpx.Client, path: str, study: Study) -> None:
        self.client, self.path = client, path
        self.what = {image: (scene.name, name) for scene in study.scenes for name, image in scene.images.items()}

    def page(self) -> str:
        answer = self.client.get(self.path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def leave(self, page: str) -> httpx.Response:
        return self.client.post(f"{self.path}/next", data={"page": page})

    def vote(self, nonce: str, choice: str, **more: str) -> httpx.Response:
        return self.client.post(f"{self.path}/vote", data={"trial": nonce, "choice": choice, **more})

    def start(self) -> str:
        """Past consent and instructions, to the first trial."""
        assert self.leave("consent").status_code == 303
        assert self.leave("instructions").status_code == 303
        return self.page()

    def trial(self, page: str) -> tuple[str, str, str, str]:
        """Nonce, scene, left and right condition of a trial's page."""
        nonce = re.search(r'name="trial" value="(\w+)"', page)
        assert nonce is not None
        shown = re.findall(r'<img src="[^"]*/i/(\w+)"', page)
        (scene, left), _, (_, right) = (self.what[image] for image in shown)
        return nonce[1], scene, left, right

    def walk(self, choose: Choose, *, votes: int | None = None) -> str:
        """Go on from where the session stands until the end, or for so many votes; the last page.

        Args:
            choose: (scene, left, right) → whether the left is chosen.
            votes: Stop after so many votes.
        """
        done = 0
        while votes is None or done < votes:
            page = self.page()
            pause = re.search(r'name="page" value="(\w+)"', page)
            if pause is not None:
                assert self.leave(pause[1]).status_code == 303
            elif 'name="trial"' in page:
                nonce, scene, left, right = self.trial(page)
                assert self.vote(nonce, "left" if choose(scene, left, right) else "right").status_code == 303
                done += 1
            else:
                return page
        return self.page()


QUALITY = {"reference": 9.0, "good": 3.0, "fair": 2.0, "poor": 1.0, "known-bad": -9.0}


def honest(scene: str, left: str, right: str) -> bool:
    return QUALITY[left] > QUALITY[right]


def careless(scene: str, left: str, right: str) -> bool:
    return QUALITY[left] < QUALITY[right]


def stored(study: Study) -> int:
    """Votes in the study's database."""
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        return int(db.execute("SELECT count(*) FROM votes").fetchone()[0])
