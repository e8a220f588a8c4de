"""Open Inference (KServe V2): health, metadata and tensors, for programs that expect them."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Path, Request
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray

from striate.serving import openapi, refusals, shapes
from striate.serving.answers import Pieces, encoded
from striate.serving.bodies import json_of
from striate.serving.calls import Call
from striate.serving.inputs import unpacked
from striate.serving.models import Served
from striate.serving.refusals import Refused, Unanswered
from striate.serving.service import Service
from striate.serving.shapes import (
    ImagesAsked,
    InferAsked,
    OutputConfig,
    PixelsAsked,
    TextsAsked,
)
from striate.tasks.contract import Output
from striate.version import __version__

Name = Annotated[str, Path(description="A model", max_length=200, examples=["photos"])]
EXAMPLE = {"inputs": [{
    "name": "images", "datatype": "BYTES", "shape": [1],
    "data": ["R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="],
}]}  # fmt: skip
PART = 2**16  # numbers that are written at a time


def failing(*statuses: int) -> dict[int | str, Any]:
    """What these calls may say instead of an answer."""
    return openapi.failing(*statuses, model=shapes.Error)


def add_calls(app: FastAPI, service: Service) -> None:
    """Adds them to the application."""
    key = openapi.key(needed=service.needs_key)

    @app.get("/v2", summary="The service", response_model=shapes.Server, responses=failing())
    async def server() -> Response:
        return JSONResponse({"name": "striate", "version": __version__, "extensions": []})

    @app.get("/v2/health/live", summary="Is it there?", response_model=shapes.Live,
               responses=failing())  # fmt: skip
    async def live() -> Response:
        return JSONResponse({"live": True})

    @app.get("/v2/health/ready", summary="Does it answer?", response_model=shapes.Ready,
               responses=failing(503))  # fmt: skip
    async def ready() -> Response:
        if service.ready:
            return JSONResponse({"ready": True})
        return JSONResponse({"ready": False}, 503, {"Retry-After": "5"})

    @app.get("/v2/models/{name}", summary="Inputs and outputs of a model", dependencies=key,
               response_model=shapes.Metadata,
               responses=openapi.failing(404))  # fmt: skip
    async def metadata(name: Name) -> Response:
        with service.shelf.borrow(name) as served:
            return JSONResponse(described(served))

    @app.get("/v2/models/{name}/ready", summary="Does it answer?", dependencies=key,
               response_model=shapes.ModelReady, responses=failing(404))  # fmt: skip
    async def model_ready(name: Name) -> Response:
        with service.shelf.borrow(name):
            return JSONResponse({"name": name, "ready": service.ready})

    @app.post("/v2/models/{name}/infer", summary="Answers as tensors", dependencies=key,
                response_model=shapes.Inferred,
                responses=failing(404, 408, 413, 415, 422, 429, 503, 504),
                openapi_extra=openapi.json_body(InferAsked, EXAMPLE))  # fmt: skip
    async def infer(request: Request, name: Name) -> Response:
        """`images`: files as base64; `pixels`: what the model makes of a picture; or `texts`."""
        asked = await json_of(request, InferAsked, service)
        state = request.state
        with service.call(name, OutputConfig(), state.caller, state.share) as call:
            wanted = outputs_of(call.served, asked)
            answers = await computed(call, asked.inputs[0])
            state.images = len(answers)
            service.metrics.answered(name, len(answers), 0)
            body = partial(body_of, call.served, asked.id, wanted, answers)
            return Pieces(await call.work(body))


def described(served: Served) -> dict[str, Any]:
    """A model's metadata."""
    inputs = [{"name": f"{served.task.takes}s", "datatype": "BYTES", "shape": [-1]}]
    if served.predictor.pixels:
        shape = [-1, *served.predictor.pixels]
        inputs.append({"name": "pixels", "datatype": "UINT8", "shape": shape})
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": "striate",
        "inputs": inputs,
        "outputs": [
            {"name": each.name, "datatype": each.datatype, "shape": list(each.shape)}
            for each in served.outputs.values()
        ],
    }


def outputs_of(served: Served, asked: InferAsked) -> list[Output]:
    """The outputs that are wanted, each once; all where none are named.

    Raises:
        Refused: 422, if the model does not have one of them.
    """
    names = list(dict.fromkeys(each.name for each in asked.outputs)) or list(served.outputs)
    if not served.outputs.keys() >= set(names):
        known = ", ".join(served.outputs)
        raise Refused(422, refusals.INVALID_REQUEST, f"outputs: the model has {known}")
    return [served.outputs[name] for name in names]


async def computed(call: Call, given: ImagesAsked | PixelsAsked | TextsAsked) -> list[Any]:
    """The answers to all inputs of a tensor.

    Raises:
        Refused: if one of them cannot be answered.
    """
    count = given.shape[0]
    if count > call.limits.inputs:
        raise Refused(422, refusals.INVALID_REQUEST, f"at most {call.limits.inputs} inputs")
    things = f"{call.served.task.takes}s"
    if not isinstance(given, PixelsAsked):
        if given.name != things:
            raise Refused(422, refusals.INVALID_REQUEST, f"this model takes {things}")
        if count != len(given.data):
            raise Refused(422, refusals.INVALID_REQUEST, f"{things}: shape [N], and N of them")
        places = call.take(count, call.served.cost.arrays())
        plain = isinstance(given, TextsAsked)
        for text, place in zip(given.data, places, strict=True):
            read = partial(text.encode, "utf-8", "replace") if plain else partial(unpacked, text)
            call.file(place, read)
    else:
        pixels = await call.work(partial(pixels_of, call.served, given))
        places = call.take(count, call.served.cost.arrays())
        for one, place in zip(pixels, places, strict=True):
            call.pixels(place, one)
    answers, failed = [], None
    for place in places:
        try:
            answers.append(await call.answer(place))
        except Unanswered as error:
            failed = failed or error
    if failed:
        http = 504 if failed.code is refusals.LATE else 422
        raise Refused(http, failed.code, failed.details)
    return answers


def pixels_of(served: Served, given: PixelsAsked) -> NDArray[np.uint8]:
    """The pictures (N, S, S, C) in a tensor of UINT8, flat or nested; in a thread.

    Raises:
        Refused: 422, if it is not one that the model takes.
    """
    if not served.predictor.pixels:
        raise Refused(422, refusals.INVALID_REQUEST, f"this model takes {served.task.takes}s")
    shape = (given.shape[0], *served.predictor.pixels)
    form = f"pixels: shape [N, {str(list(shape[1:]))[1:]}, UINT8"
    wrong = Refused(422, refusals.INVALID_REQUEST, form)
    if tuple(given.shape) != shape:
        raise wrong
    try:
        values = given.data
        for side in shape[1:]:
            if not values or type(values[0]) is not list:
                break
            if any(type(each) is not list or len(each) != side for each in values):
                raise wrong
            values = list(chain.from_iterable(values))
        # Whole numbers from 0 to 255 and nothing else: numpy would also take texts, and pad each to
        # the length of the longest.
        return np.frombuffer(bytes(values), np.uint8).reshape(shape)
    except (ValueError, TypeError, OverflowError):
        raise wrong from None
    finally:
        given.data.clear()


def body_of(
    served: Served, number: str, wanted: Sequence[Output], answers: Sequence[Any]
) -> list[bytes]:
    """The answer as JSON; in a thread.

    Raises:
        Refused: 500, if a number in it is not finite.
    """
    arrays = served.task.arrays(answers, served.classes)
    head = {"model_name": served.name, "model_version": served.version, "id": number}
    pieces = [encoded(head)[:-1] + b',"outputs":[']
    try:
        for each in wanted:
            array = np.asarray(arrays[each.name])
            about = {"name": each.name, "datatype": each.datatype, "shape": list(array.shape)}
            pieces += [encoded(about)[:-1], b',"data":[', *written(array.ravel()), b"]}", b","]
    except ValueError:
        raise Refused(500, refusals.INTERNAL, "the model's answer is not finite") from None
    pieces[-1] = b"]}"
    return pieces


def written(values: NDArray[Any]) -> list[bytes]:
    """Numbers as the inside of a JSON list."""
    pieces = []
    for start in range(0, len(values), PART):
        pieces += [b",", encoded(values[start : start + PART].tolist())[1:-1]]
    return pieces[1:]
