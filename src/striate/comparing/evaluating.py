"""How good recognizers are on a dataset, side by side on the same examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.comparing._compare import prepared
from striate.comparing.folder import learned_from
from striate.data import SPLITS, Dataset
from striate.data.dataset import TEST
from striate.data.targets import enumerated
from striate.errors import DataError, UserError
from striate.recognizer import Recognizer
from striate.tasks.contract import Scores, Task, lead

ALL = "all"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of one recognizer or more on the same part of a dataset.

    Attributes:
        split: "train", "validation", "test" or "all".
        scores: by the name that was given to each recognizer, or that the task gives to what it
            makes of them together.
        options: of the task's own, that it was scored with.
        unscored: examples whose class a recognizer lacks, by class.
        notes: what a person should know: what was not scored, and where a score is not to be
            trusted.
    """

    task: Task
    dataset: Dataset[Any]
    split: str
    scores: Mapping[str, Scores]
    options: Mapping[str, Any]
    unscored: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The name of the best by the main score."""
        return max(self.scores, key=lambda name: self.scores[name].value)

    def behind(self, name: str) -> tuple[float, tuple[float, float]] | None:
        """How far a recognizer is behind the best, with the 95 % interval of that.

        None for the best itself, and where the two could not answer the same examples.
        """
        first, second = self.scores[self.best], self.scores[name]
        if first is second or first.examples != second.examples:
            return None
        return first.value - second.value, lead([first], [second])

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values; of several recognizers, each in `models`."""
        shared = {
            "task": self.task.name,
            "data": self.dataset.name,
            "split": self.split,
            "options": {name: _plain(value) for name, value in self.options.items()},
            "unscored": dict(self.unscored),
            "left_out": [{"name": o.name, "reason": o.reason} for o in self.dataset.left_out],
            "notes": list(self.notes),
        }
        rows = [self._row(name) for name in self.scores]
        if len(rows) == 1:
            return {**shared, **rows[0]}
        for row in rows:
            behind = self.behind(row["model"])
            row["behind"] = behind and {"value": behind[0], "interval": list(behind[1])}
        return {**shared, "best": self.best, "models": rows}

    def _row(self, name: str) -> dict[str, Any]:
        scores = self.scores[name]
        return {
            "model": name,
            "examples": scores.examples,
            "drawn": scores.drawn,
            "score": scores.value,
            "interval": list(scores.interval),
            "seconds_per_example": scores.seconds,
            "broken": [{"name": name, "reason": reason} for name, reason in scores.broken],
            **scores.to_json(),
        }


def evaluate(
    recognizers: Mapping[str, Recognizer],
    dataset: Dataset[Any],
    *,
    split: str | None = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int = 64,
) -> Evaluation:
    """Scores recognizers of one task on a part of a dataset.

    Args:
        recognizers: at least one, by names of the caller's.
        split: "train", "validation", "test" or "all"; where None, the test split, or everything
            where there is none.
        options: of the task's own (`Task.options["evaluate"]`).

    Raises:
        UserError: if they are of several tasks, or the task lacks one of the options.
        DataError: if there is nothing to score.
    """
    tasks = {one.task.name: one.task for one in recognizers.values()}
    if len(tasks) > 1:
        raise UserError(f"these recognizers are of {' and '.join(tasks)}: evaluate them one by one")
    task = next(iter(tasks.values()))
    own = task.own_options("evaluate", options or {})
    notes: list[str] = []
    if split in (None, "test") and "test" in dataset.drawn:
        dataset = _split_as_for_learning(task, dataset)
    if split is None:
        split = "test" if (dataset.split == TEST).any() else ALL
        if split == ALL:
            notes.append(f"{dataset.name} has no test split, so all of it is scored")
    asked = dataset.split >= 0 if split == ALL else dataset.split == SPLITS.index(split)
    if not asked.any():
        raise DataError(f"{dataset.name}: the {split} split has no example")
    learned = _learned_from_this(recognizers, dataset)
    if split == "test" and "test" in dataset.drawn and len(learned) < len(recognizers):
        notes.append(
            f"{dataset.name} has no test split of its own, so {asked.sum():,} of {len(dataset):,} "
            "examples were drawn; --split all scores all of them, if none was learned from"
        )
    rows, unscored = _scorable(task, recognizers, dataset, asked)
    if unscored:
        named = enumerated([f"{name} ({count})" for name, count in unscored.items()])
        notes.append(f"not scored, because a recognizer lacks the class: {named}")
    scores = task.evaluated(recognizers, dataset, rows.tolist(), own, batch_size=batch_size)
    unread = {name for one in scores.values() for name, _ in one.broken}
    if unread and not learned:  # as if they were not there: so it is when a set is learned from
        readable = [row for row in range(len(dataset)) if dataset.inputs.name(row) not in unread]
        learned = _learned_from_this(recognizers, dataset.take(readable))
    suspicions = ((name, _suspicion(recognizers[name], dataset, split)) for name in learned)
    notes += [f"{name} {why}" for name, why in suspicions if why]
    return Evaluation(task, dataset, split, scores, own, unscored, tuple(notes))


def _split_as_for_learning(task: Task, dataset: Dataset[Any]) -> Dataset[Any]:
    """The set as `compare` and `train` split it, which leave out what cannot be read and keep
    copies in one split; as it is where nobody can have learned from it."""
    try:
        sound = task.sound(dataset.learnable(dataset.name))
    except DataError:
        return dataset
    return prepared(task, sound, (), keep_leaks=True).dataset


def _scorable(
    task: Task,
    recognizers: Mapping[str, Recognizer],
    dataset: Dataset[Any],
    asked: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """The rows that every recognizer can be scored on, and how many others there are by class.

    Raises:
        DataError: if no row is left.
    """
    able = np.logical_and.reduce(
        [task.scorable(dataset, one.names) for one in recognizers.values()]
    )
    unscored: dict[str, int] = {}
    for row in np.flatnonzero(asked & ~able).tolist():
        words = dataset.targets.words(row)
        unscored[words] = unscored.get(words, 0) + 1
    rows = np.flatnonzero(asked & able)
    if not len(rows):
        theirs = next(iter(recognizers.values())).names
        raise DataError(
            f"{dataset.name} has {enumerated(list(unscored))}, and the recognizer knows none of "
            f"that, but {enumerated(theirs)}"
        )
    return rows, unscored


def _learned_from_this(
    recognizers: Mapping[str, Recognizer], dataset: Dataset[Any]
) -> tuple[str, ...]:
    """The names of those that are known to have learned from this very dataset."""
    known = {name: one.provenance.get("data") for name, one in recognizers.items()}
    told = {name: data for name, data in known.items() if isinstance(data, dict)}
    fingerprint = dataset.fingerprint() if told else None
    return tuple(name for name, data in told.items() if data.get("fingerprint") == fingerprint)


def _suspicion(recognizer: Recognizer, dataset: Dataset[Any], split: str) -> str | None:
    """Why the score on this part is too good, of a recognizer that learned from this dataset."""
    if split != "test":
        where = "all of it" if split == ALL else f"its {split} split"
        return f"learned from this dataset, so its score on {where} is not to be trusted"
    if recognizer.provenance["data"].get("learned") != learned_from(dataset)[0]:
        return (
            "learned from other examples of this dataset than this split says, so it may be scored "
            "on what it learned from; give the --seed that it was learned with"
        )
    return None


def _plain(value: Any) -> Any:
    """An option's value for JSON."""
    return str(value) if isinstance(value, Path) else value
