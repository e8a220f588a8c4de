"""The recognition service: a page for people and an HTTP interface for programs, from one process.

What callers see is written in docs/service.md. FastAPI, uvicorn and SQLAlchemy are imported when a
service is made, not before.
"""

from typing import TYPE_CHECKING

from striate.errors import MissingExtra
from striate.serving.settings import Limits, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from striate.serving.keys import Keys

__all__ = ["Limits", "Settings", "create_app", "open_keys", "run"]


def create_app(settings: Settings) -> "FastAPI":
    """The service as an ASGI application; its models are loaded now, its threads end with it.

    Raises:
        MissingExtra: if a package of the extra `serve` is not installed.
        WeightsError: if a model cannot be loaded.
        UserError: if two models have one name.
    """
    try:
        from striate.serving.app import build
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return build(settings)


def run(settings: Settings) -> None:
    """Serves until it is told to stop, and then finishes what it took.

    Raises:
        UserError: as `create_app`; also if the address is not loopback and there are no keys.
    """
    try:
        from striate.serving.running import serve
    except ModuleNotFoundError as error:
        raise missing(error) from error
    serve(settings)


def open_keys(url: str) -> "Keys":
    """The keys in a database, as SQLAlchemy writes its URL.

    Raises:
        MissingExtra: if SQLAlchemy is not installed.
        UserError: if there is no such database.
    """
    try:
        from striate.serving.keys import Keys
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return Keys(url)


def missing(error: ModuleNotFoundError) -> Exception:
    """What to say of a package that is not there: our own extra, or the error as it is."""
    if (error.name or "").split(".")[0] == "striate":
        return error
    return MissingExtra(f"the service ({error.name})", "serve")
