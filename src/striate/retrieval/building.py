"""Folders of pictures into an index: new ones are added, changed ones described anew."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from striate.errors import ImageError, InputError, UserError
from striate.files import by_content
from striate.images import SUFFIXES
from striate.inference.walking import expanded, walk
from striate.progress import Stage, stage
from striate.recognizer import Recognizer, named
from striate.retrieval.describing import Describer, Description
from striate.retrieval.index import (
    Header,
    Index,
    Stamp,
    begun,
    create,
    exists,
    name_below,
    read_header,
    writing_to,
)
from striate.retrieval.whitening import FEWEST, Moments, Whitening, finished

SAMPLE = 10_000  # pictures from which the whitening is learned, at most
KEPT = 4096  # pictures until what was computed is written
SEED = 0

Broken = Callable[[str, InputError], None]


@dataclass(frozen=True)
class Ask:
    """What a person decides about a new index.

    Attributes:
        model: a recognizer's file, or the name of a network with published weights.
        whiten: how far variances are made alike, in [0, 1]; None for no whitening.
        dimensions: that are kept of whitened vectors; None for a number by the pictures.
    """

    model: str
    description: Description = field(default_factory=Description)
    whiten: float | None = 0.5
    dimensions: int | None = None


@dataclass(frozen=True)
class Built:
    """What came of it: the index, and how many pictures were added, changed, and left out."""

    index: Index
    added: int
    changed: int
    broken: int
    notes: tuple[str, ...]


class File(NamedTuple):
    """A picture to describe; `row` is that of its older form in the index."""

    path: str
    name: str
    stamp: Stamp
    row: int | None


def build(
    places: Sequence[str],
    out: str | os.PathLike[str],
    ask: Ask | None = None,
    *,
    broken: Broken = lambda name, error: None,
    batch_size: int = 32,
    device: str = "auto",
) -> Built:
    """Indexes pictures, in a new folder or in one that is an index already.

    What is in it with the same size and time is not described again; so the same call goes on after
    it was stopped. The whitening is learned once, from the first call's pictures.

    Args:
        places: files, folders and patterns.
        ask: needed for a new index; where there is one, it must be the same or None.
        broken: called for each picture that cannot be read.

    Raises:
        UserError: if there are no pictures, or `ask` is not what the index was made by.
        DataError: if the index is damaged.
        StorageError: if it cannot be written, or another process writes to it.
    """
    out = Path(out)
    found = expanded(places)
    if exists(out):
        head = read_header(out)
        see_same(head, ask)
        recognizer = recognizer_of(head, device=device)
    elif ask is None:
        raise UserError(f"{out} is a new index: give the network too, as in --model NAME")
    elif out.exists() and not (out.is_dir() and begun(out)):
        raise UserError(f"{out} is there and is not an index; give another --out")
    else:
        recognizer = named(ask.model, device=device)
    description = head.description if exists(out) else ask.description  # type: ignore[union-attr]
    describer = Describer(recognizer, description)
    with writing_to(out):
        return Building(out, describer, ask, broken, batch_size).run(found)


def recognizer_of(header: Header, *, model: str | None = None, device: str = "auto") -> Recognizer:
    """The recognizer that an index was made with.

    Args:
        model: where it is now, if it was moved.

    Raises:
        UserError: if it is another one.
    """
    given = model or header.model
    recognizer = named(given, device=device)
    if by_content(given) != (given if header.content is None else header.content):
        raise UserError(
            f"{given} has changed since the index was made with it; its vectors would not fit. "
            "Give the old one with --model, or make a new index"
        )
    return recognizer


def see_same(header: Header, ask: Ask | None) -> None:
    """Refuses to describe pictures in another way than those of the index.

    Raises:
        UserError: naming what differs.
    """
    if ask is None:
        return
    if ask.description != header.description:
        raise UserError(
            "the index describes pictures in another way; leave out what it was made by"
        )
    content = by_content(ask.model)
    if header.content not in (content, None) or (
        header.content is None and content != header.model
    ):
        raise UserError(f"the index was made with {header.model}, not with {ask.model}")


class Building:
    """One call of `build`."""

    def __init__(
        self, out: Path, describer: Describer, ask: Ask | None, broken: Broken, batch_size: int
    ):
        self.out, self.describer, self.ask = out, describer, ask
        self.broken, self.batch_size = broken, batch_size
        self.index = Index(out) if exists(out) else None
        self.added = self.changed = self.unread = 0
        self.notes: list[str] = []

    def run(self, places: Sequence[str]) -> Built:
        """Describes what is new or changed, and writes it."""
        files = self._files(places)
        with stage("index", len(files)) as bar:
            if self.index is None:
                first = sample(files)
                self._begin(first, bar)
                taken = {file.name for file in first}
                files = [file for file in files if file.name not in taken]
            assert self.index is not None
            for some, vectors in gathered(self._described(files, bar)):
                self._write(some, finished(vectors, self.index.whitening))
        return Built(self.index, self.added, self.changed, self.unread, tuple(self.notes))

    def _files(self, places: Sequence[str]) -> list[File]:
        """The pictures that the index does not have, or not as they are now."""
        found: dict[str, File] = {}
        known = self.index.stamped() if self.index else {}
        self.folder = self.index.header.folder if self.index else folder_of(places)
        count = 0
        for path in walk(places, SUFFIXES):
            count += 1
            name = name_below(self.folder, path)
            try:
                status = os.stat(path)  # noqa: PTH116 (a Path costs ten times more)
            except OSError as error:
                self._unreadable(path, ImageError(error.strerror or str(error)))
                continue
            stamp = status.st_size, status.st_mtime_ns
            row, old = known.get(name, (None, None))
            if old != stamp:
                found[name] = File(path, name, stamp, row)
        if not count:
            raise UserError(f"{', '.join(places)}: no picture there")
        return list(found.values())

    def _unreadable(self, path: str, error: InputError) -> None:
        self.unread += 1
        self.broken(path, error)

    def _described(self, files: Sequence[File], bar: Stage) -> Iterator[tuple[list[File], Tensor]]:
        """Batches of files that could be read, with their vectors (N, R, D)."""
        by_path = {file.path: file for file in files}
        for paths, vectors, broken in self.describer.each(by_path, batch_size=self.batch_size):
            for path, error in broken:
                self._unreadable(path, error)
            bar.advance(len(paths) + len(broken))
            if paths:
                yield [by_path[path] for path in paths], vectors

    def _begin(self, files: Sequence[File], bar: Stage) -> None:
        """Learns the whitening from a sample, and makes the index of it."""
        assert self.ask is not None
        sampled: list[File] = []
        parts: list[Tensor] = []
        moments: Moments | None = None
        for some, vectors in self._described(files, bar):
            moments = moments or Moments(vectors.shape[-1])
            moments.add(vectors)
            sampled += some
            parts.append(vectors.half())
        if moments is None:
            raise UserError(f"none of {len(files):,} pictures can be read")
        whitening = self._whitening(moments)
        size = len(moments.total) if whitening is None else whitening.projection.shape[1]
        content = by_content(self.ask.model)
        header = Header(
            model=self.ask.model if content == self.ask.model else os.path.abspath(self.ask.model),  # noqa: PTH100
            content=None if content == self.ask.model else content,
            description=self.describer.description,
            folder=self.folder, whitened=whitening is not None,
            pictures=len(sampled), dimensions=size,
        )  # fmt: skip
        self.index = create(self.out, header, whitening)
        made = [finished(part.float(), whitening) for part in parts]
        self._write(sampled, torch.cat(made))

    def _whitening(self, moments: Moments) -> Whitening | None:
        assert self.ask is not None
        if self.ask.whiten is None:
            return None
        if moments.pictures < FEWEST and self.ask.dimensions is None:
            self.notes.append(
                f"vectors are not whitened: {moments.pictures} pictures are too few to learn that "
                f"from ({FEWEST} would do)"
            )
            return None
        return Whitening.learned(moments, strength=self.ask.whiten, dimensions=self.ask.dimensions)

    def _write(self, files: Sequence[File], vectors: Tensor) -> None:
        assert self.index is not None
        old = [file.row for file in files if file.row is not None]
        self.index.add(
            [file.name for file in files], [file.stamp for file in files], vectors.numpy(),
            remove=old,
        )  # fmt: skip
        self.changed += len(old)
        self.added += len(files) - len(old)


def gathered(
    parts: Iterator[tuple[list[File], Tensor]],
) -> Iterator[tuple[list[File], Tensor]]:
    """The same in pieces of KEPT pictures or somewhat more."""
    files: list[File] = []
    vectors: list[Tensor] = []
    for some, found in parts:
        files, vectors = files + some, [*vectors, found]
        if len(files) >= KEPT:
            yield files, torch.cat(vectors)
            files, vectors = [], []
    if files:
        yield files, torch.cat(vectors)


def sample(files: Sequence[File]) -> Sequence[File]:
    """As many as the whitening is learned from, drawn at random, in their order."""
    if len(files) <= SAMPLE:
        return files
    drawn = np.random.default_rng(SEED).choice(len(files), SAMPLE, replace=False)
    return [files[row] for row in np.sort(drawn).tolist()]


def folder_of(places: Sequence[str]) -> str:
    """The folder that names are relative to: the one that was given, or what all share."""
    absolute = [os.path.abspath(place) for place in places]  # noqa: PTH100
    folders = [one if os.path.isdir(one) else os.path.dirname(one) for one in absolute]  # noqa: PTH112, PTH120
    try:
        return os.path.commonpath(folders)
    except ValueError:  # on several drives
        return os.sep
