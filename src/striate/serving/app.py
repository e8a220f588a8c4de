"""The service as an ASGI application: its calls, its page, and its answer when a call fails."""

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from striate.serving import inference, refusals, searching, tags
from striate.serving.bodies import invalid
from striate.serving.door import Door
from striate.serving.fleet import Fleet
from striate.serving.front import Front
from striate.serving.metrics import CONTENT_TYPE
from striate.serving.openapi import document, failing, key
from striate.serving.refusals import Refused
from striate.serving.routes import Form
from striate.serving.service import Service
from striate.serving.settings import Settings
from striate.serving.visits import Visit
from striate.version import __version__

PAGE = Path(__file__).parent / "page"
TYPES = {  # what systems disagree about, and browsers insist on
    ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript",
    ".json": "application/json", ".svg": "image/svg+xml", ".bin": "application/octet-stream",
    ".safetensors": "application/octet-stream", ".webmanifest": "application/manifest+json",
}  # fmt: skip
WORDS = {404: refusals.NO_SUCH_PATH, 405: refusals.WRONG_METHOD, 413: refusals.BAD_FORMAT}


def build(settings: Settings, *, fleet: Fleet | None = None, visit: type[Visit] = Visit) -> FastAPI:
    """The application; see `create_app`.

    Args:
        fleet: the processes that it hands calls to, where it is their front.
        visit: what a call is to the door.
    """
    for suffix, kind in TYPES.items():
        mimetypes.add_type(kind, suffix)
    service = Service(settings, fleet)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="striate",
        version=__version__,
        description="What pictures show. It is described in `docs/service.md`.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    tags.add_calls(app, service)
    inference.add_calls(app, service)
    searching.add_calls(app, service)
    app.get("/", include_in_schema=False)(front)
    app.mount("/page", StaticFiles(directory=PAGE, check_dir=False))
    app.get(
        "/metrics",
        summary="Counters for Prometheus",
        dependencies=key(needed=service.needs_key),
        response_class=Response,
        responses={
            **failing(),
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        },
    )(lambda: counters(service))
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.add_exception_handler(Refused, refuse)
    app.add_exception_handler(HTTPException, refuse_path)
    app.add_exception_handler(RequestValidationError, refuse_query)
    if fleet:
        app.add_middleware(Front, service=service, fleet=fleet)
    app.add_middleware(Door, service=service, visit=visit)
    return app


async def front() -> Response:
    """The page."""
    return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


def counters(service: Service) -> Response:
    """What Prometheus reads."""
    service.metrics.held.set(service.workers.account.held)
    for served in service.shelf:
        service.metrics.waiting.labels(served.name).set(served.batcher.promised)
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


def answer(request: Request, refused: Refused) -> Response:
    """The answer, in the form that the call's family has."""
    body: dict[str, Any] = refused.to_json(request.state.request)
    if request.state.route.form is Form.PLAIN:
        body = {"error": refused.details or refused.code.words}
    return JSONResponse(body, refused.http, refused.headers)


async def refuse(request: Request, error: Exception) -> Response:
    """A call that is not answered as asked."""
    assert isinstance(error, Refused)
    return answer(request, error)


async def refuse_path(request: Request, error: Exception) -> Response:
    """A method that a path does not have, or a file of the page that is not there."""
    assert isinstance(error, HTTPException)
    code = WORDS.get(error.status_code, refusals.BAD_FORMAT)
    return answer(request, Refused(error.status_code, code, headers=dict(error.headers or {})))


async def refuse_query(request: Request, error: Exception) -> Response:
    """A parameter that is not as documented: which one, but not what it was."""
    assert isinstance(error, RequestValidationError)
    return answer(request, invalid(error.errors()))
