"""The admin page: closed without the token, and what it exports."""

from __future__ import annotations

import pytest
from participant import Participant, honest
from starlette.testclient import TestClient

from mdfloss.study.links import Secrets
from mdfloss.study.trials import Study


@pytest.fixture
def participant(client: TestClient, keys: Secrets, study: Study) -> Participant:
    return Participant(client, f"/s/{keys.link('seat-0001')}", study)


PATHS = ("/admin", "/admin/votes.csv", "/admin/checks.csv", "/admin/sessions.csv")


def test_closed_without_the_token(client: TestClient, keys: Secrets) -> None:
    for path in PATHS:
        assert client.get(path).status_code == 401
    for header in ("Bearer wrong", "Basic !!!", "Basic YTpi", "Bearer", f"Bearer {keys.signing_key}"):
        assert client.get("/admin", headers={"authorization": header}).status_code in (401, 429)


def test_guessing_is_slowed(client: TestClient, keys: Secrets) -> None:
    statuses = [client.get("/admin", auth=("a", str(guess))).status_code for guess in range(20)]
    assert statuses[-1] == 429
    assert client.get("/admin", auth=("a", keys.admin_token)).status_code == 200


def test_export(client: TestClient, participant: Participant, keys: Secrets) -> None:
    participant.start()
    participant.walk(honest)
    headers = {"authorization": f"Bearer {keys.admin_token}"}
    tables = {path: client.get(path, headers=headers).text for path in PATHS}
    votes = tables["/admin/votes.csv"].splitlines()
    assert votes[0].startswith("observer,session,scene,condition_A,condition_B,is_A_selected,")
    assert len(votes) == 1 + 9
    assert len(tables["/admin/checks.csv"].splitlines()) == 1 + 2
    assert "finished" in tables["/admin"]
    assert client.get("/admin/trials.csv", headers=headers).status_code == 404
