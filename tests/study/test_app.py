"""The page over HTTP: the way through it, its log, its designs, and no server error."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from participant import MakeStudy, Participant, careless, honest, stored
from starlette.testclient import TestClient

from mdfloss.study.app import create_app
from mdfloss.study.links import Secrets
from mdfloss.study.trials import Study


def test_a_participant_gets_the_code(participant: Participant, keys: Secrets, study: Study) -> None:
    assert "Before you start" in participant.page()
    assert "Practice" in participant.start()
    assert keys.completion_code("seat-0001") in participant.walk(honest)
    assert stored(study) == 1 + 9 + 2
    assert keys.completion_code("seat-0001") in participant.page()


def test_a_careless_participant_gets_none(participant: Participant, keys: Secrets) -> None:
    participant.start()
    last = participant.walk(careless)
    assert keys.completion_code("seat-0001") not in last
    assert 'id="screened"' in last


def test_resume_after_leaving(client: TestClient, participant: Participant, study: Study) -> None:
    participant.start()
    before = participant.walk(honest, votes=5)
    again = Participant(client, participant.path, study)
    assert again.trial(again.page()) == participant.trial(before)


def test_breaks_come_where_they_must(participant: Participant) -> None:
    participant.start()
    participant.walk(honest, votes=1)
    assert "That was the practice" in participant.page()
    participant.leave("pause")
    participant.walk(honest, votes=6)
    assert "short break" in participant.page()


def test_health_and_log(client: TestClient, participant: Participant, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="mdfloss.study"):
        assert client.get("/health").json() == {"status": "ok"}
        participant.page()
    assert "testclient" not in caplog.text
    assert participant.path not in str([record.__dict__ for record in caplog.records])
    assert caplog.records[0].facts["route"] == "/health"  # type: ignore[attr-defined]


class TestPlatforms:
    def test_mturk(self, client: TestClient, study: Study) -> None:
        ids = {"workerId": "A1B2C3WORKER", "assignmentId": "3ASSIGN", "hitId": "3HIT"}
        first = client.get("/enter", params=ids)
        assert first.status_code == 303
        assert client.get("/enter", params=ids).headers["location"] == first.headers["location"]
        next_unit = client.get("/enter", params={**ids, "assignmentId": "3OTHER"})
        assert next_unit.headers["location"] != first.headers["location"]
        with sqlite3.connect(study.folder / "votes.sqlite") as db:
            rows = db.execute("SELECT observer, assignment, hit FROM sessions").fetchall()
        assert len({row[0] for row in rows}) == 1
        assert [row[1:] for row in rows] == [("3ASSIGN", "3HIT"), ("3OTHER", "3HIT")]
        files = b"".join(path.read_bytes() for path in Path(study.folder).glob("votes.sqlite*"))
        assert b"A1B2C3WORKER" not in files

    def test_prolific(self, client: TestClient, study: Study, keys: Secrets) -> None:
        ids = {"PROLIFIC_PID": "5a9d", "STUDY_ID": "60aa", "SESSION_ID": "61bb", "utm": "<b>"}
        answer = client.get("/enter", params=ids)
        someone = Participant(client, answer.headers["location"], study)
        someone.start()
        assert 'id="code"' in someone.walk(honest)

    def test_preview_of_mturk_makes_no_session(self, client: TestClient, study: Study) -> None:
        answer = client.get("/enter", params={"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "3HIT"})
        assert "Accept the task" in answer.text
        with sqlite3.connect(study.folder / "votes.sqlite") as db:
            assert db.execute("SELECT count(*) FROM sessions").fetchone()[0] == 0

    def test_closed_by_default(self, make_study: MakeStudy) -> None:
        study = make_study("closed", open_entry=False)
        with TestClient(create_app(study.folder)) as client:
            assert client.get("/enter", params={"workerId": "w", "assignmentId": "a"}).status_code == 403


def test_active_and_full_designs(make_study: MakeStudy) -> None:
    for design, number in (("active", 9), ("full", 9)):  # three pairs on three pictures
        study = make_study(design, design=design)
        keys = Secrets.load(study.folder / "secrets.json")
        with TestClient(create_app(study.folder), follow_redirects=False) as client:
            for seat in ("one", "two"):
                someone = Participant(client, f"/s/{keys.link(seat)}", study)
                someone.start()
                someone.walk(honest)
        with sqlite3.connect(study.folder / "votes.sqlite") as db:
            real = db.execute("SELECT count(*) FROM votes JOIN trials ON id = trial WHERE kind = 'real'").fetchone()[0]
        assert real == 2 * number


def test_behind_a_proxy_s_path(make_study: MakeStudy) -> None:
    study = make_study("proxied")
    path = f"/s/{Secrets.load(study.folder / 'secrets.json').link('seat-0001')}"
    with TestClient(create_app(study.folder), root_path="/lab", follow_redirects=False) as client:
        assert f'action="/lab{path}/next"' in client.get(path).text
        assert client.post(f"{path}/next", data={"page": "consent"}).headers["location"] == f"/lab{path}"


def test_schemathesis_finds_no_server_error(client: TestClient, keys: Secrets) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error

    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    tried = 0
    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy()

        @settings(
            max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            derandomize=True, database=None,
        )  # fmt: skip
        @given(case=strategy)
        def no_server_error(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            if "token" in (case.path_parameters or {}) and tried % 2:
                case.path_parameters["token"] = keys.link(f"seat-{tried}")
            case.call_and_validate(checks=[not_a_server_error])

        no_server_error()
    assert tried > 100
