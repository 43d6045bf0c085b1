"""Limits, headers and log lines by themselves; test_app.py attacks the whole page."""

from __future__ import annotations

import contextlib
import json
import logging
import threading

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from mdfloss.study import app_security
from mdfloss.study.app_security import BodyLimit, JsonFormatter, RateLimit, SecurityHeaders


@pytest.fixture
def echo() -> FastAPI:
    app = FastAPI()
    app.add_middleware(BodyLimit, limit=10)
    app.add_middleware(SecurityHeaders)

    @app.post("/")
    async def length(request: Request) -> int:
        return len(await request.body())

    return app


@pytest.mark.parametrize("size, status", [(0, 200), (10, 200), (11, 413), (1_000_000, 413)])
def test_body_limit(echo: FastAPI, size: int, status: int) -> None:
    answer = TestClient(echo).post("/", content=b"x" * size)
    assert answer.status_code == status
    assert answer.text == (str(size) if status == 200 else "The request is too long.\n")
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_fault_has_the_headers_too(echo: FastAPI) -> None:
    @echo.get("/fault")
    def fault() -> None:
        raise RuntimeError("secret")

    answer = TestClient(echo, raise_server_exceptions=False).get("/fault")
    assert answer.status_code == 500
    assert answer.text == "Something went wrong on our side.\n"
    assert answer.headers["x-frame-options"] == "DENY"


def test_strict_transport_only_over_tls(echo: FastAPI) -> None:
    assert "strict-transport-security" not in TestClient(echo).post("/").headers
    assert "strict-transport-security" in TestClient(echo, base_url="https://lab.example").post("/").headers


def test_rate_limit_refills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(app_security.time, "monotonic", lambda: now)
    limit = RateLimit(rate=2, burst=3)
    assert [limit.take("a") for _ in range(4)] == [True, True, True, False]
    assert limit.take("b")
    now = 100.5
    assert [limit.take("a") for _ in range(2)] == [True, False]
    now = 1000.0
    assert [limit.take("a") for _ in range(4)] == [True, True, True, False]


def test_rate_limit_forgets_the_least_recently_used() -> None:
    limit = RateLimit(rate=0, burst=1, keys=2)
    assert limit.take("a")
    assert limit.take("b")
    assert not limit.take("a")
    assert limit.take("c"), "now b is the one used longest ago"
    assert not limit.take("a")
    assert limit.take("b")


def test_threads_share_a_bucket() -> None:
    """Two threads that meet between taking a bucket and putting it back, if they can."""
    meeting, taken = threading.Barrier(2), []

    class Buckets(dict):
        def pop(self, *key: object) -> object:
            bucket = super().pop(*key)
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait(0.5)
            return bucket

    limit = RateLimit(rate=0, burst=1)
    limit._buckets = Buckets()
    threads = [threading.Thread(target=lambda: taken.append(limit.take("a"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, True]


def test_log_lines_are_json() -> None:
    record = logging.LogRecord("mdfloss.study", logging.INFO, "", 0, "request", None, None)
    record.facts = {"route": "/health", "status": 200}
    line = json.loads(JsonFormatter().format(record))
    assert (line["event"], line["level"], line["route"], line["status"]) == ("request", "info", "/health", 200)
