"""What the study must refuse over HTTP, and what its pages must not tell."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest
from participant import MakeStudy, Participant, stored
from starlette.testclient import TestClient

from mdfloss.study.app import create_app
from mdfloss.study.links import Secrets
from mdfloss.study.trials import Study

NASTY = ["'; DROP TABLE votes; --", "<script>alert(1)</script>", "../../etc/passwd", "%00", "\x00", "𝕏" * 50, "-1", ""]


def test_double_post_is_refused(participant: Participant, study: Study) -> None:
    nonce = participant.trial(participant.start())[0]
    assert participant.vote(nonce, "left").status_code == 303
    again = participant.vote(nonce, "right")
    assert again.status_code == 409
    assert "has its vote already" in again.text
    assert stored(study) == 1


def test_forged_vote_is_refused(participant: Participant, study: Study) -> None:
    participant.start()
    assert participant.vote("0" * 32, "left").status_code == 403
    assert stored(study) == 0


def test_vote_for_a_trial_not_shown_is_refused(participant: Participant, study: Study) -> None:
    participant.start()
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        hidden = db.execute("SELECT nonce FROM trials ORDER BY position DESC LIMIT 1").fetchone()[0]
    assert participant.vote(hidden, "left").status_code == 403
    assert stored(study) == 0


def test_vote_before_its_page_was_opened_is_refused(participant: Participant, study: Study) -> None:
    participant.leave("consent")
    participant.leave("instructions")
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        first = db.execute("SELECT nonce FROM trials ORDER BY position LIMIT 1").fetchone()[0]
    assert participant.vote(first, "left").status_code == 403
    assert stored(study) == 0


def test_another_participant_s_trial_is_refused(
    client: TestClient, participant: Participant, keys: Secrets, study: Study
) -> None:
    nonce = participant.trial(participant.start())[0]
    other = Participant(client, f"/s/{keys.link('seat-0002')}", study)
    other.start()
    assert other.vote(nonce, "left").status_code == 403
    assert stored(study) == 0


@pytest.mark.parametrize("change", ["seat-0002.{mac}", "seat-0001.{mac}x", "seat-0001", "seat-0001.", ".{mac}", "é.é"])
def test_forged_links_are_refused(client: TestClient, keys: Secrets, study: Study, change: str) -> None:
    mac = keys.link("seat-0001").rpartition(".")[2]
    token = change.format(mac=mac)
    for answer in (
        client.get(f"/s/{token}"),
        client.post(f"/s/{token}/next", data={"page": "consent"}),
        client.post(f"/s/{token}/vote", data={"trial": "0" * 32, "choice": "left"}),
    ):
        assert answer.status_code in (403, 404)
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone()[0] == 0


def test_pages_cannot_be_skipped_or_left_twice(participant: Participant) -> None:
    assert participant.leave("instructions").status_code == 409
    assert participant.leave("consent").status_code == 303
    assert participant.leave("consent").status_code == 409
    assert participant.leave("pause").status_code == 409


@pytest.mark.parametrize(
    "path",
    [
        "/i/../secrets.json",
        "/i/..%2fsecrets.json",
        "/i/%2e%2e%2fsecrets.json",
        "/static/../store.py",
        "/static/..%2f..%2fstore.py",
        "/static/%2e%2e/app.py",
        "/votes.sqlite",
        "/secrets.json",
        "/i/0123456789abcdef0123456789abcdef",
        "/docs",
    ],
)
def test_path_traversal(client: TestClient, keys: Secrets, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert keys.signing_key not in answer.text


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("field", ["trial", "choice", "milliseconds", "input", "zoom", "surprise"])
def test_anything_else_in_a_vote_is_refused(participant: Participant, study: Study, field: str, text: str) -> None:
    nonce = participant.trial(participant.start())[0]
    answer = participant.client.post(f"{participant.path}/vote", data={"trial": nonce, "choice": "left", field: text})
    if text == "" and field in ("milliseconds", "input", "zoom"):
        assert answer.status_code == 303  # an empty field is an absent one
        return
    assert answer.status_code == 422
    assert "<script" not in answer.text.replace('<script src="/static', "")
    assert stored(study) == 0


@pytest.mark.parametrize("text", NASTY[:-1])
@pytest.mark.parametrize("field", ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "workerId", "assignmentId", "hitId"])
def test_anything_else_in_the_ids_is_refused(client: TestClient, study: Study, field: str, text: str) -> None:
    ids = {"workerId": "w1", "assignmentId": "a1", field: text}
    answer = client.get("/enter", params=ids)
    if text == "-1":  # letters, digits, - and _ are what the platforms use
        assert answer.status_code in (303, 422)
        return
    assert answer.status_code == 422
    assert "alert(1)" not in answer.text
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone()[0] == 0


def test_a_database_that_fails_is_said_in_plain_words(participant: Participant, study: Study) -> None:
    nonce = participant.trial(participant.start())[0]
    fault = "CREATE TRIGGER fault BEFORE INSERT ON votes BEGIN SELECT RAISE(FAIL, 'disk I/O error'); END"
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        db.execute(fault)
    answer = participant.vote(nonce, "left")
    assert answer.status_code == 503
    assert "cannot store anything" in answer.text
    assert "disk I/O" not in answer.text
    assert f'href="{participant.path}"' in answer.text
    with sqlite3.connect(study.folder / "votes.sqlite") as db:
        db.execute("DROP TRIGGER fault")
    assert participant.vote(nonce, "left").status_code == 303
    assert stored(study) == 1


def test_settings_are_escaped(client: TestClient) -> None:
    page = client.get("/").text
    assert "Test &lt;study&gt;" in page
    assert "Test <study>" not in page


def test_markdown_pages_hold_no_html(make_study: MakeStudy) -> None:
    study = make_study("nasty")
    (study.folder / "pages" / "consent.md").write_text("<script>alert(1)</script> [x](javascript:alert(1))")
    with TestClient(create_app(study.folder)) as client:
        page = client.get(f"/s/{Secrets.load(study.folder / 'secrets.json').link('seat-0001')}").text
    assert "&lt;script&gt;" in page
    assert 'href="javascript' not in page


def test_long_bodies_are_refused(participant: Participant, study: Study) -> None:
    nonce = participant.trial(participant.start())[0]
    path, long = f"{participant.path}/vote", b"x" * 10_000_000
    announced = participant.client.post(path, content=long)

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(long), 100_000):
            yield long[at : at + 100_000]

    chunked = participant.client.post(path, content=pieces())
    lied = participant.client.post(path, content=pieces(), headers={"content-length": "10"})
    in_field = participant.client.post(path, data={"trial": nonce, "choice": "left", "input": "k" * 9000})
    assert [answer.status_code for answer in (announced, chunked, lied, in_field)] == [413] * 4
    assert announced.headers["x-content-type-options"] == "nosniff"
    assert stored(study) == 0


def test_headers(client: TestClient, participant: Participant) -> None:
    for path in ("/", participant.path, "/static/study.js", "/nothing", "/health"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
    assert client.get(participant.path).headers["cache-control"] == "no-store"
    assert "set-cookie" not in client.get(participant.path).headers


def test_nothing_comes_from_elsewhere(participant: Participant) -> None:
    for page in (participant.page(), participant.start()):
        assert re.findall(r'(?:src|href|action)="(?!/)[^"]*"', page) == []
        assert "style=" not in page
        assert re.search(r"<script(?! src=)", page) is None


def test_pictures_do_not_tell_their_method(participant: Participant) -> None:
    page = participant.start()
    assert not re.search(r"good|fair|poor|known-bad|\.png", page.partition("<main>")[2])


def test_rate_limit(participant: Participant) -> None:
    statuses = [participant.client.get(participant.path).status_code for _ in range(60)]
    assert statuses[0] == 200
    assert 429 in statuses


def test_guessing_links_is_slowed_and_honest_ones_are_not(client: TestClient, participant: Participant) -> None:
    statuses = [client.get(f"/s/seat-0001.{guess:022d}").status_code for guess in range(50)]
    assert set(statuses) == {403, 429}
    assert client.get(participant.path).status_code == 200
