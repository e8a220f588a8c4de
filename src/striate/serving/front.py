"""The front: it holds every call until a process behind it has answered.

Why not let the processes share the address (SO_REUSEPORT, or one listening socket for all)? The
kernel gives a connection to one of them, and when that one is killed, everything it has read is
lost, and with SO_REUSEPORT also what waited to be accepted. Here one process alone accepts. It
computes nothing, loads no model and runs no decoder of what strangers send, so it hardly ever has a
reason to die. It reads a call whole, and only then hands it on; and it sends nothing of an answer
before it has it whole. So it can ask the next process where one dies with a call: answers are
predictions, and asking twice changes nothing. Usage is written by the front, once for an answer.

What it costs: a call is copied once over a Unix socket, which benchmarks/serving.py measures; and a
call whose front dies is lost, as with any single process.
"""

import asyncio
import logging
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from striate.serving import refusals
from striate.serving.account import Share
from striate.serving.answers import gathered
from striate.serving.exchange import Lost, Reply, exchange
from striate.serving.fleet import Fleet
from striate.serving.member import GRACE, Member
from striate.serving.metrics import CONTENT_TYPE
from striate.serving.passed import CALLER, IMAGES, REQUEST
from striate.serving.refusals import Refused, exhausted
from striate.serving.service import Service

log = logging.getLogger("striate.serving")

ATTEMPTS = 3  # processes that may end with a call; the last has no other call, which it would take
SCRAPE = 5.0  # seconds for the counters of a process
OWN = frozenset(("/", "/page", "/v2", "/v2/health/live", "/openapi.json"))  # answered here
READY, METRICS = "/v2/health/ready", "/metrics"
DROPPED = (b"content-length", b"connection", b"date", IMAGES)


class Front:
    """Hands calls to the processes (ASGI); what needs no model is answered by the application."""

    def __init__(self, app: ASGIApp, service: Service, fleet: Fleet):
        self.app, self.service, self.fleet = app, service, fleet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pattern = scope["state"]["route"].pattern if scope["type"] == "http" else "/"
        if pattern in OWN or (pattern == READY and self.fleet.ready):
            await self.app(scope, receive, send)
        elif pattern == READY:
            refusal = JSONResponse({"ready": False}, 503, {"Retry-After": "5"})
            await refusal(scope, receive, send)
        elif pattern == METRICS and scope["method"] in ("GET", "HEAD"):
            text = await counters(self.service, self.fleet)
            await Response(text, media_type=CONTENT_TYPE)(scope, receive, send)
        else:
            await self._hand_over(scope, receive, send)

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole(receive)
        reply = await self._answered(scope, body)
        body.clear()
        images = [value for name, value in reply.headers if name == IMAGES]
        scope["state"]["images"] = int(images[0]) if images else 0
        headers = [each for each in reply.headers if each[0] not in DROPPED]
        if scope["method"] != "HEAD":
            size = str(sum(map(len, reply.pieces))).encode()
            headers.append((b"content-length", size))
        start = {"type": "http.response.start", "status": reply.status}
        await send({**start, "headers": headers})
        for piece, more in gathered(reply.pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    async def _answered(self, scope: Scope, body: Sequence[bytes]) -> Reply:
        """The answer of a process: of the next one, where one is lost with the call.

        Raises:
            Refused: 500 after ATTEMPTS, 503 if there is no process, 504 without an answer.
        """
        settings, state = self.service.settings, scope["state"]
        patience = settings.deadline + settings.limits.video_patience + GRACE
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        headers = [
            *(each for each in scope["headers"] if each[0] == b"content-type"),
            (CALLER, repr(state["caller"]).encode()), (REQUEST, state["request"].encode()),
        ]  # fmt: skip
        tried, lost = list[Member](), 0
        while lost < ATTEMPTS:
            try:
                alone = lost == ATTEMPTS - 1
                async with self.fleet.lent(tried, settings.deadline, alone=alone) as member:
                    tried.append(member)
                    try:
                        async with asyncio.timeout(patience):
                            return await exchange(
                                member.place, scope["method"], target, headers, body,
                                lambda size: room_for(state["share"], size),
                            )  # fmt: skip
                    except TimeoutError:
                        raise Refused(504, refusals.LATE) from None
            except TimeoutError:
                raise exhausted("no process answers") from None
            except Lost as error:
                lost += error.begun
                self.fleet.doubt(member)
                log.warning("a call lost process %d; the next one gets it", member.number)
        raise Refused(500, refusals.INTERNAL, f"{ATTEMPTS} processes ended with this call")


async def whole(receive: Receive) -> list[bytes]:
    """The pieces of a body.

    Raises:
        ClientDisconnect: if its caller leaves before it is there.
    """
    pieces, more = list[bytes](), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return [piece for piece in pieces if piece]


def room_for(share: Share, size: int) -> None:
    """Takes bytes for a piece of an answer.

    Raises:
        Refused: 503, if there is no room.
    """
    if not share.grow(size):
        raise exhausted()


class Merged:
    """Counters of several processes as one registry: each sample has the number of its process."""

    def __init__(self, texts: dict[str, str]):
        self.texts = texts

    def collect(self) -> list[Metric]:
        """The families, each once."""
        found: dict[str, Metric] = {}
        for worker, text in self.texts.items():
            label = {"worker": worker} if worker else {}
            for family in text_string_to_metric_families(text):
                one = found.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    one.add_sample(sample.name, {**sample.labels, **label}, sample.value)
        return list(found.values())


async def counters(service: Service, fleet: Fleet) -> bytes:
    """What Prometheus reads: calls as the front counts them, and of each process what it computed
    with a label `worker`, its place."""
    service.metrics.held.set(service.workers.account.held)
    texts = {"": service.metrics.text().decode()}

    async def ask(member: Member) -> None:
        try:
            async with asyncio.timeout(SCRAPE):
                reply = await exchange(member.place, "GET", b"/metrics")
        except (Lost, TimeoutError):
            return
        texts[str(member.number)] = b"".join(reply.pieces).decode()

    await asyncio.gather(*(ask(member) for member in fleet.members if member.ready))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Merged(texts))
    return generate_latest(registry)
