"""HTTP/1.1 connections that are not waited for without end.

uvicorn waits for the first bytes, for the rest of the headers and for a reader of the answer as
long as they like. Here each has its time, and what is refused before the application is reached has
the documented form.
"""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from striate.serving import refusals
from striate.serving.refusals import Refused

HEAD = 10.0  # seconds until the headers of a call are there
READ = 30.0  # seconds in which a caller must take some of an answer that waits to be sent
MOST = 1024  # connections
FILES = 3 * MOST  # that are open, at most: a connection, what is handed on, what is read


def open_files() -> None:
    """Asks the system for as many open files as so many connections need, or all that it allows:
    usually a process has 1024, with which one that is at its limit accepts nobody, and says so to
    nobody."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Connection(H11Protocol):
    """A connection with a clock."""

    def __init__(self, *args: Any, **more: Any):
        super().__init__(*args, **more)
        self._head: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST:
            self._close_with(refusals.exhausted("too many connections"))
        else:
            self._head = self.loop.call_later(HEAD, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop("_head")
        self._stop("_reader")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop("_head")
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD, self._late)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader = self.loop.call_later(READ, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop("_reader")
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._close_with(Refused(400, refusals.BAD_FORMAT, "not an HTTP request"))

    def _late(self) -> None:
        """The headers did not come."""
        self._head = None
        if self.conn.trailing_data[0]:
            self._close_with(Refused(408, refusals.LATE, "the headers did not come"))
        else:
            self.transport.abort()

    def _stop(self, clock: str) -> None:
        if handle := getattr(self, clock):
            handle.cancel()
            setattr(self, clock, None)

    def _close_with(self, refused: Refused) -> None:
        """An answer without a call."""
        body = json.dumps(refused.to_json()).encode()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = {"content-type": "application/json", "content-length": str(len(body)),
                       "connection": "close", **refused.headers}  # fmt: skip
            events = (
                h11.Response(status_code=refused.http, headers=list(headers.items())),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
