"""Bodies, taken apart: JSON against a shape, forms into files; and what is said of a wrong one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from striate.serving.refusals import BAD_FORMAT, INVALID_REQUEST, Refused, exhausted
from striate.serving.service import Service

Shape = TypeVar("Shape", bound=BaseModel)
VALUE = 120  # bytes that a number, a text, a list or an object takes, beyond its letters
WORDS = {  # by pydantic's kinds of mistakes; its own words may repeat what was sent
    "missing": "is missing",
    "json_invalid": "not JSON",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
    "string_pattern_mismatch": "is not of the documented form",
    "literal_error": "is not one of the documented words",
    "union_tag_invalid": "is not one of the documented names",
    "union_tag_not_found": "has no name",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
}
TYPE = re.compile("(?P<kind>string|int|float|bool|list|dict|model|model_attributes)_(type|parsing)")
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text",
         "list": "a list", "dict": "an object", "model": "an object"}  # fmt: skip


async def json_of(request: Request, shape: type[Shape], service: Service) -> Shape:
    """The body of a call.

    Raises:
        Refused: 400, 413, 415 or 503.
    """
    limits, share = service.settings.limits, request.state.share
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, BAD_FORMAT, "expected application/json")
    body, values = bytearray(), 0
    async for part in request.stream():
        body += part
        values += sum(map(part.count, (b",", b":", b"[", b"{")))
        if len(body) > limits.json_bytes:
            raise Refused(413, BAD_FORMAT, f"JSON has at most {limits.json_bytes:,} bytes")
        if values > limits.values:
            raise Refused(413, BAD_FORMAT, f"JSON has at most {limits.values:,} values")
    # Beside the body its texts; then instead of the body the files in them.
    if not share.grow(len(body) + VALUE * values):
        raise exhausted()
    parsing = service.workers.submit(request.state.caller, partial(parsed, shape, body))
    del body
    return await asyncio.wrap_future(parsing)


def parsed(shape: type[Shape], body: bytearray, _: object) -> Shape:
    """JSON of that shape, in a thread; the body is emptied."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False)) from None
    finally:
        body.clear()


def invalid(errors: Any) -> Refused:
    """The first of pydantic's errors, without anything that was sent."""
    kind, place = errors[0]["type"], errors[0]["loc"]
    where = ".".join(str(part) for part in place if part not in ("query", "path"))
    why = WORDS.get(kind, "is not of the documented form")
    if match := TYPE.fullmatch(kind):
        why = f"is not {KINDS[match['kind'].removesuffix('_attributes')]}"
    if kind == "json_invalid":  # where, and of what kind; never what
        why = f"{why} ({errors[0]['ctx']['error']})"
    if kind == "value_error":  # one of ours
        why = str(errors[0]["ctx"]["error"])
    return Refused(400, INVALID_REQUEST, f"{where[:100]}: {why}".removeprefix(": "))


@asynccontextmanager
async def files_of(request: Request, service: Service) -> AsyncIterator[list[UploadFile]]:
    """The parts called `file`; those larger than a mebibyte lie on disk.

    Raises:
        Refused: 400 or 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refused(415, BAD_FORMAT, "expected multipart/form-data")
    try:
        form = await request.form(max_files=service.settings.limits.inputs, max_fields=64)
    except (HTTPException, MultiPartException, LookupError, ValueError):
        # Boundaries and character sets of every kind: "undefined" is a codec that only fails.
        raise Refused(400, BAD_FORMAT, "the form cannot be read") from None
    try:
        parts = form.getlist("file")
        files = [part for part in parts if isinstance(part, UploadFile)]
        if not files or len(files) < len(parts):
            raise Refused(400, INVALID_REQUEST, "file: one part or more, each with a filename")
        yield files
    finally:
        await form.close()
