"""What every call goes through before and after the application (ASGI).

Before: is it one of ours (host, origin, key), and is there room for its body? The body is counted
while it comes. After: headers that tell browsers what the page may do, a line in the log without
content, the counters, and the usage of the key, written before the answer goes out.
"""

import asyncio
import ipaddress
import json
import logging
import time
import uuid
from collections.abc import MutableMapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from striate.serving import refusals
from striate.serving.refusals import Refused
from striate.serving.service import Service

log = logging.getLogger("striate.serving.access")

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))


class Door:
    """The application behind the door."""

    def __init__(self, app: ASGIApp, service: Service):
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit(self.service, scope, receive, send)
        try:
            await visit.see_who()
            visit.see_length()
            await self.app(scope, visit.receive, visit.send)
        except Refused as refused:
            await visit.refuse(refused)
        except Exception:  # a mistake of ours: the log has it, the caller does not
            log.exception("%s failed", scope["method"])
            await visit.refuse(Refused(500, refusals.INTERNAL))
        finally:
            self.service.held -= visit.held
            self.service.metrics.held.set(self.service.held)
            visit.note()


class Visit:
    """One call on its way in and out; `scope["state"]` carries what the application says of it.

    `state["request"]` is its number, `state["images"]` how many pictures it took.
    """

    def __init__(self, service: Service, scope: Scope, receive: Receive, send: Send):
        self.service, self.scope, self._receive, self._send = service, scope, receive, send
        self.began = time.monotonic()
        self.headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.held, self.status, self.started = 0, 0, False
        self.key: tuple[int, str] | None = None
        self.limit = service.settings.limits.body_bytes
        self.until = asyncio.get_running_loop().time() + (service.settings.limits.body_seconds)
        self.whole = False
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.state.update(request=uuid.uuid4().hex, images=0)

    async def see_who(self) -> None:
        """Lets in who may come.

        Raises:
            Refused: 401 without a valid key; where none are needed, 403 and 421 for what a page
                elsewhere has sent, or a name that somebody has pointed at this machine.
        """
        service, path = self.service, self.scope["path"]
        if not service.needs_key:
            see_local(self.headers)
            return
        if not (path.startswith("/v2/models") or path == "/metrics"):
            return
        scheme, _, key = self.headers.get(b"authorization", "").partition(" ")
        if scheme.lower() == "key" and key and service.keys is not None:
            if service.keys.believed(key.strip()):
                self.key = service.keys.who(key.strip())
            else:
                self.key = await asyncio.to_thread(service.keys.who, key.strip())
        if self.key is None:
            raise Refused(
                401, refusals.KEY_INVALID, "Authorization: Key ...",
                headers={"WWW-Authenticate": "Key"},
            )  # fmt: skip

    def see_length(self) -> None:
        """Refuses a body by the length that is announced.

        Raises:
            Refused: 400, 413 or 503.
        """
        length = self.headers.get(b"content-length")
        if length is None:
            return
        if not length.isdecimal():
            raise Refused(400, refusals.BAD_FORMAT, "Content-Length is no number")
        self.see_room(int(length))

    def see_room(self, size: int) -> None:
        """Refuses a body of that size, if it is more than a call may have or than there is room.

        Raises:
            Refused: 413 or 503.
        """
        if size > self.limit:
            raise Refused(413, refusals.BAD_FORMAT, f"a body has at most {self.limit:,} bytes")
        if self.service.held - self.held + size > self.service.settings.limits.held_bytes:
            raise Refused(
                503, refusals.EXHAUSTED, "too many large bodies", headers={"Retry-After": "5"}
            )

    async def receive(self) -> Message:
        """The next piece of the body, counted.

        Raises:
            Refused: 408, 413 or 503.
        """
        if self.whole:
            return await self._receive()  # waits for the caller to hang up
        try:
            async with asyncio.timeout_at(self.until):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, refusals.LATE, "the body did not come") from None
        size = len(message.get("body", b""))
        self.see_room(self.held + size)
        self.held += size
        self.service.held += size
        self.service.metrics.held.set(self.service.held)
        self.whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer; before the first, usage is written."""
        if message["type"] == "http.response.start":
            await self.pay()
            self.status, self.started = message["status"], True
            given = {name.lower() for name, _ in message["headers"]}
            extra = HEADERS | {"X-Request-Id": self.state["request"]}
            if not self.scope["path"].startswith("/page/"):
                extra["Cache-Control"] = "no-store"
            message["headers"] = [
                *message["headers"],
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in extra.items()
                    if name.lower().encode() not in given
                ),
            ]
        await self._send(message)

    async def pay(self) -> None:
        """Writes down what the key used."""
        keys = self.service.keys
        if self.key is not None and keys is not None:
            counted: Future[None] = keys.count(self.key[0], self.state["images"])
            await asyncio.wrap_future(counted)

    async def refuse(self, refused: Refused) -> None:
        """Says no, unless an answer has begun; what is left of the body is not read."""
        if self.started:
            raise refused
        body: dict[str, Any] = refused.to_json(self.state["request"])
        if self.scope["path"].endswith("/infer"):
            body = {"error": refused.details or refused.code.words}
        data = json.dumps(body).encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(data)),
            **{name.lower(): value for name, value in refused.headers.items()},
        }
        if not self.whole and refused.http in (408, 413, 503):
            headers["connection"] = "close"
        self.key = None  # what is refused here costs nothing
        await self.send({
            "type": "http.response.start", "status": refused.http,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        })  # fmt: skip
        await self.send({"type": "http.response.body", "body": data})

    def note(self) -> None:
        """The counters, and a line in the log."""
        seconds = time.monotonic() - self.began
        route = getattr(self.scope.get("route"), "path", "other")
        method = self.scope["method"] if self.scope["method"] in METHODS else "other"
        self.service.metrics.request(method, route, self.status, seconds)
        who = self.key[1] if self.key else "-"
        log.info("%s %s %d %.0f ms %s", method, route, self.status, 1000 * seconds, who)


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def see_local(headers: dict[bytes, str]) -> None:
    """Refuses what a page of another origin, or another name for this machine, has brought here.

    Raises:
        Refused: 403 or 421.
    """
    host = hostname(headers.get(b"host", ""))
    if host not in LOCAL and not loopback(host):
        raise Refused(421, refusals.INVALID_REQUEST, "without keys, only localhost is answered")
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin).netloc != headers.get(b"host"):
        raise Refused(403, refusals.INVALID_REQUEST, "another origin")


def hostname(netloc: str) -> str:
    """The host without its port, in small letters; empty if it is none."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


def loopback(host: str) -> bool:
    """Whether an address, or the name localhost, means this machine alone.

    >>> loopback("127.0.0.2"), loopback("::1"), loopback("0.0.0.0"), loopback("example.org")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
