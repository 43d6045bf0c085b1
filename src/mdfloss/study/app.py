"""The web page of a study: consent, instructions, practice, trials, breaks, end."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, Form, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as AnyHTTPException

from .app_admin import admin_router
from .app_security import BodyLimit, RateLimit, SecurityHeaders, client
from .export import assigned, open_readonly
from .links import Secrets
from .sampling import next_pairs
from .store import VOTES, Refused, ShownTrial, Step, Store, VoteDetails
from .trials import Study, Trial, plan_trials, practice_trials

__all__ = ["create_app"]

_HERE = Path(__file__).parent
_LOG = logging.getLogger("mdfloss.study")
_ID = r"^[A-Za-z0-9_-]{1,64}$"
_NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"  # MTurk's preview of a task
_REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"description": "not a link or a trial of this participant"},
    409: {"description": "done already"},
    413: {"description": "body too long"},
    429: {"description": "too many requests"},
}


class Ballot(BaseModel):
    """A vote, as the form of a trial sends it."""

    model_config = ConfigDict(extra="forbid")

    trial: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    choice: Literal["left", "right"]
    milliseconds: Annotated[int | None, Field(ge=0, le=86_400_000)] = None
    input: Literal["", "key", "mouse", "touch", "pen"] = ""
    zoom: Annotated[float | None, Field(gt=0, le=16, allow_inf_nan=False)] = None


class Leaving(BaseModel):
    """The page that a participant leaves for the next one."""

    model_config = ConfigDict(extra="forbid")

    page: Literal["consent", "instructions", "pause"]


class Arrival(BaseModel):
    """The ids that Prolific or MTurk put in the URL; whatever else stands there is ignored."""

    PROLIFIC_PID: Annotated[str | None, Field(pattern=_ID)] = None
    STUDY_ID: Annotated[str | None, Field(pattern=_ID)] = None
    SESSION_ID: Annotated[str | None, Field(pattern=_ID)] = None
    workerId: Annotated[str | None, Field(pattern=_ID)] = None  # noqa: N815  the platforms' spelling
    assignmentId: Annotated[str | None, Field(pattern=_ID)] = None  # noqa: N815
    hitId: Annotated[str | None, Field(pattern=_ID)] = None  # noqa: N815


def create_app(folder: Path) -> FastAPI:
    """The application that serves one study.

    Args:
        folder: The study, as `create_study` made it.

    Raises:
        FileNotFoundError: `folder` is no study.
        BlockingIOError: Another process serves it.
    """
    study, keys = Study.load(folder), Secrets.load(folder / "secrets.json")
    store = Store(folder / VOTES, break_every=study.config.break_every)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(title=study.config.title, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    pages = _Pages(study)
    _add_errors(app, pages)
    _add_session(app, study, keys, store, pages)
    _add_entry(app, study, keys, store, pages)
    app.include_router(admin_router(study, keys, lambda: open_readonly(folder / VOTES), pages.render))
    return app


class _Pages:
    """Templates and Markdown of a study; every value is escaped, and Markdown may hold no HTML."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        markdown = MarkdownIt("js-default").disable("image")
        self.texts = {
            page.stem: markdown.render(page.read_text(encoding="utf-8"))
            for page in sorted((study.folder / "pages").glob("*.md"))
        }
        statics = b"".join(path.read_bytes() for path in sorted((_HERE / "static").iterdir()))
        self.version = hashlib.sha256(statics).hexdigest()[:8]

    def render(self, request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        values = {"base": request.scope.get("root_path", ""), "config": self.study.config, "back": "", **values}
        page = self.templates.get_template(name).render(version=self.version, **values)
        return HTMLResponse(page, status_code=status)

    def step(self, request: Request, step: Step, token: str, code: str) -> HTMLResponse:
        """The page at which a session stands."""
        values: dict[str, Any] = {"token": token, "step": step}
        if step.stage in ("consent", "instructions"):
            return self.render(request, "text.html", text=self.texts[step.stage], **values)
        if step.trial is None:
            return self.render(request, "end.html", code=code, **values)
        if step.stage == "pause":
            return self.render(request, "pause.html", preload=self._images(step.trial), **values)
        preload = self._images(step.following) if step.following else []
        scene = self.study.scene(step.trial.scene)
        return self.render(request, "trial.html", scene=scene, trial=step.trial, preload=preload, **values)

    def _images(self, trial: ShownTrial) -> list[str]:
        images = self.study.scene(trial.scene).images
        return [images[condition] for condition in ("reference", trial.left, trial.right)]


def _add_session(app: FastAPI, study: Study, keys: Secrets, store: Store, pages: _Pages) -> None:
    """The participant's pages: all state is in the database, so that a link can be opened again at any time."""
    pace = RateLimit(rate=10, burst=40)
    failures = RateLimit(rate=0.5, burst=30)
    images = {image_id: study.image_path(image_id) for scene in study.scenes for image_id in scene.images.values()}

    def session(request: Request, token: str) -> str:
        key = keys.read_link(token)
        if key is None:
            if not failures.take(client(request)):
                raise HTTPException(429, "Too many attempts. Wait a minute.")
            raise HTTPException(403, "This link is not valid. Copy the whole link from your invitation.")
        if not pace.take(key):
            raise HTTPException(429, "Too many requests. Wait a moment, then go on.")
        return key

    def planner(db: sqlite3.Connection, number: int) -> tuple[Sequence[Trial], Sequence[Trial]]:
        random = np.random.default_rng([study.config.seed, number])
        load, votes = assigned(db, study)
        active = study.config.design == "active"
        pairs = next_pairs(votes, study.config.trials, random) if active else None
        return practice_trials(study, random), plan_trials(study, load, random, pairs=pairs)

    @app.get("/s/{token}", response_class=HTMLResponse, responses=_REFUSALS)
    def show(request: Request, token: str) -> HTMLResponse:
        key = session(request, token)
        step = store.step(key)
        if step.stage == "trial" and step.trial is not None:
            store.mark_shown(step.trial.id)
        return pages.step(request, step, token, keys.completion_code(key))

    @app.post("/s/{token}/next", status_code=303, response_class=RedirectResponse, responses=_REFUSALS)
    def leave(request: Request, token: str, form: Annotated[Leaving, Form()]) -> RedirectResponse:
        key = session(request, token)
        if form.page == "consent":
            store.open_session(key, observer=keys.pseudonym("seat", key))
            store.agree(key, planner)
        else:
            (store.begin if form.page == "instructions" else store.resume)(key)
        return _to_session(request, token)

    @app.post("/s/{token}/vote", status_code=303, response_class=RedirectResponse, responses=_REFUSALS)
    def vote(request: Request, token: str, ballot: Annotated[Ballot, Form()]) -> RedirectResponse:
        key = session(request, token)
        details = VoteDetails(ballot.milliseconds, ballot.input, ballot.zoom)
        store.vote(key, ballot.trial, left=ballot.choice == "left", details=details)
        return _to_session(request, token)

    @app.get("/i/{image_id}", response_class=FileResponse, responses={404: {"description": "no such picture"}})
    def image(image_id: str) -> FileResponse:
        path = images.get(image_id)  # looked up, never built from what the request says
        if path is None:
            raise HTTPException(404, "There is no such picture.")
        return FileResponse(
            path, media_type="image/png", headers={"cache-control": "private, max-age=86400, immutable"}
        )


def _add_entry(app: FastAPI, study: Study, keys: Secrets, store: Store, pages: _Pages) -> None:
    arrivals = RateLimit(rate=2, burst=120)

    @app.get("/", response_class=HTMLResponse)
    def home(request: Request) -> HTMLResponse:
        return pages.render(request, "home.html")

    @app.get("/health")
    def health() -> dict[str, str]:
        store.query("SELECT 1")
        return {"status": "ok"}

    @app.get("/enter", status_code=303, response_class=RedirectResponse, responses=_REFUSALS)
    def enter(request: Request, ids: Annotated[Arrival, Query()]) -> Any:
        if not study.config.open_entry:
            raise HTTPException(403, "This study is open by personal link only.")
        if ids.assignmentId == _NOT_ACCEPTED:
            return pages.render(request, "preview.html")
        worker, unit = ids.PROLIFIC_PID or ids.workerId, ids.SESSION_ID or ids.assignmentId
        if worker is None or unit is None:
            raise HTTPException(422, "The ids of your platform are missing from the link. Start from the task's page.")
        if not arrivals.take(client(request)):
            raise HTTPException(429, "Too many requests. Wait a moment, then go on.")
        platform = "prolific" if ids.PROLIFIC_PID else "mturk"
        key = keys.pseudonym(platform, f"{worker}/{unit}")
        observer = keys.pseudonym(platform, worker)
        store.open_session(key, observer=observer, assignment=unit, hit=ids.STUDY_ID or ids.hitId or "")
        return _to_session(request, keys.link(key))


def _add_errors(app: FastAPI, pages: _Pages) -> None:
    """Errors as pages in plain words; what the client sent is never repeated."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> HTMLResponse:
        reason = f"{str(error).capitalize()}."
        back = request.path_params.get("token", "")  # its signature was good, or the rules had not been asked
        return pages.render(request, "error.html", status=error.status, reason=reason, back=back)

    @app.exception_handler(sqlite3.Error)
    def unavailable(request: Request, error: sqlite3.Error) -> HTMLResponse:
        _LOG.error("database", extra={"facts": {"reason": str(error)}})
        reason = "The study cannot store anything at the moment. Wait a little, then go on."
        return pages.render(request, "error.html", status=503, reason=reason, back=request.path_params.get("token", ""))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, _: RequestValidationError) -> HTMLResponse:
        return pages.render(request, "error.html", status=422, reason="The request was not understood.")

    @app.exception_handler(AnyHTTPException)
    def failed(request: Request, error: AnyHTTPException) -> HTMLResponse:
        reason = error.detail if error.detail.endswith(".") else "There is no such page."
        answer = pages.render(request, "error.html", status=error.status_code, reason=reason)
        answer.headers.update(error.headers or {})
        return answer


def _to_session(request: Request, token: str) -> RedirectResponse:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/s/{token}", status_code=303)
