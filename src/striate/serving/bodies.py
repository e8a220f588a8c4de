"""Bodies, taken apart: JSON against a shape, forms into files; and what is said of a wrong one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from striate.serving.refusals import BAD_FORMAT, INVALID_REQUEST, Refused
from striate.serving.settings import Limits

Shape = TypeVar("Shape", bound=BaseModel)


async def json_of(request: Request, shape: type[Shape], limits: Limits) -> Shape:
    """The body of a call.

    Raises:
        Refused: 400, 413 or 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, BAD_FORMAT, "application/json is meant")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.json_bytes:
            raise Refused(413, BAD_FORMAT, f"JSON has at most {limits.json_bytes:,} bytes")
        parts.append(part)
    try:
        return shape.model_validate_json(b"".join(parts))
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False)) from None


def invalid(errors: Any) -> Refused:
    """What pydantic found first, without the value."""
    place = ".".join(str(part) for part in errors[0]["loc"] if part not in ("query", "path"))
    words = {"string_pattern_mismatch": "is not of the documented form"}
    why = words.get(errors[0]["type"], errors[0]["msg"])
    return Refused(400, INVALID_REQUEST, f"{place[:100]}: {why[:200]}".removeprefix(": "))


@asynccontextmanager
async def files_of(request: Request, limits: Limits) -> AsyncIterator[list[UploadFile]]:
    """The parts called `file`; those larger than a mebibyte lie on disk.

    Raises:
        Refused: 400 or 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refused(415, BAD_FORMAT, "multipart/form-data is meant")
    try:
        form = await request.form(max_files=limits.inputs, max_fields=8)
    except HTTPException as error:
        raise Refused(400, BAD_FORMAT, "the form cannot be taken apart") from error
    try:
        parts = form.getlist("file")
        files = [part for part in parts if isinstance(part, UploadFile)]
        if not files or len(files) < len(parts):
            raise Refused(400, INVALID_REQUEST, "file: one part or more, each with a filename")
        yield files
    finally:
        await form.close()
