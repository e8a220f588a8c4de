"""A run is a folder: what was asked, what was measured, and where it stands.

run.json                 recipe, seed, data: what must be the same to go on
metrics.jsonl            one evaluation a line
events.out.tfevents.*    the same for TensorBoard, written anew from it by every process
checkpoint.safetensors   the state after the last saved step
best.safetensors         the weights with the best validation score
"""

import json
from pathlib import Path
from typing import Any

from striate.errors import DataError, StorageError
from striate.files import writing

CHECKPOINT, BEST, METRICS, ABOUT = (
    "checkpoint.safetensors",
    "best.safetensors",
    "metrics.jsonl",
    "run.json",
)


class RunFolder:
    """The files of one run; see the module for their names."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.checkpoint = folder / CHECKPOINT
        self.best = folder / BEST
        self._events: Any = None

    def begin(self, about: dict[str, Any], *, resume: bool) -> bool:
        """Makes the folder ready; says whether there is a checkpoint to go on from.

        Raises:
            DataError: if a run stands there already and `resume` is not asked, or if what is asked
                is not what the run began with.
        """
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
        return self.checkpoint.exists()

    def history(self, until: int) -> list[dict[str, float]]:
        """The evaluations up to step `until`; later ones, of a killed process, are dropped."""
        for events in self.folder.glob("events.out.tfevents.*"):
            events.unlink()
        path = self.folder / METRICS
        if not path.exists():
            return []
        lines = []
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                break  # the line that was being written when the process was killed
            if row["step"] > until:
                break
            lines.append(row)
        with writing(path) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in lines))
        return lines

    def log(self, row: dict[str, float]) -> None:
        """Adds one evaluation to the metrics and to TensorBoard's events."""
        try:
            with (self.folder / METRICS).open("a") as file:
                file.write(json.dumps(row) + "\n")
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
        """Ends the event file."""
        if self._events is not None:
            self._events.close()
            self._events = None


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
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
