"""Answers as JSON, made in threads: an output for each input in Clarifai's form; and sent."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from striate.serving import refusals
from striate.serving.calls import Call, Film
from striate.serving.models import Served
from striate.serving.refusals import Code, Unanswered
from striate.tasks.contract import Wanted

PIECE = 2**18  # bytes of a body that are sent together
Found = Any | Film | Unanswered
"""What a predictor answers to a picture, the frames of a video, or why there is no answer."""


class Pieces(Response):
    """A JSON body in pieces: it is neither joined nor copied, and a slow reader is waited for."""

    media_type = "application/json"

    def __init__(self, pieces: Sequence[bytes], status: int = 200):
        super().__init__(None, status)
        self.pieces = pieces
        self.headers["content-length"] = str(sum(map(len, pieces)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        for piece, more in gathered(self.pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def gathered(pieces: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The same bytes, small pieces together and long ones apart, and whether there are more.

    >>> list(gathered([b"ab", b"", b"c"]))
    [(b'abc', False)]
    """
    some: list[bytes] = []
    size = 0
    for piece in pieces:
        for start in range(0, len(piece), PIECE):
            if size >= PIECE:
                yield b"".join(some), True
                some, size = [], 0
            part = piece[start : start + PIECE]
            some.append(part)
            size += len(part)
    yield b"".join(some), False


def encoded(value: Any) -> bytes:
    """JSON.

    Raises:
        ValueError: if there is a number that JSON does not have.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def described(served: Served) -> dict[str, Any]:
    """What every answer tells of its model."""
    return {"id": served.name, "name": served.name, "model_version": {"id": served.version}}


def utc() -> str:
    """Now, as RFC 3339 has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wanted_by(call: Call) -> Wanted:
    """What the call's settings ask for."""
    config, names = call.config, call.names
    only = None
    if config.select_concepts:
        ids = {each.id for each in config.select_concepts if each.id}
        words = {each.name for each in config.select_concepts if each.name}
        only = frozenset(
            kind
            for kind in call.served.classes
            if kind in ids or kind in words or names.get(kind) in words
        )
    return Wanted(config.max_concepts, config.min_value, only, names)


def body_of(
    call: Call, given: Sequence[dict[str, Any]], found: Sequence[Found], request: str
) -> tuple[list[bytes], int, list[int]]:
    """The body of an answer, its HTTP status, and how many pictures each output answers."""
    wanted, now = wanted_by(call), utc()
    outputs, codes, counts = list[bytes](), list[Code](), list[int]()
    for one, answer in zip(given, found, strict=True):
        data, code, details, count = data_of(call, answer, wanted)
        about = {
            "id": uuid.uuid4().hex,
            "status": refusals.status(code, details),
            "created_at": now,
            "model": described(call.served),
            "input": one,
        }
        outputs.append(encoded(about)[:-1] + b',"data":')
        outputs += data
        outputs.append(b"},")
        codes.append(code)
        counts.append(count)
    outputs[-1] = b"}]}"
    http, code = outcome(codes)
    head = {"status": refusals.status(code, request=request)}
    return [encoded(head)[:-1] + b',"outputs":[', *outputs], http, counts


def data_of(
    call: Call, answer: Found, wanted: Wanted
) -> tuple[list[bytes], Code, str, int]:  # fmt: skip
    """The `data` of an output as JSON, its status, and how many pictures it answers."""
    if isinstance(answer, Unanswered):
        return [b"{}"], answer.code, answer.details, 0
    task, classes = call.served.task, call.served.classes
    try:
        if not isinstance(answer, Film):
            return [encoded(task.response(answer, classes, wanted))], refusals.OK, "", 1
        pieces = []
        for frame, each in answer.frames:
            info = {"index": frame.index, "time": frame.milliseconds}
            shown: dict[str, Any] = {"frame_info": info}
            if frame.thumbnail:
                shown["thumbnail"] = frame.thumbnail
            shown["data"] = task.response(each, classes, wanted)
            pieces += [b",", encoded(shown)]
    except ValueError:  # not a number
        return [b"{}"], refusals.INTERNAL, "the model's answer is not finite", 0
    data = [b'{"frames":[', *pieces[1:], b"]}"]
    if answer.whole:
        return data, refusals.OK, "", len(answer.frames)
    details = "the service stops: the frames until then"
    return data, refusals.MIXED, details, len(answer.frames)


def outcome(codes: Sequence[Code]) -> tuple[int, Code]:
    """HTTP status and code of a call with outputs of these codes."""
    if all(code is refusals.OK for code in codes):
        return 200, refusals.OK
    if any(code in (refusals.OK, refusals.MIXED) for code in codes):
        return 207, refusals.MIXED
    return 422, refusals.FAILURE
