"""The OpenAPI document: what FastAPI knows of the calls, and the bodies that they read by hand."""

from typing import Any

from fastapi import FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from striate.serving import shapes

REFERENCE = "#/components/schemas/{model}"
BODIES: tuple[type[BaseModel], ...] = (shapes.OutputsAsked, shapes.InferAsked)
SAYS = {
    400: "The request is not of this form",
    401: "A valid key is needed",
    403: "The request comes from a page of another origin",
    404: "There is no such model, class or language",
    408: "The body did not come in time",
    413: "The body is too large",
    415: "The body is of another type",
    421: "Another host is meant",
    422: "Nothing of it could be answered",
    429: "Too much is waiting; come again after Retry-After seconds",
    503: "The service is at its limit; come again after Retry-After seconds",
    504: "No time was left",
}
EVERYWHERE = (400, 401, 403, 421)


def key(*, needed: bool) -> list[Any]:
    """What the document says of keys; the door asks for them."""
    scheme = APIKeyHeader(name="Authorization", scheme_name="Key", auto_error=False)
    return [Security(scheme)] if needed else []


def failing(*statuses: int, model: type[BaseModel] = shapes.Failed) -> dict[int | str, Any]:
    """What a call may say instead of an answer."""
    found: dict[int | str, Any] = {}
    for status in sorted({*EVERYWHERE, *statuses}):
        found[status] = {"model": model, "description": SAYS[status]}
        if status in (429, 503):
            found[status]["headers"] = {
                "Retry-After": {"schema": {"type": "string"}, "required": True}
            }
    return found


def json_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """A body that is read by hand, as JSON."""
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def files_body(*, many: bool) -> dict[str, Any]:
    """A body of uploaded files."""
    file: dict[str, Any] = {"type": "string", "format": "binary"}
    if many:
        file = {"type": "array", "items": file, "minItems": 1, "maxItems": 128}
    schema = {"type": "object", "properties": {"file": file}, "required": ["file"]}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        _, bodies = models_json_schema(
            [(model, "validation") for model in BODIES], ref_template=REFERENCE
        )
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(bodies.get("$defs", {}))
        for name in ("HTTPValidationError", "ValidationError"):  # we say it otherwise
            schemas.pop(name, None)
        app.openapi_schema = found
    return app.openapi_schema
