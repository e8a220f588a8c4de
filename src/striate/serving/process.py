"""A program of its own: one of the processes that answer behind the front (`python -m`).

The settings are the first line on stdin, as JSON. One line on stdout tells when it listens, or why
it does not. It is the front alone that ends it, by closing stdin, which also happens when the front
dies; signals that a terminal or a service manager sends to everybody are left to the front.
"""

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from striate.errors import StriateError
from striate.ops.memory import return_memory
from striate.serving.app import build
from striate.serving.connections import open_files
from striate.serving.passed import Passed
from striate.serving.running import BACKLOG, configured, quiet
from striate.serving.service import Service
from striate.serving.settings import Limits, Settings


class Inner(uvicorn.Server):
    """uvicorn, which tells when it listens, and takes no signals."""

    def __init__(self, config: uvicorn.Config, out: int):
        super().__init__(config)
        self.out = out

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        tell(self.out, "")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def tell(out: int, error: str) -> None:
    """The one line on what was stdout: why it does not answer, or that it does."""
    with contextlib.suppress(OSError):  # the front is gone, which stdin tells, too
        os.write(out, json.dumps({"error": error}).encode() + b"\n")
        os.close(out)


def settings_of(asked: dict[str, Any]) -> tuple[Settings, Path]:
    """The settings, and the place of the socket."""
    place = Path(asked.pop("place"))
    limits = Limits(**asked.pop("limits"))
    return Settings(**{**asked, "models": tuple(asked["models"]), "limits": limits}), place


def sweep(place: Path) -> None:
    """Takes away the socket, and its folder after the last one: a killed front cannot."""
    with contextlib.suppress(OSError):  # others are there, or the front was faster
        place.unlink(missing_ok=True)
        place.parent.rmdir()


class Reins:
    """What the front wants, heard in a thread: `stop`, or the end of stdin."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.server: Inner | None = None
        self.service: Service | None = None

    def listen(self) -> None:
        """Until stdin ends: then the server does, or where there is none yet, the process."""
        for line in sys.stdin:
            if line.strip() == "stop" and self.service is not None:
                self.service.stop_soon()
        if self.server is None:
            sweep(self.place)
            os._exit(1)
        self.server.should_exit = True


def main() -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    out = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints
    settings, place = settings_of(json.loads(sys.stdin.readline()))
    reins = Reins(place)
    threading.Thread(target=reins.listen, name="striate-reins", daemon=True).start()
    quiet()
    logging.getLogger("striate.serving.access").setLevel(logging.WARNING)
    open_files()
    return_memory()
    try:
        app = build(settings, visit=Passed)
    except (StriateError, OSError) as error:
        tell(out, str(error))
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        try:
            listening.bind(str(place))
            listening.listen(BACKLOG)
        except OSError as error:
            tell(out, f"cannot make a socket at {place} ({error}); is TMPDIR a long path?")
            return
        reins.service = app.state.service
        reins.server = Inner(configured(app, settings), out)
        reins.server.run([listening])
    sweep(place)


if __name__ == "__main__":
    main()
