"""The folder of a run: a method with one seed. A killed process leaves in it all it had learned.

asked.json              what was asked of which data: what must be the same to go on
recognizer.safetensors  what was learned, with its provenance, as soon as it is
.lock                   stands while a process writes here
...                     what the method itself keeps to go on with: see `striate.training.run`
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from striate.comparing.wishes import asked
from striate.data import Dataset
from striate.data.splits import ASIDE, TEST
from striate.errors import DataError, UserError
from striate.files import Lock, writing
from striate.tasks.contract import Plan, Task
from striate.version import __version__

ASKED, RECOGNIZER, LOCK = "asked.json", "recognizer.safetensors", ".lock"
SEED = "seed-"  # and the number: a run's folder in that of its method
OTHER = {
    "striate": "another version of striate", "data": "other data", "weights": "other weights",
    "settings": "other settings",
}  # fmt: skip


def identity(task: Task, dataset: Dataset[Any], plan: Plan) -> dict[str, Any]:
    """What makes two runs the same: the data that is learned from, and all that is asked."""
    return {
        "striate": __version__,
        "task": task.name,
        "method": plan.name,
        **asked(plan.ask),
        "data": learned_from(dataset)[1],
    }


_known: WeakKeyDictionary[Dataset[Any], tuple[str, str]] = WeakKeyDictionary()


def learned_from(dataset: Dataset[Any]) -> tuple[str, str]:
    """The fingerprint of the training and validation examples, and one that also tells which of
    them are which; both are computed once, for every run asks."""
    if dataset not in _known:
        rows = np.flatnonzero((dataset.split != ASIDE) & (dataset.split != TEST))
        known = dataset.take(rows)
        examples = known.fingerprint()
        parts = sorted(f"{known.inputs.name(row)}\0{known.split[row]}" for row in range(len(known)))
        total = "\0".join((examples, *parts)).encode("utf-8", "replace")
        _known[dataset] = examples, hashlib.sha256(total).hexdigest()
    return _known[dataset]


def begun(folder: Path) -> bool:
    """Whether a run was begun in a folder."""
    return (folder / ASKED).exists()


def see_same(folder: Path, identity: dict[str, Any]) -> None:
    """Sees that nothing was begun in a folder that is not this very run.

    Raises:
        DataError: if so; it says what differs.
    """
    if not begun(folder):
        return
    try:
        known = json.loads((folder / ASKED).read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / ASKED} cannot be read: {error}") from error
    if not isinstance(known, dict):
        raise DataError(f"{folder / ASKED} does not say how a run began")
    keys = [key for key in identity | known if identity.get(key) != known.get(key)]
    if keys:
        how = " and ".join(OTHER.get(key, f"another {key}") for key in keys)
        raise DataError(f"{folder} holds a run with {how}; give another --out, or move it away")


def see_same_start(place: Path, seed: int) -> None:
    """Sees that no comparison in which a method began with another seed stands in its folder: the
    recognizers and the report of one would take the place of the other's.

    Args:
        place: of the method, with a folder for each seed.

    Raises:
        DataError: if one does.
    """
    found = [int(one.name.removeprefix(SEED)) for one in place.glob(f"{SEED}[0-9]*")
             if one.name.removeprefix(SEED).isdecimal() and begun(one)]  # fmt: skip
    if found and min(found) != seed:
        raise DataError(
            f"{place} holds runs with another seed (--seed {min(found)}); give another --out, or "
            "move it away"
        )


def begin(folder: Path, identity: dict[str, Any]) -> None:
    """Writes down what is asked, before any work."""
    if not begun(folder):
        with writing(folder / ASKED) as temporary:
            temporary.write_text(json.dumps(identity, indent=2) + "\n")


@contextmanager
def undone_if_nothing(folder: Path) -> Iterator[None]:
    """What was asked is forgotten again where it is refused inside the block before anything was
    learned, so that it may be asked better in the same folder."""
    try:
        yield
    except UserError:
        if {one.name for one in folder.iterdir()} <= {ASKED, LOCK}:
            (folder / ASKED).unlink(missing_ok=True)
        raise


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Inside the block no other process writes to a folder.

    Raises:
        UserError: if one does already.
        StorageError: if the folder cannot be written to.
    """
    with Lock(folder / LOCK) as lock:
        if not lock.acquire():
            raise UserError(
                f"{folder} is in use by another process; wait for it, or give another --out"
            )
        yield
