"""What stands before every page: limits of size and rate, headers, and the log."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "BodyLimit", "JsonFormatter", "RateLimit", "SecurityHeaders", "client"]

HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
"""Sent with every answer. Nothing is loaded from elsewhere, nothing runs inline, no page can be framed."""

_LOG = logging.getLogger("mdfloss.study")


class BodyLimit:
    """Refuse long bodies with 413 before anything reads them, whether they announce their length or not."""

    def __init__(self, app: ASGIApp, *, limit: int = 8192) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read at most `limit` bytes, then hand them on as one message."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        body, more = b"", not (length.isdigit() and int(length) > self.limit)
        too_long = not more
        while more and not too_long:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            too_long = len(body) > self.limit
        if too_long:
            start = {"type": "http.response.start", "status": 413, "headers": _PLAIN}
            await send(start)
            await send({"type": "http.response.body", "body": b"The request is too long.\n"})
            return
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, replay, send)


_PLAIN = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]


class SecurityHeaders:
    """Add `HEADERS` to every answer, forbid caching unless the page allows it, and log the request.

    The log has method, route, status and time. It has no link, no address and no text that a client sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def complete(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                extra: dict[str, str] = {**HEADERS, "cache-control": "no-store"}
                extra |= {"strict-transport-security": "max-age=31536000"} if scope.get("scheme") == "https" else {}
                missing = [(name.encode(), value.encode()) for name, value in extra.items()]
                message["headers"] = [*message["headers"], *(pair for pair in missing if pair[0] not in present)]
            await send(message)

        try:
            await self.app(scope, receive, complete)
        except Exception:
            if not status:
                await complete({"type": "http.response.start", "status": 500, "headers": _PLAIN})
                await send({"type": "http.response.body", "body": b"Something went wrong on our side.\n"})
            raise
        finally:
            route = getattr(scope.get("route"), "path", "-")
            taken = round(1000 * (time.perf_counter() - started), 1)
            _LOG.info(
                "request", extra={"facts": {"method": scope["method"], "route": route, "status": status, "ms": taken}}
            )


class RateLimit:
    """A token bucket for each key: `rate` requests a second, `burst` at once, whichever threads they come in.

    Args:
        rate: Tokens that come back in a second.
        burst: Size of a bucket.
        keys: Number of buckets that are kept; the least recently used one is forgotten first.
    """

    def __init__(self, *, rate: float, burst: float, keys: int = 10_000) -> None:
        self.rate, self.burst, self.keys = rate, burst, keys
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Take a token; False where none is left."""
        with self._lock:
            now = time.monotonic()
            left, then = self._buckets.pop(key, (self.burst, now))
            left = min(self.burst, left + (now - then) * self.rate)
            self._buckets[key] = (left - 1 if left >= 1 else left, now)  # the newest stands last
            if len(self._buckets) > self.keys:
                del self._buckets[next(iter(self._buckets))]
        return left >= 1


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, event, and the facts of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        facts: dict[str, Any] = getattr(record, "facts", {})
        entry = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"), "level": record.levelname.lower()}
        entry |= {"event": record.getMessage(), **facts}
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def client(request: Request) -> str:
    """The address of a client, kept in memory for rate limits only."""
    return request.client.host if request.client else "-"
