"""Texts as batches of numbered words for `striate.fit`: cross-entropy, Adadelta, bounded norms."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.splits import TRAIN, VALIDATION
from striate.errors import UserError
from striate.layers.word_convolution import Laid, laid
from striate.models.kim import NORM, Kim
from striate.tasks.text.batches import logits_of, on
from striate.tasks.text.learning import measured
from striate.training import Objective, Problem, Recipe
from striate.training.adadelta import Adadelta

CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Numbered:
    """A set whose texts are numbers of words, row for row; 0 is no word."""

    dataset: Dataset[Any]
    texts: Sequence[NDArray[np.int64]]


class Batch(NamedTuple):
    """Texts, one after the other, and class numbers (B,)."""

    texts: Laid
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        marks = [len(self) * place // count for place in range(count + 1)]
        return [
            Batch(self.texts.of(low, high, pad=Kim.longest - 1), self.targets[low:high])
            for low, high in pairwise(marks)
        ]


class Sentences(Problem[Numbered, Batch]):
    """The cross-entropy."""

    score = "top1"

    def prepare(self, data: Numbered) -> Numbered:
        return data

    def examples(self, data: Numbered) -> int:
        return int((data.dataset.split == TRAIN).sum())

    def batches(
        self, data: Numbered, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        rows = np.flatnonzero(data.dataset.split == TRAIN)
        numbers = data.dataset.targets.single()
        steps = -(-len(rows) // recipe.batch_size)
        step = start
        while True:
            epoch, place = divmod(step, steps)
            order = np.random.default_rng([seed, epoch]).permutation(rows)
            for first in range(place * recipe.batch_size, len(rows), recipe.batch_size):
                some = order[first : first + recipe.batch_size]
                texts = laid([data.texts[row] for row in some.tolist()], Kim.longest - 1)
                targets = torch.from_numpy(numbers[some]).to(device)
                yield Batch(on(texts, device), targets)
                step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        return {"cross_entropy": F.cross_entropy(model(batch.texts), batch.targets)}

    def objectives(
        self, model: nn.Module, recipe: Recipe, steps: int
    ) -> Sequence[Objective[Batch]]:
        """Adadelta on all that learns; the rows of the full connection are held to norm 3."""
        assert isinstance(model, Kim)
        if recipe.optimizer != "adadelta" or recipe.weight_decay:
            raise UserError(
                "texts learn by adadelta without weight decay; leave out --set optimizer and "
                "weight_decay, and recipes of other tasks"
            )
        bounded = [model.decision.weight]
        others = [each for each in model.parameters() if each is not bounded[0]]
        groups = [{"params": others}, {"params": bounded, "norm": NORM}]
        optimizer = Adadelta(groups, lr=recipe.learning_rate)
        return [Objective(lambda batch: self.losses(model, batch, recipe), optimizer)]

    def evaluate(self, model: nn.Module, data: Numbered) -> dict[str, float]:
        rows = np.flatnonzero(data.dataset.split == VALIDATION).tolist()
        logits = logits_of(model, [data.texts[row] for row in rows])
        return measured(logits, torch.from_numpy(data.dataset.targets.single()[rows]))

    def identity(self, data: Numbered) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
        }
