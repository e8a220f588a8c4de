"""One method on one set: learned, kept in a folder, tested."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from striate.comparing._compare import prepared
from striate.comparing.folder import begun
from striate.comparing.learning import run
from striate.comparing.outcome import Outcome
from striate.comparing.wishes import Wishes
from striate.data import Dataset
from striate.errors import UserError
from striate.inference import on_device
from striate.inference.devices import AUTO
from striate.tasks.contract import PUBLISHED
from striate.tasks.opening import open as open_data
from striate.tasks.opening import task_of
from striate.training import Recipe


def learn(
    data: Dataset[Any] | str | Path,
    method: str | None = None,
    *,
    task: str | None = None,
    seed: int = 0,
    network: str | None = None,
    weights: str | Path | None = PUBLISHED,
    recipe: Recipe | str | None = None,
    epochs: int | None = None,
    seconds: float | None = None,
    settings: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    keep_leaks: bool = False,
    folder: str | Path | None = None,
    resume: bool = False,
    device: str = AUTO,
) -> Outcome:
    """Learns one method, and tests it where there are test examples.

    Args:
        data: a set, or what `striate.open` takes.
        method: by name; the task's default where None.
        folder: of the run, which survives there being killed.
        resume: go on with the run in `folder`.
        others: as `compare` takes them.

    Raises:
        UserError: before anything is learned, if something cannot be had or done as asked.
    """
    dataset = data if isinstance(data, Dataset) else open_data(data, task=task, seed=seed)
    known = task_of(dataset, task)
    place = None if folder is None else Path(folder)
    if resume and (place is None or not begun(place)):
        raise UserError(f"--resume {place}: no run was begun there")
    wishes = Wishes(network, weights, recipe, epochs, seconds, tuple(settings), options or {})
    plan = wishes.plan(known, method or known.default, seed)
    with on_device(device):
        return run(
            known, prepared(known, dataset, [plan], keep_leaks=keep_leaks), plan, place,
            resume=resume,
        )  # fmt: skip
