"""What a file of predictions is written as: JSON lines, CSV or Parquet, by its suffix.

All three are made from JSON lines, in pieces: memory does not grow with the rows. CSV and Parquet
have columns, which are those of all rows together; so the lines are read twice.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any

from striate.errors import MissingExtra, UserError

if TYPE_CHECKING:
    import pyarrow

PIECE = 2**20  # characters of JSON lines that are in memory at a time
GROUP = 4 * 2**20  # bytes of columns that make a row group of Parquet
FIRST = ("path", "error")  # columns of every file
SURROGATE = "\\ud"  # as JSON writes half a character
SPREAD = 10  # entries of a list that become columns of their own

Write = Callable[[Iterable[Path], Path], None]


def form_of(out: Path, top: int | None) -> Write:
    """What writes a file with that suffix.

    Args:
        top: as `Prediction.to_json` has it; a CSV has a column for each of few entries.

    Raises:
        UserError: if there is no such form.
        MissingExtra: if what writes it is not installed.
    """
    suffix = out.suffix.lower()
    if suffix == ".npy":
        raise UserError(f"--out {out} is for --features LAYER; expected {', '.join(FORMS)}")
    if suffix not in FORMS:
        raise UserError(f"--out {out}: expected a file that ends with {', '.join(FORMS)}")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise MissingExtra("Parquet", "cluster")
    write = FORMS[suffix]
    return lambda parts, path: write(parts, path, top)


def write_lines(parts: Iterable[Path], path: Path, top: int | None) -> None:
    """JSON lines as they are."""
    with path.open("wb") as file:
        for part in parts:
            with part.open("rb") as source:
                copyfileobj(source, file)


def write_csv(parts: Iterable[Path], path: Path, top: int | None) -> None:
    """A column for each field: of an object for each of its own (`size.width`), of the entries of a
    list likewise (`labels.1.name`), if `top` says that they are few. Other lists are JSON."""
    parts = list(parts)
    spread = top is not None and top <= SPREAD
    columns = dict.fromkeys(FIRST)
    for rows in pieces(parts):
        for row in rows:
            columns.update(dict.fromkeys(flat(row, spread)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        for rows in pieces(parts):
            writer.writerows(flat(row, spread) for row in rows)


def flat(row: Mapping[str, Any], spread: bool, before: str = "") -> dict[str, str]:
    """The cells of a row, by column.

    >>> flat({"labels": [{"name": "cat", "probability": 0.5}], "known": True}, True)
    {'labels.1.name': 'cat', 'labels.1.probability': '0.5', 'known': 'true'}
    >>> flat({"size": {"width": 3}, "box": [1, 2], "error": None}, False)
    {'size.width': '3', 'box': '[1, 2]', 'error': ''}
    """
    cells: dict[str, str] = {}
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            cells |= flat(value, spread, f"{name}.")
        elif spread and isinstance(value, list) and all(isinstance(one, dict) for one in value):
            for number, one in enumerate(value, 1):
                cells |= flat(one, spread, f"{name}.{number}.")
        elif value is None:
            cells[name] = ""
        else:
            cells[name] = value if isinstance(value, str) else json.dumps(value)
    return cells


def write_parquet(parts: Iterable[Path], path: Path, top: int | None) -> None:
    """A column for each field of a row, nested as it is."""
    import pyarrow as pa
    from pyarrow import parquet

    parts = list(parts)
    schema = pa.schema([(name, pa.string()) for name in FIRST])
    for rows in pieces(parts):
        found = pa.schema(list(pa.array(rows).type))
        schema = pa.unify_schemas([schema, found], promote_options="permissive")
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[pa.RecordBatch] = []
        for rows in pieces(parts):
            waiting.append(_batch(rows, schema))
            if sum(batch.nbytes for batch in waiting) >= GROUP:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting.clear()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))


def _batch(rows: list[dict[str, Any]], schema: "pyarrow.Schema") -> "pyarrow.RecordBatch":
    import pyarrow as pa

    columns = pa.array(rows, type=pa.struct(list(schema)))
    return pa.RecordBatch.from_arrays(columns.flatten(), schema=schema)


def pieces(parts: Iterable[Path]) -> Iterator[list[dict[str, Any]]]:
    """The rows of all parts, some at a time; where one part ends and the next begins is forgotten,
    so that the file does not depend on it."""
    rows: list[dict[str, Any]] = []
    size = 0
    for part in parts:
        with part.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                rows.append(encodable(row) if SURROGATE in line else row)
                size += len(line)
                if size >= PIECE:
                    yield rows
                    rows, size = [], 0
    if rows:
        yield rows


def encodable(value: Any) -> Any:
    r"""The same with what is no text in it (of file names, on some systems) written out.

    >>> print(encodable({"path": "\udcff.jpg"})["path"])
    \udcff.jpg
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: encodable(each) for key, each in value.items()}
    return [encodable(each) for each in value] if isinstance(value, list) else value


FORMS: Mapping[str, Callable[[Iterable[Path], Path, int | None], None]] = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".jsonl": write_lines,
}
"""What writes a file, by its suffix."""
