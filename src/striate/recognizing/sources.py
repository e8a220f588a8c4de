"""What a person names for `predict`, as a stream of inputs: files, folders and patterns as the task
reads them, lists, tar shards, Parquet files, and all of these in object stores.

Who goes on after a stop knows how many inputs are done. Those are drawn once more with nothing but
their names, so that it shows whether they are still the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate.errors import InputError, UserError
from striate.inference.reading import Deferred, Named, name
from striate.inference.walking import Given, is_clutter, is_pattern, matching, walk
from striate.recognizing import lists, parquet, stores
from striate.recognizing.holding import Budget, Held
from striate.recognizing.tar import Archive, Member
from striate.tasks.contract import Task

TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
PARQUET = (".parquet", ".pq")
SHARDS = TAR + PARQUET
MOST = 1000  # files of a key; what is more is another input

Open = Callable[[str], "Inputs | None"]
"""The shard at a place, or None where there is an input."""


class Inputs(ABC):
    """Inputs that can be drawn from the middle.

    Attributes:
        count: how many there are; None where that is known at the end only.
        files: whether their names are paths of files here.
    """

    count: int | None = None
    files: bool = False

    @abstractmethod
    def items(self, skip: int = 0) -> Iterator[Named]:
        """Every input, in the same order each time; the first `skip` come with their names alone,
        and are not read."""

    def __iter__(self) -> Iterator[Named]:
        return self.items()


class Plain(Inputs):
    """Files, folders, patterns and whatever else a task reads by itself."""

    files = True

    def __init__(self, places: Sequence[str], task: Task, options: Mapping[str, Any]):
        self._given = lambda: task.given(places, options)
        self._first: Given | None = self._given()  # a mistake shows before any work
        self.count = self._first.count

    def __getstate__(self) -> dict[str, Any]:
        """Where another process draws them, it begins anew."""
        return {**vars(self), "_first": None}

    def items(self, skip: int = 0) -> Iterator[Named]:
        given, self._first = self._first or self._given(), None
        for number, one in enumerate(given.items):
            yield one if isinstance(one, Named) else Named(name(number, one), one)


@dataclass
class Done:
    """How many inputs of a source have been drawn, and how many are not read."""

    skip: int
    count: int = 0


class Passed(Deferred):
    """What stands for an input that is not read."""

    def fetch(self) -> bytes:
        raise InputError("was passed over")


PASSED = Passed()


class Shard(Inputs):
    """A tar archive whose files of one key are one input (WebDataset's form): the key is a file's
    path up to the first dot of its name. It is read as a stream."""

    def __init__(self, place: str, task: Task, options: Mapping[str, Any]):
        self.place, self._task, self._options = place, task, options

    def items(self, skip: int = 0) -> Iterator[Named]:
        budget, done = Budget(), Done(skip)
        try:
            for key, files in self._keys(done):
                for named, item in self._inputs(key, files):
                    done.count += 1
                    passed = done.count <= skip
                    yield Named(named, PASSED if passed else Held(item, budget))
        except InputError as error:
            yield Named(self.place, Held(error, budget))

    def _keys(self, done: "Done") -> Iterator[tuple[str, dict[str, Any]]]:
        """Files that follow each other and have the same key. `done` counts the inputs of those
        before; no key has more than MOST."""
        wanted = tuple(self._task.suffixes | self._task.beside)
        key, files = "", dict[str, Any]()
        with stores.opened(self.place) as file:
            try:
                for member in Archive(file):
                    this, field = keyed(member.name)
                    if this != key or field in files or len(files) == MOST:
                        if files:
                            yield key, files
                        key, files = this, {}
                    if f".{field}".lower().endswith(wanted) and not _is_clutter(member.name):
                        files[field] = _bytes_of(member, passed=done.count + MOST <= done.skip)
            except InputError:
                if files:
                    yield key, files
                raise
        if files:
            yield key, files

    def _inputs(self, key: str, files: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        try:
            found = self._task.joined(files, self._options)
        except InputError as error:
            yield f"{self.place}/{key}", error
            return
        for field, item in found:
            yield f"{self.place}/{key}" + (f".{field}" if field else ""), item


def keyed(path: str) -> tuple[str, str]:
    """The key of a file, and what follows it.

    >>> keyed("cats/0001.seg.png"), keyed("./readme")
    (('cats/0001', 'seg.png'), ('readme', ''))
    """
    folder, slash, last = path.removeprefix("./").rpartition("/")
    first, _, field = last.partition(".")
    return folder + slash + first, field


def _is_clutter(path: str) -> bool:
    return any(is_clutter(part) and part not in (".", "..") for part in path.split("/"))


def _bytes_of(member: Member, *, passed: bool) -> bytes | InputError:
    if member.reason is not None:
        return InputError(member.reason)
    if member.size > stores.LARGEST:
        return InputError(f"has {member.size:,} bytes, more than the limit of {stores.LARGEST:,}")
    if not passed:
        return member.read()
    member.see()
    return b""


class Table(Inputs):
    """A Parquet file."""

    def __init__(self, place: str, task: Task, options: Mapping[str, Any], column: str | None):
        self.place, self._task, self._options, self._column = place, task, options, column
        self._texts = task.takes == "text"
        if not stores.is_address(place):
            try:
                with parquet.table(place) as file:
                    parquet.column_of(file.schema_arrow, column, texts=self._texts, place=place)
                    self.count = file.metadata.num_rows
            except InputError:  # a row says why
                self.count = 1

    def items(self, skip: int = 0) -> Iterator[Named]:
        budget, number = Budget(), 0
        try:
            for value in parquet.rows_of(self.place, self._column, texts=self._texts, skip=skip):
                item = PASSED if number < skip else Held(self._input(value), budget)
                yield Named(f"{self.place}:{number}", item)
                number += 1
        except InputError as error:
            yield Named(self.place, Held(error, budget))

    def _input(self, value: Any) -> Any:
        return value if isinstance(value, InputError) else alone(value, self._task, self._options)


def alone(value: Any, task: Task, options: Mapping[str, Any]) -> Any:
    """A single thing as an input of a task, or the error that says why it is none."""
    try:
        return task.joined({"": value}, options)[0][1]
    except InputError as error:
        return error


class Places(Inputs):
    """Addresses or paths one by one: inputs, and shards that stand for what they hold.

    Args:
        places: called for each time they are drawn.
    """

    def __init__(
        self,
        places: Callable[[], Iterator[str]],
        task: Task,
        options: Mapping[str, Any],
        opened: Open,
    ):
        self._places, self._task, self._options, self._opened = places, task, options, opened

    def items(self, skip: int = 0) -> Iterator[Named]:
        count = 0
        for place in self._places():
            shard = self._shard(place)
            for one in [self._one(place)] if shard is None else shard.items(max(0, skip - count)):
                count += 1
                yield one

    def _shard(self, place: str) -> Inputs | None:
        return self._opened(place)

    def _one(self, place: str) -> Named:
        found = stores.Stored(place) if stores.is_address(place) else Path(place)
        return Named(place, Held(alone(found, self._task, self._options), Budget()))


class Listed(Places):
    """What a list names.

    Addresses are read where the list itself is at one of the same store, and no others: a list may
    come from anywhere.
    """

    def __init__(self, place: str, task: Task, options: Mapping[str, Any], opened: Open):
        super().__init__(lambda: lists.paths_in(place), task, options, opened)
        self._scheme = place.partition("://")[0] if stores.is_address(place) else None

    def _shard(self, place: str) -> Inputs | None:
        return None if self._is_foreign(place) else super()._shard(place)

    def _one(self, place: str) -> Named:
        if self._is_foreign(place):
            why = InputError("an address, and this list is not at one of the same kind")
            return Named(place, Held(why, Budget()))
        return super()._one(place)

    def _is_foreign(self, place: str) -> bool:
        scheme, colon, _ = place.partition("://")
        return bool(colon) and scheme != self._scheme


class Chain(Inputs):
    """One after another."""

    def __init__(self, parts: Sequence[Inputs]):
        self.parts = parts
        counts = [part.count for part in parts]
        self.count = None if None in counts else sum(filter(None, counts))
        self.files = all(part.files for part in parts)

    def items(self, skip: int = 0) -> Iterator[Named]:
        done = 0
        for part in self.parts:
            for one in part.items(max(0, skip - done)):
                done += 1
                yield one


def given(
    task: Task,
    places: Sequence[str],
    options: Mapping[str, Any] | None = None,
    *,
    column: str | None = None,
) -> Inputs:
    """The inputs that a person names.

    Args:
        places: files, folders and patterns as the task reads them; lists (.txt, .lst, .csv, .tsv,
            .jsonl with a path a line); tar shards; Parquet files; folders of shards; addresses of
            object stores (s3://, gs://, hf:// ...) of any of these.
        options: those of the task's `options["predict"]` that were given.
        column: of Parquet files, where several hold bytes.

    Raises:
        UserError: if there is nothing, or it is not known what is meant.
        MissingExtra: if what reads it is not installed.
    """
    options = options or {}

    def opened(place: str) -> Inputs | None:
        if place.lower().endswith(TAR):
            return Shard(place, task, options)
        if place.lower().endswith(PARQUET):
            return Table(place, task, options, column)
        return None

    def source(place: str) -> Inputs | None:
        """None for what the task reads by itself, or refuses."""
        if "://" in place and not stores.is_address(place):
            return None
        suffix = Path(place).suffix.lower()
        if suffix in lists.SUFFIXES - task.suffixes - task.tables:
            return Listed(place, task, options, opened)
        if stores.is_address(place):
            suffixes = task.suffixes | set(SHARDS)
            return Places(lambda: stores.below(place, suffixes), task, options, opened)
        return opened(place)

    parts: list[Inputs] = []
    plain: list[str] = []
    for each in (one for place in places for one in expanded(place, task)):
        found = source(each)
        if found is None:
            plain.append(each)
            continue
        if plain:
            parts.append(Plain(tuple(plain), task, options))
            plain.clear()
        parts.append(found)
    if plain or not parts:
        parts.append(Plain(tuple(plain), task, options))
    if column is not None and all(isinstance(part, Plain | Shard) for part in parts):
        raise UserError(f"--column {column} is for Parquet files; leave it out")
    return parts[0] if len(parts) == 1 else Chain(parts)


def expanded(place: str, task: Task) -> Iterator[str]:
    """What a pattern matches, the shards of a folder that holds nothing else, or the place.

    Raises:
        UserError: if nothing matches a pattern.
    """
    if stores.is_address(place):
        yield place
    elif is_pattern(place):
        yield from matching(place)
    elif Path(place).is_dir() and next(walk([place], task.suffixes), None) is None:
        below = walk([place], {f".{shard.rpartition('.')[2]}" for shard in SHARDS})
        yield from [one for one in below if one.lower().endswith(SHARDS)] or [place]
    else:
        yield place
