"""A run is a folder: what was asked, what was measured, and where it stands.

run.json                 recipe, seed, data: what must be the same to go on
metrics.jsonl            one evaluation a line
events.out.tfevents.*    the same for TensorBoard, written anew from it by every process
checkpoint.safetensors   the state after the last saved step
previous.safetensors     the state saved before that, for when the last one is damaged
best.safetensors         the weights with the best validation score
"""

import json
import math
import os
from pathlib import Path
from typing import Any, TypeGuard

from striate.errors import DataError, StorageError, UserError, one_line
from striate.files import Lock, leftovers, read_bytes, writing

LARGEST = 2**28  # bytes of a file of a run that is not of weights
MOST = 2**62  # of a whole number
CHECKPOINT, PREVIOUS, BEST, METRICS, ABOUT = (
    "checkpoint.safetensors",
    "previous.safetensors",
    "best.safetensors",
    "metrics.jsonl",
    "run.json",
)


class RunFolder:
    """The files of one run; see the module for their names."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.checkpoint, self.previous = folder / CHECKPOINT, folder / PREVIOUS
        self.best = folder / BEST
        self._lock = Lock(folder / ".run.lock")
        self._events: Any = None

    def begin(self, about: dict[str, Any], *, resume: bool) -> list[Path]:
        """Makes the folder ready; the checkpoints there are to go on from, the last one first.

        Nobody else writes to it until it is closed.

        Raises:
            DataError: if a run stands there already and `resume` is not asked, or if what is asked
                is not what the run began with, or if another process is writing to it.
        """
        if not self._lock.acquire():
            raise DataError(f"{self.folder} is in use by another process; name another folder")
        for name in (CHECKPOINT, BEST, METRICS, ABOUT):
            for left in leftovers(self.folder / name):
                left.unlink()
        about = json.loads(json.dumps(about))
        path = self.folder / ABOUT
        if path.exists():
            if not resume:
                raise DataError(f"{self.folder} holds a run already; resume it or name another")
            before = read_json(path)
            if not isinstance(before, dict):
                raise DataError(f"{path} does not say how a run began")
            changed = sorted(
                name for name in about.keys() | before.keys() if about.get(name) != before.get(name)
            )
            if changed:
                raise DataError(
                    f"{self.folder} cannot go on: {', '.join(changed)} changed since it began"
                )
        else:
            write_json(path, about)
        return [path for path in (self.checkpoint, self.previous) if path.exists()]

    def set_aside(self) -> None:
        """Makes the last checkpoint the previous one; a new one is about to be written.

        Raises:
            StorageError: if it cannot be renamed.
        """
        try:
            if self.checkpoint.exists():
                self.checkpoint.replace(self.previous)
        except OSError as error:
            raise StorageError(f"cannot write {self.previous}: {error.strerror}") from error

    def history(self, until: int, score: str) -> list[dict[str, float]]:
        """The evaluations up to step `until`; later ones, of a killed process, are dropped.

        Raises:
            DataError: if what is there before the last line is not an evaluation with its score.
        """
        for events in self.folder.glob("events.out.tfevents.*"):
            events.unlink()
        path = self.folder / METRICS
        if not path.exists():
            return []
        rows: list[dict[str, float]] = []
        lines = read_bytes(path, limit=LARGEST).splitlines()
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if row is None and number == len(lines):
                break  # the line that was being written when the process was killed
            if not _is_row(row, score) or (rows and row["step"] <= rows[-1]["step"]):
                raise DataError(
                    f"{path}, line {number}: not an evaluation that follows the others; "
                    "begin in another folder"
                )
            if row["step"] > until:
                break
            rows.append(row)
        with writing(path) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return rows

    def log(self, row: dict[str, float]) -> None:
        """Adds one evaluation to the metrics and to TensorBoard's events."""
        try:
            with (self.folder / METRICS).open("a") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fsync(file.fileno())  # before the checkpoint of the same step
        except OSError as error:
            raise StorageError(f"cannot write {self.folder / METRICS}: {error}") from error
        rows = [row]
        if self._events is None:
            from tensorboardX import SummaryWriter

            self._events = SummaryWriter(str(self.folder))
            rows = [json.loads(line) for line in (self.folder / METRICS).read_text().splitlines()]
        for each in rows:
            for name, value in each.items():
                if name != "step":
                    self._events.add_scalar(name, value, int(each["step"]))
        self._events.flush()

    def close(self) -> None:
        """Ends the event file, and lets others write to the folder."""
        if self._events is not None:
            self._events.close()
            self._events = None
        self._lock.release()


def _is_row(row: Any, score: str) -> TypeGuard[dict[str, float]]:
    """Whether it is an evaluation: finite numbers by name, its step and its score among them."""
    return (
        isinstance(row, dict)
        and {"step", "epoch", score} <= row.keys()
        and all(map(_is_metric, row.values()))
    )


def _is_metric(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST
    return whole or (isinstance(value, float) and math.isfinite(value))


def write_json(path: Path, value: Any) -> None:
    """A small JSON file, whole or not there."""
    with writing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """A small JSON file.

    Raises:
        DataError: if it is missing or is not JSON.
    """
    try:
        return json.loads(read_bytes(path, limit=LARGEST))
    except (UserError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {one_line(error)}") from error
