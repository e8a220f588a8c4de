"""The calls that give answers in Clarifai's form: /upload, /outputs; /explain; and what a page asks
of models."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile

from striate.serving import openapi, refusals, shapes, video
from striate.serving.answers import Found, Pieces, body_of, described, encoded
from striate.serving.bodies import files_of, json_of
from striate.serving.calls import Call
from striate.serving.explaining import to_json, to_png
from striate.serving.inputs import attempt, of_explanation, of_files, of_inputs, of_upload
from striate.serving.media import PEEK, kind_of
from striate.serving.refusals import Refused
from striate.serving.service import Service
from striate.serving.shapes import OutputConfig

Name = Annotated[str, Path(description="A model", max_length=200, examples=["photos"])]
Language = Annotated[shapes.Language | None, Query(description="Of the class names")]
Question = Annotated[str | None, Query(max_length=10_000, description="Asked about each picture")]
ANSWERS: dict[int | str, Any] = {
    200: {"model": shapes.Outputs, "description": "All inputs were answered"},
    207: {"model": shapes.Outputs, "description": "Some inputs were answered"},
    **openapi.failing(404, 408, 413, 415, 429, 503),
    422: {"model": shapes.Outputs, "description": "No input was answered"},
}
EXAMPLE = {"inputs": [{"data": {"image": {
    "base64": "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
}}}], "model": {"output_info": {"output_config": {"max_concepts": 3}}}}  # fmt: skip


def add_calls(app: FastAPI, service: Service) -> None:
    """Adds them to the application."""
    key, path = openapi.key(needed=service.needs_key), "/v2/models"

    @app.get(path, dependencies=key, summary="Every model", response_model=shapes.Models,
               responses=openapi.failing())  # fmt: skip
    async def models() -> Response:
        """Every model with its task, classes and languages, and what this service takes."""
        return JSONResponse(listing(service))

    @app.get(path + "/{name}/names", dependencies=key, summary="Class names in a language",
               response_model=shapes.Names,
               responses=openapi.failing(404))  # fmt: skip
    async def names(request: Request, name: Name, language: Language = None) -> Response:
        """The class names; without a language, the file's own."""
        with call_of(service, request, name, OutputConfig(language=language)) as call:
            own = {kind: kind for kind in call.served.classes}
            found = {"name": name, "language": language or "", "names": call.names or own}
            return JSONResponse(found)

    @app.post(path + "/{name}/upload", dependencies=key, summary="Answers to uploaded files",
               responses=ANSWERS,
                response_model=shapes.Outputs,
                openapi_extra=openapi.files_body(many=True))  # fmt: skip
    async def upload(
        request: Request,
        name: Name,
        max_concepts: Annotated[int, Query(ge=1, le=1000)] = 20,
        min_value: Annotated[float, Query(ge=0, le=1)] = 0.0,
        language: Language = None,
        sample_ms: Annotated[int, Query(ge=100, le=60_000)] = 1000,
        thumbnails: bool = False,
        question: Question = None,
    ) -> Response:
        """Pictures, one video, recordings or texts, as parts called `file`."""
        config = OutputConfig(
            max_concepts=max_concepts, min_value=min_value, language=language,
            sample_ms=sample_ms, thumbnails=thumbnails,
        )  # fmt: skip
        async with files_of(request, service) as files:
            kinds = [kind_of(await head(file)) for file in files]
            if "video" in kinds and len(files) > 1:
                raise Refused(400, refusals.INVALID_REQUEST, "file: one video, or pictures")
            film = kinds == ["video"]
            with call_of(service, request, name, config, film=film) as call:
                kind = "video" if film else shapes.KINDS[call.served.task.takes]
                given = [named(file, kind) for file in files[:: call.served.task.together]]
                if film:
                    found = [await attempt(of_upload(service, call, files[0]))]
                else:
                    found = await of_files(call, files, question)
                return await answer(service, request, call, given, found)

    @app.post(path + "/{name}/outputs", dependencies=key, summary="Answers in Clarifai's form",
               responses=ANSWERS,
                response_model=shapes.Outputs,
                openapi_extra=openapi.json_body(shapes.OutputsAsked, EXAMPLE))  # fmt: skip
    async def outputs(request: Request, name: Name) -> Response:
        """Pictures, videos and recordings as base64 or by link; texts as they are; a picture and a
        text together are a question."""
        asked = await json_of(request, shapes.OutputsAsked, service)
        film = any(each.data.kind == "video" for each in asked.inputs)
        with call_of(service, request, name, asked.model.config, film=film) as call:
            each = call.served.task.together
            given = [repeated(one) for one in asked.inputs[::each]]
            found = await of_inputs(service, call, asked.inputs)
            return await answer(service, request, call, given, found)

    @app.post(path + "/{name}/explain", dependencies=key,
                summary="Which part of a picture speaks for a class",
                response_model=shapes.Explanation, openapi_extra=openapi.files_body(many=False),
                responses={**openapi.failing(404, 408, 413, 415, 422, 429, 503, 504),
                           200: {"content": {"image/png": {}}}})  # fmt: skip
    async def heat(
        request: Request,
        name: Name,
        class_name: Annotated[str | None, Query(alias="class", max_length=1000)] = None,
        format: Annotated[str, Query(pattern="^(json|png)$")] = "json",
        language: Language = None,
        question: Question = None,
    ) -> Response:
        """A heat map, as numbers or as a picture."""
        async with files_of(request, service) as files:
            if len(files) > 1:
                raise Refused(400, refusals.INVALID_REQUEST, "file: one picture")
            with call_of(service, request, name, OutputConfig(language=language)) as call:
                if not call.served.explains:
                    raise Refused(400, refusals.INVALID_REQUEST, "this model has no heat maps")
                found = await of_explanation(service, call, files[0], class_name, question)
                request.state.images = 1
                if format == "png":
                    picture = await call.work(partial(to_png, found))
                    return Response(picture, media_type="image/png")
                about = {"model": described(call.served)}
                word = {"name": call.names.get(found.name, found.name)}
                text = await call.work(lambda: encoded({**about, **to_json(found), **word}))
                return Pieces([text])


def call_of(
    service: Service, request: Request, name: str, config: OutputConfig, *, film: bool = False
) -> Any:
    """A call of the model of that name, by whoever sent the request."""
    seconds = service.settings.limits.video_patience if film else 0.0
    state = request.state
    return service.call(name, config, state.caller, state.share, seconds=seconds)


def listing(service: Service) -> dict[str, Any]:
    """What `GET /v2/models` gives."""
    limits = service.settings.limits
    listed = {name: getattr(limits, name) for name in shapes.Limited.model_fields}
    return {
        "models": [
            {
                "name": served.name,
                "version": served.version,
                "task": served.task.title,
                "thing": served.task.takes,
                "kinds": list(served.task.kinds),
                "together": served.task.together,
                "classes": list(served.classes),
                "languages": sorted(served.languages),
                "size": served.predictor.size,
                "none_of_these": served.refuses,
                "explains": served.explains,
            }
            for served in service.shelf
        ],
        "links": service.fetcher is not None,
        "videos": video.possible(),
        "limits": {**listed, "inputs": min(limits.inputs, service.settings.queue)},
    }


async def head(file: UploadFile) -> bytes:
    """The first bytes of a file."""
    start = await file.read(PEEK)
    await file.seek(0)
    return start


def named(file: UploadFile, kind: str) -> dict[str, Any]:
    """What an answer repeats of an uploaded file."""
    medium = "image" if kind == "question" else kind
    return {"id": (file.filename or "")[:256], "data": {medium: {}}}


def repeated(given: shapes.Input) -> dict[str, Any]:
    """What an answer repeats of an input: never what it holds."""
    source = given.data.source
    place = {"url": source.url} if source and source.url else {}
    return {
        "id": given.id,
        "data": {kind: place if kind != "text" else {} for kind in sorted(given.data.given)},
    }


async def answer(
    service: Service,
    request: Request,
    call: Call,
    given: Sequence[dict[str, Any]],
    found: Sequence[Found],
) -> Response:
    """The answer of /upload and /outputs."""
    number = request.state.request
    body, http, counts = await call.work(partial(body_of, call, given, found, number))
    service.metrics.answered(call.served.name, sum(counts), counts.count(0))
    request.state.images = sum(counts)
    return Pieces(body, http)
