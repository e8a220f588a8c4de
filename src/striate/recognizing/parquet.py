"""Parquet files with inputs in a column: bytes, or bytes and a path as Hugging Face writes them.

Rows are named FILE:ROW, from 0. A row group is read a few rows at a time.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.errors import InputError, MissingExtra, UserError, one_line
from striate.recognizing.stores import LARGEST, is_address, opened

if TYPE_CHECKING:
    from pyarrow import DataType, Schema
    from pyarrow.parquet import ParquetFile

AT_ONCE = 16  # rows
BUFFER = 2**20  # bytes of a column that are read at a time
TYPES = ("Image", "Audio")  # of Hugging Face's features


@contextmanager
def table(place: str) -> Iterator["ParquetFile"]:
    """An open file.

    Raises:
        MissingExtra: if PyArrow is not installed.
        InputError: if it cannot be read, or is no Parquet.
    """
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtra("Parquet", "cluster") from error
    with opened(place) as file:
        try:
            found = ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
        except Exception as error:  # Arrow's own errors, and what a store's library raises
            raise InputError(f"not a Parquet file: {one_line(error)}") from error
        with found:
            yield found


def column_of(schema: "Schema", column: str | None, *, texts: bool, place: str) -> str:
    """The column of the file at a place that holds the inputs.

    Args:
        column: as a person names it; None where there is only one that it can be.
        texts: whether inputs are texts, which a column of strings may hold.

    Raises:
        UserError: if there is none, or several are possible.
    """
    if column is not None:
        if column not in schema.names:
            there = ", ".join(schema.names)
            raise UserError(f"{place}: --column {column}: there are only {there}")
        return column
    possible = featured(schema)
    possible = possible or [one.name for one in schema if holds_bytes(one.type)]
    if not possible and texts:
        possible = [one.name for one in schema if str(one.type).endswith(("string", "string_view"))]
    if len(possible) == 1:
        return possible[0]
    told = f"{place}: columns {', '.join(schema.names)}"
    if possible:
        raise UserError(f"{told}: inputs may be in {' or '.join(possible)}; give --column")
    raise UserError(f"{told}: none holds bytes of files; --column names one that holds paths")


def featured(schema: "Schema") -> list[str]:
    """The columns that Hugging Face's description of the file calls images or recordings."""
    try:
        told = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return [
            name
            for name, feature in told.items()
            if isinstance(feature, dict) and feature.get("_type") in TYPES and name in schema.names
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def holds_bytes(kind: "DataType") -> bool:
    """Whether values are bytes, or a struct with a field `bytes` of them."""
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and holds_bytes(kind.field(place).type)
    return "binary" in str(kind)


def rows_of(place: str, column: str | None, *, texts: bool, skip: int) -> Iterator[Any]:
    """What each row holds: bytes, a text, a path, or an InputError that says why it has nothing;
    for the first `skip` rows None, and they are not read.

    A row group that is damaged costs its own rows alone.

    Raises:
        InputError: if the file cannot be read at all.
        UserError: if it is not known which column is meant.
    """
    with table(place) as file:
        chosen = column_of(file.schema_arrow, column, texts=texts, place=place)
        for group in range(file.num_row_groups):
            total = file.metadata.row_group(group).num_rows
            if total <= skip:
                skip -= total
                yield from (None for _ in range(total))
                continue
            number = 0
            try:
                for batch in file.iter_batches(
                    AT_ONCE, row_groups=[group], columns=[chosen], use_threads=False
                ):
                    for value in batch.column(0):
                        yield None if number < skip else held_by(value.as_py(), place, texts=texts)
                        number += 1
            except Exception as error:  # Arrow's own errors, and what a store's library raises
                reason = InputError(f"a damaged row group: {one_line(error)}")
                yield from (reason for _ in range(total - number))
            skip = 0


def held_by(value: Any, place: str, *, texts: bool) -> Any:
    """What a cell holds; a path is relative to the table's folder."""
    path = None
    if isinstance(value, dict):
        value, path = value.get("bytes"), value.get("path")
    if isinstance(value, str) and not texts:
        value, path = None, value
    if isinstance(value, bytes) and len(value) > LARGEST:
        return InputError(f"has {len(value):,} bytes, more than the limit of {LARGEST:,}")
    if isinstance(value, bytes | str):
        return value
    if not isinstance(path, str) or not path:
        return InputError("the cell is empty" if value is None else "neither bytes nor a path")
    if "://" in path or is_address(place):
        return InputError(
            f"only a path, and files beside a table are read here alone: {path!r:.80}"
        )
    return Path(place).parent / path
