"""Predictions of very many inputs, into one file."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from striate.errors import UserError
from striate.inference.reading import Input, Named, name
from striate.progress import Stage, stage
from striate.recognizer import Recognizer
from striate.recognizing.cluster import Cluster, on_cluster
from striate.recognizing.forms import form_of
from striate.recognizing.parts import Names, Part, Parts
from striate.recognizing.rows import Row, local
from striate.recognizing.sources import Inputs
from striate.tasks.contract import batch_of

SECONDS = 20.0  # of work that a kill may cost
LARGEST = 2**20  # characters of rows that wait in memory


class Recognized(NamedTuple):
    """How many rows a file has, and how many of them are inputs that could not be read."""

    rows: int
    unreadable: int


def recognize(
    recognizer: Recognizer,
    inputs: Iterable[Input | Named] | Inputs,
    out: str | os.PathLike[str],
    *,
    count: int | None = None,
    top: int | None = None,
    batch_size: int = 32,
    plan: Mapping[str, Any] | None = None,
    seconds: float = SECONDS,
    cluster: Cluster | None = None,
) -> Recognized:
    """Writes a row for each input: its prediction as JSON has it, or why it could not be read.

    Memory does not grow with the inputs. A process that was killed is begun again with the same
    arguments and goes on where it was; the file is then as if nothing had happened.

    Args:
        inputs: in an order that is the same every time; those of `given` are not read again where
            they are done.
        out: a file that is not there yet; its suffix is one of FORMS. What is finished waits
            beside it, in the folder `{out}.parts`.
        count: how many inputs there are, for the progress; None where nobody knows.
        top: how many labels or objects of an input.
        plan: what else the rows depend on (the model, its options), as plain JSON values; it must
            be the same when the work goes on.
        seconds: after which rows are kept.
        cluster: computes instead of this process; the inputs are then those of `given`.

    Raises:
        UserError: if there is nothing to read, `out` is there already, the inputs or the plan are
            not those that the work was begun with, or the cluster cannot be reached.
        StorageError: if the disk is full or may not be written; what is finished stays.
    """
    out = Path(out)
    write = form_of(out, top)
    size = batch_of(recognizer.predictor, batch_size)
    with Parts(out, {**(plan or {}), "top": top, "batch size": size}) as parts:
        items = inputs.items(parts.rows) if isinstance(inputs, Inputs) else inputs
        named = (Named(name(i, one), _item(one)) for i, one in enumerate(items))
        with stage("predict", count) as bar:
            for part in parts.finished:
                see_same(part, named, parts.folder)
                bar.advance(part.rows)
            if cluster is None:
                found = local(recognizer, named, size, top)
            else:
                found = on_cluster(cluster, inputs, parts.rows, size, top)
            with closing(found):
                keep(found, parts, size, seconds, bar)
        if not parts.rows:
            parts.drop()
            raise UserError("there is nothing to read")
        done = Recognized(parts.rows, parts.unreadable)
        parts.join(write)
    return done


def keep(found: Iterable[Row], parts: Parts, size: int, seconds: float, bar: Stage) -> None:
    """Adds rows to the parts as they come, each part a number of whole batches."""
    lines: list[str] = []
    names, unreadable, length, began = Names(), 0, 0, time.monotonic()
    for row in found:
        lines.append(row.line)
        names.add(row.name)
        unreadable += not row.readable
        length += len(row.line)
        bar.advance()
        full = length >= LARGEST or time.monotonic() - began >= seconds
        if full and len(lines) % size == 0:
            parts.add(lines, unreadable, names)
            lines, names, unreadable, length = [], Names(), 0, 0
            began = time.monotonic()
    if lines:
        parts.add(lines, unreadable, names)


def _item(one: Input | Named) -> Any:
    return one.item if isinstance(one, Named) else one


def see_same(part: Part, named: Iterator[Named], folder: Path) -> None:
    """Passes over the inputs of a part that is finished.

    Raises:
        UserError: if they are not those that it was made of.
    """
    names, rows = Names(), 0
    while rows < part.rows and (one := next(named, None)) is not None:
        names.add(one.name)
        rows += 1
    if rows != part.rows or names.digest != part.digest:
        raise UserError(
            f"{folder} was begun with other inputs; bring them back to go on, or give another --out"
        )
