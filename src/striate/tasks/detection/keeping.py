"""What a method learned, kept in the folder of its run until its recognizer is saved."""

from pathlib import Path
from typing import Any

from torch import Tensor

from striate.errors import StriateError, WeightsError
from striate.tasks.contract import Learned, Predictor
from striate.tensors import load_tensors, save_tensors

NAME = "learned.safetensors"
FIELDS = ("validation", "seconds", "network", "history", "recipe", "notes")  # beside the predictor


def keep(folder: Path, identity: str, learned: Learned) -> None:
    """Writes what was learned, whole or not at all.

    Args:
        identity: of the run: what it learned from, and how.
    """
    values = {name: getattr(learned, name) for name in FIELDS}
    header = {"identity": identity, "predictor": learned.predictor.header(), **values}
    save_tensors(folder / NAME, learned.predictor.tensors(), header)


def kept(
    folder: Path, identity: str, predictor: type[Predictor], names: tuple[str, ...]
) -> Learned | None:
    """What a run of that identity learned; None where the folder holds nothing of it, or a file
    that is damaged."""
    file = of_run(folder / NAME, identity)
    if file is None:
        return None
    tensors, header = file
    try:
        restored = predictor.restored(tensors, header["predictor"], names)
        values = {name: header[name] for name in FIELDS}
        lists = {name: tuple(values[name]) for name in ("history", "notes")}
        return Learned(restored, **values | lists)
    except (StriateError, ValueError, LookupError, TypeError, RuntimeError):
        return None  # it is learned anew


def of_run(path: Path, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and header of a file that a run of that identity wrote; None where there is none, or
    it is damaged."""
    if not path.is_file():
        return None
    try:
        tensors, header = load_tensors(path)
    except WeightsError:
        return None  # it is written anew
    return (tensors, header) if header.get("identity") == identity else None
