"""Recognizers scored on a set: one view of each picture or several, each alone or their mean."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Decoded, Labels, decode
from striate.data.splits import TEST
from striate.errors import DataError
from striate.evaluation import Tree, aligned, open_tree
from striate.progress import stage
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.windows import Windowed, Windows, averaged
from striate.tasks.contract import Predictor, Scores, asked
from striate.tasks.labels.scores import Classified, stacked, targets_of


@dataclass(frozen=True, eq=False)
class Found:
    """A recognizer's answers: (M, classes) to `rows` of the set, in that order."""

    names: tuple[str, ...]
    rows: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    seconds: float
    broken: tuple[tuple[str, str], ...]

    def on(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The answers to some of them, in ascending order."""
        return self.probabilities[np.isin(self.rows, rows)]


def evaluated(
    recognizers: Mapping[str, Any],
    dataset: Dataset[Any],
    rows: Sequence[int],
    options: Mapping[str, Any],
    *,
    batch_size: int,
) -> dict[str, Scores]:
    """Scores by the names given here, all on the examples that every recognizer could read.

    Args:
        options: those of `Windows`; `tree`, the path of a file; `ensemble`: the mean of all is
            scored in place of each.

    Raises:
        UserError: if the options contradict each other, or an export cannot do what they ask.
        DataError: if none of the examples can be read, or a recognizer lacks the class of one.
    """
    which = Windows.of(options)
    tree = open_tree(options["tree"]) if options.get("tree") is not None else None
    order = np.sort(np.asarray(rows, np.int64))
    for one in recognizers.values():  # before any work
        targets_of(dataset, order, one.names)
        if tree is not None:
            tree.see(one.names)
    predictors = {
        name: one.predictor if which.plain else Windowed(one.predictor, which)
        for name, one in recognizers.items()
    }
    names = {name: one.names for name, one in recognizers.items()}
    found = answers(predictors, names, dataset, order, batch_size)
    common = order
    for each in found.values():
        common = np.intersect1d(common, each.rows)
    if not len(common):
        broken = next(iter(found.values())).broken
        why = f": {broken[0][1]}" if broken else ""
        raise DataError(f"{dataset.name}: none of its {len(rows)} examples can be read{why}")
    if options.get("ensemble"):
        return {" + ".join(found): mean_of(list(found.values()), dataset, common, tree)}
    return {name: scored(each, dataset, common, tree) for name, each in found.items()}


def answers(
    predictors: Mapping[str, Predictor],
    names: Mapping[str, tuple[str, ...]],
    dataset: Dataset[Any],
    rows: NDArray[np.int64],
    batch_size: int,
) -> dict[str, Found]:
    """Each one's answers; pictures are decoded once for all that read pixels of a view."""
    views = [one.preprocessing.view for one in predictors.values() if isinstance(one, Classifier)]
    decoded, kept, broken = readable(dataset, rows, views) if views else (None, rows, ())
    found = {}
    for name, one in predictors.items():
        if isinstance(one, Classifier):
            assert decoded is not None
            probabilities, seconds = timed(
                one, decoded.pixels[one.preprocessing.view], batch_size=batch_size
            )
            found[name] = Found(names[name], kept, probabilities, seconds, broken)
        else:
            told = asked(one, dataset, rows.tolist(), batch_size=batch_size)
            probabilities = stacked(told.answers, len(names[name]))
            read = np.asarray(told.rows, np.int64)
            found[name] = Found(names[name], read, probabilities, told.seconds, told.broken)
    return found


def timed(
    predictor: Classifier, pixels: NDArray[np.uint8], *, batch_size: int
) -> tuple[NDArray[np.float32], float]:
    """Probabilities (N, classes) of pixels (N, S, S, C), and the seconds that each took."""
    start, parts = time.perf_counter(), []
    with stage("evaluate", len(pixels)) as bar:
        for first in range(0, len(pixels), batch_size):
            some = np.ascontiguousarray(pixels[first : first + batch_size])
            parts.append(predictor.answers(some, batch_size=batch_size)[0])
            bar.advance(len(some))
    return np.concatenate(parts), (time.perf_counter() - start) / len(pixels)


def readable(
    dataset: Dataset[Any], rows: NDArray[np.int64], views: Sequence[Any]
) -> tuple[Decoded, NDArray[np.int64], tuple[tuple[str, str], ...]]:
    """The pixels of those rows that can be read, which they are, and why the others cannot."""
    some = dataset.take(rows)
    # Each row is a class of its own, so that what is left names the rows; all are only scored.
    numbered = replace(
        some,
        targets=Labels(tuple(map(str, rows.tolist())), np.arange(len(rows), dtype=np.int64)),
        split=np.full(len(rows), TEST, np.int8),
    )
    decoded = decode(numbered, views)
    gone = decoded.dataset.left_out[len(some.left_out) :]
    broken = tuple((one.name, one.reason) for one in gone)
    return decoded, rows[decoded.dataset.targets.single()], broken


def scored(
    found: Found, dataset: Dataset[Any], rows: NDArray[np.int64], tree: Tree | None
) -> Classified:
    """One recognizer's answers to these rows."""
    targets = targets_of(dataset, rows, found.names)
    return Classified(found.on(rows), targets, found.names, found.seconds, found.broken, tree)


def mean_of(
    found: Sequence[Found], dataset: Dataset[Any], rows: NDArray[np.int64], tree: Tree | None
) -> Classified:
    """The mean of all answers to these rows.

    Raises:
        DataError: if the recognizers do not have the same classes.
    """
    names = found[0].names
    mean = averaged([aligned(each.on(rows), each.names, names) for each in found])
    return Classified(
        mean,
        targets_of(dataset, rows, names),
        names,
        sum(each.seconds for each in found),
        tuple(dict.fromkeys(pair for each in found for pair in each.broken)),
        tree,
    )
