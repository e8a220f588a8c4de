"""What experiments that teach small networks share: a set, and learning on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import SPLITS, Dataset, Decoded
from striate.evaluation.classification import in_top_k
from striate.inference import Preprocessing, outputs_of
from striate.progress import track
from striate.tasks.classification.problem import ClassificationProblem, split
from striate.training import Recipe, fit, learning, seeded, train
from striate.training.modes import threads


def fewer(data: Dataset[Any], train: int, validation: int, test: int, *, seed: int = 0) -> Any:
    """The set with at most so many images of each split, drawn at random."""
    random = np.random.default_rng(seed)
    rows = [
        random.permutation(np.flatnonzero(data.split == SPLITS.index(name)))[:count]
        for name, count in (("train", train), ("validation", validation), ("test", test))
    ]
    return data.take(np.sort(np.concatenate(rows)))


class Curve(NamedTuple):
    """How well a network does while it learns.

    Attributes:
        steps, accuracy: (N,) each; accuracy on validation in [0, 1].
        diverged: losses stopped being finite; then the accuracy is that of chance.
    """

    steps: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    diverged: bool = False

    def until(self, level: float) -> int | None:
        """The first step with that accuracy; None where there is none.

        >>> Curve(np.array([1, 2, 4]), np.array([0.1, 0.6, 0.9])).until(0.5)
        2
        """
        reached = np.flatnonzero(self.accuracy >= level)
        return int(self.steps[reached[0]]) if len(reached) else None


@dataclass(frozen=True, eq=False)
class Pictures:
    """A set, decoded, and the problem to name the class of each picture."""

    problem: ClassificationProblem
    data: Decoded

    @classmethod
    def of(cls, data: Dataset[Any], preprocessing: Preprocessing | None = None) -> Self:
        """In their own size, by default normalized by the training images."""
        problem = ClassificationProblem(data.classes, preprocessing=preprocessing)
        return cls(problem, problem.prepare(data))

    def learn(self, network: nn.Module, recipe: Recipe, *, seed: int) -> nn.Module:
        """The network, with the weights of its best epoch on validation."""
        return fit(network, self.problem, self.data, recipe, seed=seed).model

    def curve(
        self, network: nn.Module, recipe: Recipe, points: Sequence[int], *, seed: int, title: str
    ) -> Curve:
        """Learns up to the last of these steps, and is scored at each of them."""
        found: dict[int, float] = {}
        last = points[-1]
        with seeded(seed), threads(recipe.threads), learning(network):
            objectives = self.problem.objectives(network, recipe, last)
            batches = islice(self.problem.batches(self.data, recipe, seed=seed, start=0), last)
            for step in train(objectives, track(batches, title, last)):
                if step.number in points:
                    found[step.number] = self.problem.evaluate(network, self.data)["top1"]
        return Curve(np.array(list(found)), np.array(list(found.values())))

    def targets(self, part: str = "test") -> NDArray[np.int64]:
        """(N,) the classes of a split."""
        return split(self.data, self.problem.preprocessing.view, part)[1]

    def logits(self, network: nn.Module, part: str = "test") -> Tensor:
        """(N, classes) of a split."""
        pixels = split(self.data, self.problem.preprocessing.view, part)[0]
        return outputs_of(network, self.problem.preprocessing, pixels)

    def right(self, network: nn.Module, part: str = "test") -> NDArray[np.bool_]:
        """(N,) whether the most probable class of each picture of a split is its own."""
        return in_top_k(self.logits(network, part).numpy(), self.targets(part))
