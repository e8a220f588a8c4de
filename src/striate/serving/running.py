"""A service on its address, until it is told to stop."""

import logging
import sys

import uvicorn

from striate.errors import UserError
from striate.serving.app import build
from striate.serving.door import loopback
from striate.serving.keys import Keys
from striate.serving.settings import Settings

KEEP_ALIVE = 30  # seconds that a connection may be idle
CONNECTIONS = 1024
LEVELS = {
    "striate.serving": logging.INFO,
    "uvicorn.error": logging.WARNING,
    "python_multipart": logging.ERROR,  # its warnings speak of what was sent
}


def serve(settings: Settings) -> None:
    """Serves; SIGTERM or Ctrl-C end it after what was taken is answered.

    Raises:
        UserError: if the address is not loopback and there are no keys.
    """
    see_address(settings)
    quiet()
    server = uvicorn.Server(configured(settings))
    server.run()
    if not server.started:
        raise UserError(f"cannot listen at {settings.host}:{settings.port}; try another --port")


def see_address(settings: Settings) -> None:
    """Refuses to be open to everybody.

    Raises:
        UserError: if there are no keys for an address that others reach.
    """
    if loopback(settings.host):
        return
    keys = Keys(settings.keys) if settings.keys else None
    try:
        if keys is None or not keys.any():
            raise UserError(
                f"without keys only this machine is served, not {settings.host}; "
                "make one: striate keys add NAME"
            )
    finally:
        if keys:
            keys.close()


def configured(settings: Settings) -> uvicorn.Config:
    """uvicorn, with our log and without its own headers."""
    return uvicorn.Config(
        build(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(settings.deadline) + 5,
        limit_concurrency=CONNECTIONS,
    )


def quiet() -> None:
    """One line a call on stderr, with nothing of its content."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    for name, level in LEVELS.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers[:] = [handler]
        logger.propagate = False
