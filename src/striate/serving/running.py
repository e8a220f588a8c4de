"""A service on its address, until it is stopped."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import uvicorn

from striate.errors import UserError
from striate.ops.memory import return_memory
from striate.serving.app import build
from striate.serving.connections import Connection, open_files
from striate.serving.fleet import Fleet
from striate.serving.keys import Keys
from striate.serving.service import Service
from striate.serving.settings import Settings
from striate.serving.visits import loopback

KEEP_ALIVE = 30  # seconds that a connection may be idle
BACKLOG = 1024  # connections that wait to be taken
LEVELS = {
    "striate.serving": logging.INFO,
    "uvicorn.error": logging.WARNING,
    "python_multipart": logging.ERROR,  # its warnings repeat what was sent
}


class Server(uvicorn.Server):
    """uvicorn, whose service hears of the end as soon as it is asked to stop."""

    def __init__(self, config: uvicorn.Config, service: Service):
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        try:
            asyncio.get_running_loop().call_soon(self.service.stop)
        except RuntimeError:  # the loop has not begun, or has ended
            self.service.ready = False


def serve(settings: Settings) -> None:
    """Serves; SIGTERM or Ctrl-C end it after what was taken is answered.

    Raises:
        UserError: if the address is not loopback and there are no keys, or it is taken; if there
            are workers on a system without Unix sockets.
    """
    see_address(settings)
    if settings.workers and not hasattr(socket, "AF_UNIX"):
        raise UserError("--workers needs Unix sockets, which this system does not have")
    quiet()
    open_files()
    return_memory()
    with listening(settings) as sockets:
        if settings.workers:
            asyncio.run(with_workers(settings, sockets))
            return
        app = build(settings)
        Server(configured(app, settings), app.state.service).run(sockets)


async def with_workers(settings: Settings, sockets: list[socket.socket]) -> None:
    """Serves with processes behind a front; SIGHUP has them replaced."""
    fleet = Fleet(settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, fleet.renew)
    await fleet.start()
    try:
        app = build(settings, fleet=fleet)
        await Server(configured(app, settings), app.state.service).serve(sockets)
    finally:
        await fleet.stop()


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


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[list[socket.socket]]:
    """The address, taken before the models are loaded.

    Raises:
        UserError: if another program has it, or it is not an address of this machine.
    """
    with contextlib.ExitStack() as stack:
        try:
            found = socket.getaddrinfo(
                settings.host or None, settings.port, type=socket.SOCK_STREAM,
                flags=socket.AI_PASSIVE,
            )  # fmt: skip
            sockets = [
                stack.enter_context(socket.create_server(place, family=family, backlog=BACKLOG))
                for family, _, _, _, place in dict.fromkeys(found)
            ]
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not an address"
            raise UserError(
                f"cannot listen at {settings.host}:{settings.port} ({reason}); try another --port"
            ) from error
        yield sockets


def configured(app: object, settings: Settings) -> uvicorn.Config:
    """uvicorn, with our log and connections and without its own headers."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=Connection,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(settings.deadline) + 5,
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
