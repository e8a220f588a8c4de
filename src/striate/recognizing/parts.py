"""Rows on their way into one file, of which a killed process loses none and doubles none.

Rows wait in a folder beside the file, in finished parts of JSON lines. A part is written whole by
rename, so it is there or not, and what it holds is in its name: first row, rows, rows with an
error, and a digest of the inputs' names. Who goes on counts the parts that are there and begins
after them. A file that is appended to would need to be cut back after a crash to what a journal
beside it says; Parquet cannot be appended to at all. At the end all parts are joined into the file,
again by rename, and removed.

A part ends where a batch ends. So what is computed together does not depend on where a process was
killed, and the rows are the same to the last digit.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from striate.errors import StorageError, UserError
from striate.files import Lock, writing

NAME = re.compile(r"(\d{12})-(\d{1,12})-(\d{1,12})-([0-9a-f]{16})\.jsonl")
PLAN, JOINED, JOINING, LOCK = "plan.json", "joined", "joining", "lock"


class Part(NamedTuple):
    """Rows that are finished.

    Attributes:
        first: the number of its first row, from 0.
        rows: how many.
        unreadable: how many of them are inputs that could not be read.
        digest: of the inputs' names, in order.
    """

    path: Path
    first: int
    rows: int
    unreadable: int
    digest: str


class Names:
    """A digest of names in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str) -> None:
        """One more name."""
        self._hash.update(name.encode("utf-8", "surrogatepass") + b"\0")

    @property
    def digest(self) -> str:
        """16 hexadecimal digits."""
        return self._hash.hexdigest()[:16]


class Parts:
    """The folder of parts of `out`, held by one process at a time.

    Raises:
        UserError: if `out` is there already, another process works on it, or the parts that are
            there were begun with another plan.
        StorageError: if the folder may not be written.
    """

    def __init__(self, out: Path, plan: Mapping[str, Any]):
        self.out, self.folder = out, out.with_name(out.name + ".parts")
        self._plan = json.loads(json.dumps(plan, default=str))
        self._lock = Lock(self.folder / LOCK)
        self.finished: list[Part] = []

    @property
    def rows(self) -> int:
        """How many are finished."""
        return sum(part.rows for part in self.finished)

    @property
    def unreadable(self) -> int:
        """How many of them are inputs that could not be read."""
        return sum(part.unreadable for part in self.finished)

    def __enter__(self) -> Self:
        if not self._lock.acquire():
            raise UserError(f"{self.out}: another process is writing it")
        try:
            self._begin()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._leave()

    def _leave(self) -> None:
        """Lets go of the folder; one without anything in it is removed."""
        self._lock.release()
        try:
            self.folder.rmdir()
        except OSError:  # parts are in it
            return

    def _begin(self) -> None:
        if (self.folder / JOINING).exists() and self.out.exists():
            self._remove()  # a process was killed after it had joined them
        self._tidy()
        if self.out.exists():
            raise UserError(f"{self.out} is there already; remove it, or give another --out")
        try:
            begun = json.loads((self.folder / PLAN).read_text("utf-8"))
        except FileNotFoundError:
            with writing(self.folder / PLAN) as temporary:
                temporary.write_text(json.dumps(self._plan, indent=1), "utf-8")
            return
        except (OSError, ValueError) as error:
            raise UserError(f"{self.folder / PLAN} cannot be read; remove {self.folder}") from error
        if begun != self._plan:
            raise UserError(
                f"{self.folder} was begun with {different(begun, self._plan)}; give the same "
                "command to go on, or another --out"
            )
        self.finished = self._found()

    def _tidy(self) -> None:
        """Removes what a killed process left half written."""
        for path in self.folder.iterdir():
            if path.name not in (PLAN, LOCK) and not NAME.fullmatch(path.name):
                path.unlink()

    def _found(self) -> list[Part]:
        """The parts that follow each other without a gap; others, which only a loss of power leaves
        (a rename that reached the disk before an earlier one), are removed."""
        found, rows = [], 0
        for path in sorted(self.folder.iterdir()):
            name = NAME.fullmatch(path.name)
            if name is None:
                continue
            part = Part(path, int(name[1]), int(name[2]), int(name[3]), name[4])
            if part.first == rows:
                found.append(part)
                rows += part.rows
            else:
                path.unlink()
        return found

    def add(self, lines: Sequence[str], unreadable: int, names: Names) -> None:
        """The next rows, each as JSON on a line of its own; when this returns they are kept."""
        first = self.rows
        name = f"{first:012d}-{len(lines)}-{unreadable}-{names.digest}.jsonl"
        with writing(self.folder / name) as temporary:
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{line}\n" for line in lines)
        self.finished.append(Part(self.folder / name, first, len(lines), unreadable, names.digest))

    def join(self, write: Callable[[Iterable[Path], Path], None]) -> None:
        """Makes the file of all parts, and removes them.

        Args:
            write: from the parts' paths, in order, to a file.
        """
        joined = self.folder / JOINED
        with writing(joined) as temporary:
            write([part.path for part in self.finished], temporary)
        with writing(self.folder / JOINING) as mark:  # once `out` is there, the parts may go
            mark.write_text("", "utf-8")
        try:
            joined.replace(self.out)
        except OSError as error:
            raise StorageError(f"cannot write {self.out}: {error.strerror}") from error
        self._remove()

    def drop(self) -> None:
        """Forgets a run that has no rows."""
        self._remove()

    def _remove(self) -> None:
        """The mark last: as long as it is there, a next process knows that the rest may go."""
        try:
            for path in sorted(self.folder.iterdir(), key=lambda path: path.name == JOINING):
                if path.name != LOCK:
                    path.unlink()
        except OSError as error:
            raise StorageError(f"cannot remove {self.folder}: {error.strerror}") from error


def different(begun: Any, plan: Mapping[str, Any]) -> str:
    """What a plan has otherwise, and what it was.

    >>> different({"model": "a", "top": 5}, {"model": "a", "top": None})
    'top 5, not null'
    """
    if not isinstance(begun, dict):
        return "another plan"
    keys = [key for key in {**begun, **plan} if begun.get(key) != plan.get(key)]
    return ", ".join(
        f"{key} {json.dumps(begun.get(key))}, not {json.dumps(plan.get(key))}" for key in keys
    )
