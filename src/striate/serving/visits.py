"""One call on its way in and out of the door."""

import asyncio
import ipaddress
import json
import logging
import time
import uuid
from collections.abc import Hashable, MutableMapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Message, Receive, Scope, Send

from striate.errors import StorageError
from striate.serving import refusals
from striate.serving.account import Line, Share
from striate.serving.refusals import Refused, exhausted
from striate.serving.routes import NOWHERE, Form, Route, route_of
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
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
}
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
GRACE = 20.0  # seconds in which a body may come as slowly as it likes
LEFT = 499  # in the log: the caller has left


class Unpaid(Exception):
    """Usage cannot be written, so there is no answer either."""


class Visit:
    """One call; `scope["state"]` carries what the application needs to know of it, and tells of it.

    `state["request"]` is its number, `state["route"]` its route, `state["caller"]` who takes turns
    with others, `state["share"]` the bytes that it holds, and `state["images"]` how many pictures
    it took.
    """

    def __init__(self, service: Service, scope: Scope, receive: Receive, send: Send):
        self.service, self.scope, self._receive, self._send = service, scope, receive, send
        self.began, self.loop = time.monotonic(), asyncio.get_running_loop()
        self.opened = self.loop.time()
        self.headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.share = Share(service.workers.account, Line.COMING)
        self.read, self.status, self.started, self.until = 0, 0, False, 0.0
        self.whole, self.gone = asyncio.Event(), asyncio.Event()
        self.key: tuple[int, str] | None = None
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.state.update(request=uuid.uuid4().hex, images=0, share=self.share, route=NOWHERE)

    @property
    def route(self) -> Route:
        """The one that matched."""
        return self.state["route"]

    async def admit(self) -> None:
        """Lets in what matches a route and may come.

        Raises:
            Refused: 404 for no route; 401 without a valid key; where none are needed, 403 and 421
                for what a page elsewhere has sent, or a name that somebody has pointed at this
                machine; 400, 413 or 503 by the announced length.
        """
        service = self.service
        if not service.needs_key:
            see_local(self.scope["headers"])
        self.state["route"] = route_of(self.scope["app"].routes, self.scope)
        if self.route is NOWHERE:
            raise Refused(404, refusals.NO_SUCH_PATH)
        if service.needs_key and not self.route.open:
            self.key = await self._key()
        self.state["caller"] = self._caller()
        length = self.headers.get(b"content-length")
        if length is None:
            return
        if not (length.isascii() and length.isdecimal() and len(length) < 20):
            raise Refused(400, refusals.BAD_FORMAT, "Content-Length is not a number")
        self._see_room(int(length))

    async def _key(self) -> tuple[int, str]:
        scheme, _, key = self.headers.get(b"authorization", "").partition(" ")
        keys, key, found = self.service.keys, key.strip(), None
        if scheme.lower() == "key" and key and keys is not None:
            try:
                if keys.believed(key):
                    found = keys.who(key)
                else:
                    found = await asyncio.to_thread(keys.who, key)
            except StorageError:
                raise exhausted("the keys cannot be read") from None
        if found is None:
            raise Refused(
                401, refusals.KEY_INVALID, "Authorization: Key ...",
                headers={"WWW-Authenticate": "Key"},
            )  # fmt: skip
        return found

    def _caller(self) -> Hashable:
        """Who takes turns with others: a key, or where there are none, a connection."""
        if self.key is not None:
            return self.key[0]
        client = self.scope.get("client")
        return tuple(client) if client else self.state["request"]

    def _see_room(self, size: int) -> None:
        limit, account = self.service.settings.limits.body_bytes, self.share.account
        if size > limit:
            raise Refused(413, refusals.BAD_FORMAT, f"a body has at most {limit:,} bytes")
        if account.taken[Line.COMING] - self.share.size + size > account.most[Line.COMING]:
            raise exhausted()

    async def receive(self) -> Message:
        """The next piece of the body, counted.

        Raises:
            Refused: 408, 413 or 503.
        """
        if self.whole.is_set():
            await self.gone.wait()
            return {"type": "http.disconnect"}
        limits = self.service.settings.limits
        allowed = min(limits.body_seconds, GRACE + self.read / limits.body_rate)
        try:
            async with self.service.stopping.until(self.opened + allowed):
                message = await self._receive()
        except TimeoutError:
            if self.service.stopping.begun:
                raise exhausted("the service stops") from None
            raise Refused(408, refusals.LATE, "the body did not come") from None
        if message["type"] == "http.disconnect":
            self.gone.set()
            return message
        size = len(message.get("body", b""))
        self.read += size
        if self.read > limits.body_bytes:
            self._see_room(self.read)
        if not self.share.grow(size):
            raise exhausted()
        if not message.get("more_body", False):
            self.whole.set()
        return message

    async def left(self) -> None:
        """Waits until the caller has left, once the body is there."""
        await self.whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone.set()

    async def send(self, message: Message) -> None:
        """A piece of the answer; before the first, usage is written."""
        if message["type"] == "http.response.start":
            await self._pay()
            self.status, self.started = message["status"], True
            self.until = self.loop.time() + self.service.settings.limits.body_seconds
            given = {name.lower() for name, _ in message["headers"]}
            extra = HEADERS | {"X-Request-Id": self.state["request"]}
            if not self.route.kept:
                extra["Cache-Control"] = "no-store"
            message["headers"] = [
                *message["headers"],
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in extra.items()
                    if name.lower().encode() not in given
                ),
            ]
        try:
            async with asyncio.timeout_at(self.until):
                await self._send(message)
        except TimeoutError:  # it does not read what it asked for
            self.gone.set()
            raise asyncio.CancelledError from None

    async def _pay(self) -> None:
        """Writes down what the key used."""
        keys = self.service.keys
        if self.key is not None and keys is not None:
            counted: Future[None] = keys.count(self.key[0], self.state["images"])
            try:
                await asyncio.wrap_future(counted)
            except StorageError:
                raise Unpaid from None

    async def refuse(self, refused: Refused) -> None:
        """Says no, unless an answer has begun; what is left of the body is not read."""
        if self.started:
            raise refused
        body: dict[str, Any] = refused.to_json(self.state["request"])
        if self.route.form is Form.PLAIN:
            body = {"error": refused.details or refused.code.words}
        data = json.dumps(body).encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(data)),
            **{name.lower(): value for name, value in refused.headers.items()},
        }
        if not self.whole.is_set() and refused.http in (408, 413, 503):
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
        method = self.scope["method"] if self.scope["method"] in METHODS else "other"
        status = self.status if self.started else LEFT
        self.service.metrics.request(method, self.route.pattern, status, seconds)
        who = self.key[1] if self.key else "-"
        log.info("%s %s %d %.0f ms %s", method, self.route.pattern, status, 1000 * seconds, who)


def see_local(headers: list[tuple[bytes, bytes]]) -> None:
    """Refuses what a page of another origin, or another name for this machine, has brought here.

    Raises:
        Refused: 403 or 421.
    """
    hosts, origins = (
        [value.decode("latin-1") for name, value in headers if name.lower() == wanted]
        for wanted in (b"host", b"origin")
    )
    if len(hosts) != 1 or not loopback(hostname(hosts[0])):
        raise Refused(421, refusals.INVALID_REQUEST, "without keys, only localhost is answered")
    if any(netloc(origin) != hosts[0] for origin in origins):
        raise Refused(403, refusals.INVALID_REQUEST, "another origin")


def netloc(origin: str) -> str:
    """Host and port of an origin; empty if there are none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def hostname(netloc: str) -> str:
    """The host without its port, in small letters; empty if it is not one."""
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
