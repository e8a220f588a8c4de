"""Open Inference (KServe V2): health, metadata and tensors, for programs that expect them."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray

from striate.serving import openapi, refusals, shapes
from striate.serving.bodies import json_of
from striate.serving.inputs import unpacked
from striate.serving.models import Answer, Prepared, Served
from striate.serving.refusals import Refused, Unanswered
from striate.serving.service import Service
from striate.serving.shapes import ImagesAsked, InferAsked, OutputConfig, PixelsAsked
from striate.serving.tagging import Call
from striate.version import __version__

Name = Annotated[str, Path(description="A model", max_length=200, examples=["photos"])]
EXAMPLE = {"inputs": [{
    "name": "images", "datatype": "BYTES", "shape": [1],
    "data": ["R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="],
}]}  # fmt: skip


def failing(*statuses: int) -> dict[int | str, Any]:
    """What these calls may say instead of an answer."""
    return openapi.failing(*statuses, model=shapes.Error)


def mine(request: Request) -> bool:
    """Whether a call is one of these, whose errors have another form."""
    path = request.url.path
    if request.method == "POST":
        return path.endswith("/infer")
    return path == "/v2" or path.startswith("/v2/health") or path.endswith("/ready")


def router(service: Service) -> APIRouter:
    """The calls, of this service."""
    calls = APIRouter(prefix="/v2")
    key = openapi.key(needed=service.needs_key)
    limits = service.settings.limits

    @calls.get("", summary="The service", response_model=shapes.Server, responses=failing())
    async def server() -> Response:
        return JSONResponse({"name": "striate", "version": __version__, "extensions": []})

    @calls.get("/health/live", summary="Is it there?", response_model=shapes.Live,
               responses=failing())  # fmt: skip
    async def live() -> Response:
        return JSONResponse({"live": True})

    @calls.get("/health/ready", summary="Does it answer?", response_model=shapes.Ready,
               responses=failing(503))  # fmt: skip
    async def ready() -> Response:
        if service.ready:
            return JSONResponse({"ready": True})
        return JSONResponse({"ready": False}, 503, {"Retry-After": "5"})

    @calls.get("/models/{name}", summary="Inputs and outputs of a model", dependencies=key,
               response_model=shapes.Metadata,
               responses=openapi.failing(404))  # fmt: skip
    async def metadata(name: Name) -> Response:
        with service.shelf.borrow(name) as served:
            return JSONResponse(described(served))

    @calls.get("/models/{name}/ready", summary="Does it answer?", dependencies=key,
               response_model=shapes.ModelReady, responses=failing(404))  # fmt: skip
    async def model_ready(name: Name) -> Response:
        with service.shelf.borrow(name):
            return JSONResponse({"name": name, "ready": service.ready})

    @calls.post("/models/{name}/infer", summary="Probabilities as tensors", dependencies=key,
                response_model=shapes.Inferred,
                responses=failing(404, 408, 413, 415, 422, 429, 503, 504),
                openapi_extra=openapi.json_body(InferAsked, EXAMPLE))  # fmt: skip
    async def infer(request: Request, name: Name) -> Response:
        """`images`: files as base64; or `pixels`: what the network sees."""
        asked = await json_of(request, InferAsked, limits)
        with service.call(name, OutputConfig()) as call:
            answers = await computed(call, asked.inputs[0])
            request.state.images = len(answers)
            service.metrics.answered(name, len(answers), 0)
            wanted = [each.name for each in asked.outputs] or ["probabilities", "known"]
            return JSONResponse({
                "model_name": name,
                "model_version": call.served.version,
                "id": asked.id,
                "outputs": [tensor(call.served, each, answers) for each in wanted],
            })  # fmt: skip

    return calls


def described(served: Served) -> dict[str, Any]:
    """A model's metadata."""
    view = served.view
    shape = [-1, view.size, view.size, view.channels]
    inputs = [{"name": "images", "datatype": "BYTES", "shape": [-1]}]
    if served.explains:  # an exported file takes pictures of any size, by its own rule
        inputs.append({"name": "pixels", "datatype": "UINT8", "shape": shape})
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": "striate",
        "inputs": inputs,
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(served.classes)]},
            {"name": "known", "datatype": "BOOL", "shape": [-1]},
        ],
    }


async def computed(call: Call, given: ImagesAsked | PixelsAsked) -> list[Answer]:
    """The answers to all pictures of a tensor.

    Raises:
        Refused: if one of them cannot be answered.
    """
    if isinstance(given, ImagesAsked):
        items: Sequence[Any] = files_of(given)
    else:
        items = pixels_of(call.served, given)
    if len(items) > call.limits.inputs:
        raise Refused(422, refusals.INVALID_REQUEST, f"at most {call.limits.inputs} pictures")
    futures = call.places(len(items))
    for item, future in zip(items, futures, strict=True):
        if isinstance(item, str):
            call.start(partial(decoded, call, item), future)
        else:
            call.start(partial(np.ascontiguousarray, item), future)
    answers, failed = [], None
    for future in futures:
        try:
            answers.append(await call.answer(future))
        except Unanswered as error:
            failed = failed or error
    if failed:
        http = 504 if failed.code is refusals.LATE else 422
        raise Refused(http, failed.code, failed.details)
    return answers


def decoded(call: Call, text: str) -> Prepared:
    """What the model takes of a file given as base64; in a thread."""
    return call.picture(unpacked(text))


def files_of(given: ImagesAsked) -> list[str]:
    """The files in a tensor of BYTES."""
    if given.shape != [len(given.data)]:
        raise Refused(422, refusals.INVALID_REQUEST, "images: shape [N], and N of them")
    return given.data


def pixels_of(served: Served, given: PixelsAsked) -> list[NDArray[np.uint8]]:
    """The pictures (S, S, C) in a tensor of UINT8, flat or nested."""
    if not served.explains:
        raise Refused(422, refusals.INVALID_REQUEST, "an exported file takes images")
    view = served.view
    shape = [view.size, view.size, view.channels]
    wrong = Refused(422, refusals.INVALID_REQUEST, f"pixels: shape [N, {str(shape)[1:]}, UINT8")
    if given.shape[1:] != shape:
        raise wrong
    try:
        values = np.array(given.data)
        if values.size and (values.dtype.kind != "i" or values.min() < 0 or values.max() > 255):
            raise wrong
        return list(values.astype(np.uint8).reshape(given.shape))
    except (ValueError, TypeError, OverflowError):
        raise wrong from None


def tensor(served: Served, name: str, answers: list[Answer]) -> dict[str, Any]:
    """One output."""
    if name == "known":
        data: list[Any] = [answer.known for answer in answers]
        return {"name": name, "datatype": "BOOL", "shape": [len(answers)], "data": data}
    data = [float(p) for answer in answers for p in answer.probabilities]
    shape = [len(answers), len(served.classes)]
    return {"name": name, "datatype": "FP32", "shape": shape, "data": data}
