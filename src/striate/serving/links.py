"""Pictures by link, without lending a stranger this machine's place in its network.

A link may lead to inside the network that the service stands in (server-side request forgery). So:
http and https on their own ports; no credentials; the host a plain name, or an address in its one
usual form; every address that the name stands for must be a public one; the connection goes to the
address that was looked at, so that a second answer of the name server changes nothing; every
redirect begins anew; bytes and seconds are counted; and whatever fails, the caller hears the same.
"""

import contextlib
import functools
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

REDIRECTS = 3
CHUNK = 2**16
WATCH = 0.25  # seconds between two questions whether anybody still waits
AT_A_TIME = 8  # links that are followed
PORTS = {"http": 80, "https": 443}
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
BRACKETED = re.compile(r"\[[0-9a-fA-F:.]+\](:[0-9]+)?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# No business of a stranger, though older versions of Python, or all, call them global: protocol
# assignments (RFC 6890), relays and embeddings of IPv4 (RFC 7526, 3056, 4380), documentation
# (RFC 9637), and the one address on which a large cloud serves each of its machines.
UNWANTED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32",
        "2001::/23", "2002::/16", "3fff::/20", "5f00::/16",
    )
)  # fmt: skip
UNICAST = ipaddress.ip_network("2000::/3")  # all that IANA gives out; embeddings lie elsewhere

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]
Connect = Callable[[str, int, float], socket.socket]


class BadLink(Exception):
    """A link that is not followed, by what is written in it or by where it leads."""


class NotFetched(Exception):
    """A link that was followed and gave nothing, or too much."""


@dataclass(frozen=True)
class Target:
    """Where a link leads: the parts of it that are used."""

    scheme: str
    host: str
    port: int
    path: str


def parse(link: str) -> Target:
    """The parts of a link, if it is written as a plain one.

    Raises:
        BadLink: if anything about it is unusual.
    """
    if not re.fullmatch(r"[\x21-\x7e]{1,4096}", link) or "\\" in link:
        raise BadLink("characters that a link does not have")
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError as error:
        raise BadLink("not a link") from error
    if parts.scheme not in PORTS:
        raise BadLink("neither http nor https")
    if "@" in parts.netloc or not parts.hostname:
        raise BadLink("credentials, or no host")
    if port not in (None, PORTS[parts.scheme]):
        raise BadLink("another port")
    host = parts.hostname.lower().removesuffix(".")
    if "[" in parts.netloc or "]" in parts.netloc:
        if not BRACKETED.fullmatch(parts.netloc) or public(host).version != 6:
            raise BadLink("not an address")
    elif not all(LABEL.fullmatch(label) for label in host.split(".")) or len(host) > 253:
        raise BadLink("not a host name")
    elif NUMBER.fullmatch(host.split(".")[-1]):  # WHATWG: it "ends in a number", so it is IPv4
        if str(public(host)) != host:
            raise BadLink("an address in an unusual form")
    elif "." not in host:
        raise BadLink("a name of the local network")
    path = parts.path or "/"
    return Target(
        parts.scheme, host, PORTS[parts.scheme], path + (f"?{parts.query}" if parts.query else "")
    )


def public(text: str) -> Address:
    """The address, if it belongs to the public internet.

    Raises:
        BadLink: if it does not, or is none.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise BadLink("not an address") from error
    wanted = address.is_global and not address.is_multicast and not address.is_reserved
    if isinstance(address, ipaddress.IPv6Address):
        wanted = wanted and address in UNICAST and address.scope_id is None
    if not wanted or any(address in net for net in UNWANTED if net.version == address.version):
        raise BadLink("not a public address")
    return address


def resolve(host: str, port: int) -> list[str]:
    """Every address that the system knows for a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A connection to an address; no name is looked up for it."""
    return socket.create_connection((address, port), timeout=seconds)


@functools.cache
def secured() -> ssl.SSLContext:
    """Whom the system trusts; reading that takes longer than all else of a service's start."""
    return ssl.create_default_context()


class Fetcher:
    """Follows links in threads of its own; `resolve` and `connect` are all it does outside."""

    def __init__(self, *, resolve: Resolve = resolve, connect: Connect = connect):
        self._resolve, self._connect = resolve, connect
        self.pool = ThreadPoolExecutor(AT_A_TIME, "striate-links")

    def close(self) -> None:
        """Ends the threads."""
        self.pool.shutdown(cancel_futures=True)

    def fetch(
        self, link: str, file: BinaryIO, *, limit: int, seconds: float, stop: threading.Event
    ) -> None:
        """Writes what is at a link into a file.

        Args:
            limit: bytes, counted while they come.
            seconds: for everything together.
            stop: set by whoever does not want it any more.

        Raises:
            BadLink: if it leads where it may not, at once or by a redirect.
            NotFetched: if there is nothing to be had, too much, or it takes too long.
        """
        until = time.monotonic() + seconds
        for _ in range(REDIRECTS + 1):
            if stop.is_set():
                raise NotFetched("not wanted any more")
            target = parse(link)
            try:
                moved = self._get(target, file, limit, until, stop)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise NotFetched(type(error).__name__) from error
            if moved is None:
                return
            try:
                link = urljoin(link, moved)
            except ValueError as error:
                raise BadLink("not a link") from error
        raise NotFetched("too many redirects")

    def _get(
        self, target: Target, file: BinaryIO, limit: int, until: float, stop: threading.Event
    ) -> str | None:
        """Writes what is there, or gives the place it has moved to."""
        addresses = list(dict.fromkeys(self._resolve(target.host, target.port)))
        if not addresses:
            raise NotFetched("no address")
        for each in addresses:
            public(each)
        held = [self._connect(addresses[0], target.port, left(until))]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(min(WATCH, max(until - time.monotonic(), 0))):
                if stop.is_set() or time.monotonic() >= until:
                    shut(held[0])
                    return

        watchdog = threading.Thread(target=watch, daemon=True)
        watchdog.start()
        try:
            if target.scheme == "https":
                held[0] = secure = secured().wrap_socket(
                    held[0], server_hostname=target.host, do_handshake_on_connect=False
                )
                secure.do_handshake()
            return talk(held[0], target, file, limit)
        finally:
            ended.set()
            watchdog.join()
            held[0].close()


def talk(connection: socket.socket, target: Target, file: BinaryIO, limit: int) -> str | None:
    """One request and its answer, over a connection that stands."""
    client = http.client.HTTPConnection(target.host, target.port)
    client.default_port = target.port  # so that the Host header does without it
    client.sock = connection
    client.request(
        "GET", target.path,
        headers={"User-Agent": "striate", "Accept": "image/*, video/*",
                 "Accept-Encoding": "identity", "Connection": "close"},
    )  # fmt: skip
    with client.getresponse() as response:
        if response.status in (301, 302, 303, 307, 308):
            return response.headers["Location"] or ""
        if response.status != 200 or response.headers.get("Content-Encoding", "identity") != (
            "identity"
        ):
            raise NotFetched("no plain answer")
        size = 0
        while part := response.read1(CHUNK):
            size += len(part)
            if size > limit:
                raise NotFetched("too large")
            file.write(part)
        if response.length:
            raise NotFetched("cut short")
        file.flush()
        return None


def shut(connection: socket.socket) -> None:
    """Ends whatever waits on a connection: a server that drips must not hold a thread."""
    with contextlib.suppress(OSError):  # it is closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # below TLS, which is being read


def left(until: float) -> float:
    """Seconds that are left.

    Raises:
        TimeoutError: if there are none.
    """
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
