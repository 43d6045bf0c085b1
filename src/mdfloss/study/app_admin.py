"""The owner's pages: progress and exports, behind the admin token."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from .app_security import RateLimit, client
from .export import CHECK_COLUMNS, UNIT_COLUMNS, VOTE_COLUMNS, assigned, check_rows, unit_rows, vote_rows
from .links import Secrets
from .trials import Study

__all__ = ["admin_router"]


def admin_router(
    study: Study, keys: Secrets, read: Callable[[], sqlite3.Connection], render: Callable[..., HTMLResponse]
) -> APIRouter:
    """Routes under /admin.

    Args:
        study: The study.
        keys: Its keys.
        read: Opens its database for reading.
        render: Renders a template.
    """
    guard = _Guard(keys)
    router = APIRouter(prefix="/admin", responses={401: {"description": "the admin token is missing or wrong"}})
    tables: Mapping[str, tuple[Callable[[sqlite3.Connection], Sequence[Mapping[str, Any]]], Sequence[str]]] = {
        "votes": (vote_rows, VOTE_COLUMNS),
        "checks": (check_rows, CHECK_COLUMNS),
        "sessions": (unit_rows, UNIT_COLUMNS),
    }

    @router.get("", response_class=HTMLResponse)
    def admin(request: Request) -> HTMLResponse:
        guard.check(request)
        db = read()
        try:
            load, votes = assigned(db, study)
            units = unit_rows(db)
        finally:
            db.close()
        return render(request, "admin.html", study=study, units=units, votes=votes, covered=(load > 0).mean())

    @router.get("/{table}.csv", responses={404: {"description": "no such table"}})
    def export(request: Request, table: str) -> Response:
        guard.check(request)
        if table not in tables:
            raise HTTPException(404, "There is no such table.")
        rows, columns = tables[table]
        db = read()
        try:
            text = _csv(rows(db), columns)
        finally:
            db.close()
        return Response(
            text, media_type="text/csv", headers={"content-disposition": f"attachment; filename={table}.csv"}
        )

    return router


class _Guard:
    """Asks for the admin token, as a bearer or as the password of HTTP's basic scheme, and slows guessing down."""

    def __init__(self, keys: Secrets) -> None:
        self.keys = keys
        self.failures = RateLimit(rate=0.2, burst=10)

    def check(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        token = given if scheme.lower() == "bearer" else _password(given) if scheme.lower() == "basic" else ""
        if self.keys.is_admin(token):
            return
        if not self.failures.take(client(request)):
            raise HTTPException(429, "Too many attempts. Wait a minute.")
        challenge = {"www-authenticate": 'Basic realm="study administration", charset="UTF-8"'}
        raise HTTPException(401, "This page needs the admin token of the study.", headers=challenge)


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
