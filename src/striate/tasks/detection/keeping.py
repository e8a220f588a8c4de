"""What a method learned, kept in the folder of its run until its detector is saved."""

from pathlib import Path
from typing import Any

from torch import Tensor

from striate.errors import WeightsError
from striate.tasks.detection.asking import Learned
from striate.tasks.detection.finder import Finder
from striate.training.checkpoints import load_tensors, save_tensors

NAME = "learned.safetensors"
TOLD = ("seconds", "validation", "history", "recipe", "notes")  # beside the finder


def keep(folder: Path, identity: str, learned: Learned) -> None:
    """Writes what was learned, whole or not at all.

    Args:
        identity: of the run: what it learned from, and how.
    """
    told = {name: getattr(learned, name) for name in TOLD}
    header = {"identity": identity, "finder": learned.finder.header(), **told}
    save_tensors(folder / NAME, learned.finder.tensors(), header)


def kept(folder: Path, identity: str, finder: type[Finder], classes: int) -> Learned | None:
    """What a run of that identity learned; None where the folder holds nothing of it, or a file
    that is damaged."""
    file = of_run(folder / NAME, identity)
    if file is None:
        return None
    tensors, header = file
    try:
        restored = finder.restored(tensors, header["finder"], classes)
        told = {name: header[name] for name in TOLD}
        lists = {name: tuple(told[name]) for name in ("history", "notes")}
        return Learned(restored, **told | lists)
    except (ValueError, LookupError, TypeError, RuntimeError):
        return None  # it is learned anew


def of_run(path: Path, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and header of a file that a run of that identity wrote; None where there is none, or
    it is damaged."""
    if not path.is_file():
        return None
    try:
        tensors, header = load_tensors(path)
    except WeightsError:
        return None  # not ours: it is written anew
    return (tensors, header) if header.get("identity") == identity else None
