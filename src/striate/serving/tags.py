"""The calls that give tags: /upload, /outputs, /explain; and what a page asks of models."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile

from striate.serving import openapi, refusals, shapes, video
from striate.serving.bodies import files_of, json_of
from striate.serving.inputs import Found, attempt, explained, of_files, of_film, of_inputs
from striate.serving.media import PEEK, kind_of
from striate.serving.refusals import Refused
from striate.serving.service import Service
from striate.serving.shapes import OutputConfig, Source
from striate.serving.tagging import Call, outcome, told, utc

Name = Annotated[str, Path(description="A model", max_length=200, examples=["photos"])]
Language = Annotated[shapes.Language | None, Query(description="Of the class names")]
TAGS: dict[int | str, Any] = {
    200: {"model": shapes.Outputs, "description": "All inputs were answered"},
    207: {"model": shapes.Outputs, "description": "Some inputs were answered"},
    **openapi.failing(404, 408, 413, 415, 429, 503),
    422: {"model": shapes.Outputs, "description": "No input was answered"},
}
EXAMPLE = {"inputs": [{"data": {"image": {
    "base64": "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
}}}], "model": {"output_info": {"output_config": {"max_concepts": 3}}}}  # fmt: skip


def router(service: Service) -> APIRouter:
    """The calls, of this service."""
    calls = APIRouter(prefix="/v2/models", dependencies=openapi.key(needed=service.needs_key))
    limits = service.settings.limits

    @calls.get("", summary="Every model", response_model=shapes.Models,
               responses=openapi.failing())  # fmt: skip
    async def models() -> Response:
        """Every model with its classes and languages, and what this service takes."""
        return JSONResponse(listing(service))

    @calls.get("/{name}/names", summary="Class names in a language", response_model=shapes.Names,
               responses=openapi.failing(404))  # fmt: skip
    async def names(name: Name, language: Language = None) -> Response:
        """The class names; without a language, the file's own."""
        with service.call(name, OutputConfig(language=language)) as call:
            own = {kind: kind for kind in call.served.classes}
            found = {"name": name, "language": language or "", "names": call.names or own}
            return JSONResponse(found)

    @calls.post("/{name}/upload", summary="Tags of uploaded files", responses=TAGS,
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
    ) -> Response:
        """Pictures, or one video, as parts called `file`."""
        config = OutputConfig(
            max_concepts=max_concepts, min_value=min_value, language=language,
            sample_ms=sample_ms, thumbnails=thumbnails,
        )  # fmt: skip
        async with files_of(request, limits) as files:
            kinds = [kind_of(await head(file)) for file in files]
            if "video" in kinds and len(files) > 1:
                raise Refused(400, refusals.INVALID_REQUEST, "file: one video, or pictures")
            film = kinds == ["video"]
            with service.call(name, config, seconds=patience(service, film)) as call:
                given = [named(file, "video" if film else "image") for file in files]
                if film:
                    found = [await attempt(of_film(service, call, files[0]))]
                else:
                    found = await of_files(call, files)
                return told_of(service, request, call, given, found)

    @calls.post("/{name}/outputs", summary="Tags, in Clarifai's form", responses=TAGS,
                response_model=shapes.Outputs,
                openapi_extra=openapi.json_body(shapes.OutputsAsked, EXAMPLE))  # fmt: skip
    async def outputs(request: Request, name: Name) -> Response:
        """Pictures and videos as base64 or by link."""
        asked = await json_of(request, shapes.OutputsAsked, limits)
        film = any("video" in each.data.model_fields_set for each in asked.inputs)
        with service.call(name, asked.model.config, seconds=patience(service, film)) as call:
            given = [repeated(each) for each in asked.inputs]
            found = await of_inputs(service, call, asked.inputs)
            return told_of(service, request, call, given, found)

    @calls.post("/{name}/explain", summary="Which part of a picture speaks for a class",
                response_model=shapes.Explanation, openapi_extra=openapi.files_body(many=False),
                responses={**openapi.failing(404, 408, 413, 415, 422, 429, 503),
                           200: {"content": {"image/png": {}}}})  # fmt: skip
    async def heat(
        request: Request,
        name: Name,
        class_name: Annotated[str | None, Query(alias="class", max_length=1000)] = None,
        format: Annotated[str, Query(pattern="^(json|png)$")] = "json",
        language: Language = None,
    ) -> Response:
        """A heat map, as numbers or as a picture."""
        async with files_of(request, limits) as files:
            if len(files) > 1:
                raise Refused(400, refusals.INVALID_REQUEST, "file: one picture")
            with service.call(name, OutputConfig(language=language)) as call:
                found = await explained(service, call, files[0], class_name)
                request.state.images = 1
                if format == "png":
                    return Response(found.png(), media_type="image/png")
                word = call.names.get(found.class_name, found.class_name)
                return JSONResponse({"model": told(call.served), **found.to_json(), "name": word})

    return calls


def listing(service: Service) -> dict[str, Any]:
    """What `GET /v2/models` says."""
    limits = service.settings.limits
    return {
        "models": [
            {
                "name": served.name,
                "version": served.version,
                "classes": list(served.classes),
                "languages": sorted(served.languages),
                "size": served.view.size,
                "none_of_these": served.refuses,
                "explains": served.explains,
            }
            for served in service.shelf
        ],
        "links": service.fetcher is not None,
        "videos": video.possible(),
        "limits": {name: getattr(limits, name) for name in shapes.Limited.model_fields},
    }


def patience(service: Service, film: bool) -> float:
    """Seconds that a call with a video has beyond the others."""
    return service.settings.limits.video_patience if film else 0.0


async def head(file: UploadFile) -> bytes:
    """The first bytes of a file."""
    start = await file.read(PEEK)
    await file.seek(0)
    return start


def named(file: UploadFile, kind: str) -> dict[str, Any]:
    """What an answer repeats of an uploaded file."""
    return {"id": (file.filename or "")[:256], "data": {kind: {}}}


def repeated(given: shapes.Input) -> dict[str, Any]:
    """What an answer repeats of an input: never pixels."""
    kind = "video" if "video" in given.data.model_fields_set else "image"
    source: Source = getattr(given.data, kind)
    return {"id": given.id, "data": {kind: {"url": source.url} if source.url else {}}}


def told_of(
    service: Service,
    request: Request,
    call: Call,
    given: Sequence[dict[str, Any]],
    found: Sequence[Found],
) -> Response:
    """The answer of /upload and /outputs."""
    now = utc()
    outputs = [call.output(a, b, now=now) for a, b in zip(given, found, strict=True)]
    counts = [len(each.get("frames", (each,))) for each in found if isinstance(each, dict)]
    service.metrics.answered(call.served.name, sum(counts), len(found) - len(counts))
    request.state.images = sum(counts)
    http, body = outcome(outputs, request.state.request)
    return JSONResponse(body, http)
