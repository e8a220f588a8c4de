"""The call /search: what in an index is like a picture, through the gates of every other call."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from striate.retrieval import Hits
from striate.serving import openapi, refusals, shapes
from striate.serving.answers import Found, Pieces, encoded, outcome
from striate.serving.bodies import files_of
from striate.serving.calls import Call
from striate.serving.indexes import Shown
from striate.serving.inputs import of_files
from striate.serving.refusals import Refused, Unanswered
from striate.serving.service import Service
from striate.serving.shapes import OutputConfig

NUMBERS = 16  # bytes of a search for each picture of the index
ANSWERS: dict[int | str, Any] = {
    200: {"model": shapes.Searched, "description": "All pictures were searched for"},
    207: {"model": shapes.Searched, "description": "Some pictures were searched for"},
    **openapi.failing(408, 413, 415, 429, 503, 504),
    422: {"model": shapes.Searched, "description": "No picture could be searched for"},
}
Top = Annotated[int, Query(ge=1, le=1000)]
Expand = Annotated[
    int | None, Query(ge=1, le=1000, description="Found pictures to search again with")
]


def add_calls(app: FastAPI, service: Service) -> None:
    """Adds it to the application, if the service has an index."""
    if service.settings.index is None:
        return

    @app.post("/search", dependencies=openapi.key(needed=service.needs_key),
              summary="What in the index is like a picture",
              responses=ANSWERS, response_model=shapes.Searched,
              openapi_extra=openapi.files_body(many=True))  # fmt: skip
    async def search(request: Request, top: Top = 10, expand: Expand = None) -> Response:
        """Pictures, as parts called `file`: names and cosines of those that are most like each."""
        state, shown = request.state, service.index
        assert shown is not None  # a front, which has none, does not come here
        async with files_of(request, service) as files:
            config = OutputConfig(max_concepts=top)
            with shown.call(config, service.workers, state.caller, state.share) as call:
                ids = [(file.filename or "")[:256] for file in files]
                found = await of_files(call, files)
                run = partial(body_of, shown, found, ids, top, expand, state.request)
                body, http, good = await in_turn(call, len(shown.index), run)
                service.metrics.answered(shown.name, good, len(files) - good)
                state.images = good
                return Pieces([body], http)


async def in_turn(call: Call, pictures: int, run: Any) -> Any:
    """What a thread gives, in turn with other callers' work, with room for a search's numbers.

    Raises:
        Refused: 504, if there was no time left.
    """
    cost = min(NUMBERS * pictures, *call.workers.account.most.values())
    work = call.workers.submit(call.caller, lambda _: run(), cost=cost, deadline=call.deadline)
    try:
        return await asyncio.wrap_future(work)
    except Unanswered as error:
        raise Refused(504, error.code, error.details) from None


def body_of(
    shown: Shown,
    found: Sequence[Found],
    ids: Sequence[str],
    top: int,
    expand: int | None,
    number: str,
) -> tuple[bytes, int, int]:
    """The body, its HTTP status, and how many pictures were searched for; in a thread."""
    good = [row for row, one in enumerate(found) if not isinstance(one, Unanswered)]
    hits: list[Hits] = []
    pictures = len(shown.index)
    if good:
        vectors = np.stack([np.asarray(found[row], np.float32) for row in good])
        hits, pictures = shown.search([ids[row] for row in good], vectors, top, expand)
    by_row = dict(zip(good, hits, strict=True))
    outputs, codes = [], []
    for row, one in enumerate(found):
        code, details = refusals.OK, ""
        if isinstance(one, Unanswered):
            code, details = one.code, one.details
        codes.append(code)
        listed = by_row[row].found if row in by_row else ()
        outputs.append(
            {
                "id": ids[row],
                "status": refusals.status(code, details),
                "found": [{"name": hit.name, "score": hit.score} for hit in listed],
            }
        )
    http, code = outcome(codes)
    status = refusals.status(code, request=number)
    body = {"status": status, "index": shown.name, "pictures": pictures, "outputs": outputs}
    return encoded(body), http, len(good)
