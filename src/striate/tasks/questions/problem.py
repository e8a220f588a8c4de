"""Questions as batches for `striate.fit`: the cross-entropy of the one answer."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.splits import TRAIN, VALIDATION
from striate.models.ask_your_neurons import AskYourNeurons
from striate.tasks.questions.learning import measured
from striate.tasks.questions.neurons import answered, laid
from striate.training import Problem, Recipe

CPU = torch.device("cpu")
CROWD = 8  # batches that are cut out of as many questions, sorted by their lengths
FORGOTTEN = 0.1  # share of the words that are read as unknown, so that such words say nothing


@dataclass(frozen=True, eq=False)
class Numbered:
    """A set as numbers, row for row.

    Attributes:
        features: (M, F) of its pictures; (M, 0) for those who are blind.
        pictures: (N,) the row of each question's picture.
        questions: (N,) numbers of words.
        targets: (N,) numbers of answers, from 0; -1 where it is not known.
        answers: what those numbers are.
    """

    dataset: Dataset[Any]
    features: Tensor
    pictures: NDArray[np.int64]
    questions: Sequence[NDArray[np.int64]]
    targets: NDArray[np.int64]
    answers: tuple[str, ...]

    def of(self, rows: Sequence[int]) -> Tensor:
        """The features of the pictures of these rows."""
        return self.features[torch.from_numpy(self.pictures[list(rows)])]


class Batch(NamedTuple):
    """Features (B, F), words (B, T), their numbers (B,), and answers (B,)."""

    features: Tensor
    words: Tensor
    lengths: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        columns = (column.tensor_split(count) for column in self)
        return [Batch(*part) for part in zip(*columns, strict=True)]


def alike(lengths: Sequence[int], size: int, seed: Sequence[int]) -> list[NDArray[np.int64]]:
    """Every place once, in batches of questions that are about as long as each other, so that
    little is padded; which are together, and the order of the batches, is drawn.

    >>> [sorted(part.tolist()) for part in alike([9, 1, 8, 2], 2, [0])] in (
    ...     [[1, 3], [0, 2]], [[0, 2], [1, 3]])
    True
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(lengths))
    long = np.asarray(lengths)
    found = []
    for first in range(0, len(order), CROWD * size):
        some = order[first : first + CROWD * size]
        some = some[np.argsort(long[some], kind="stable")]
        found += [some[k : k + size] for k in range(0, len(some), size)]
    return [found[place] for place in random.permutation(len(found))]


class OneAnswer(Problem[Numbered, Batch]):
    """The cross-entropy of the answer among those known."""

    score = "accuracy"

    def prepare(self, data: Numbered) -> Numbered:
        return data

    def examples(self, data: Numbered) -> int:
        return int((data.dataset.split == TRAIN).sum())

    def batches(
        self, data: Numbered, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        rows = np.flatnonzero(data.dataset.split == TRAIN)
        steps = -(-len(rows) // recipe.batch_size)
        step = start
        while True:
            epoch, place = divmod(step, steps)
            lengths_of = [len(data.questions[row]) for row in rows.tolist()]
            parts = [rows[some] for some in alike(lengths_of, recipe.batch_size, [seed, epoch])]
            for number in range(place, steps):
                some = parts[number].tolist()
                words, lengths = laid([data.questions[row] for row in some])
                forgotten = np.random.default_rng([seed, epoch, number]).random(words.shape)
                words[torch.from_numpy(forgotten < FORGOTTEN)] = 0
                targets = torch.from_numpy(data.targets[some])
                batch = Batch(data.of(some), words, lengths, targets)
                yield Batch(*(each.to(device) for each in batch))
                step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        logits = model(batch.features, batch.words, batch.lengths)
        loss = F.cross_entropy(logits, batch.targets, label_smoothing=recipe.label_smoothing)
        return {"cross_entropy": loss}

    def evaluate(self, model: nn.Module, data: Numbered) -> dict[str, float]:
        rows = np.flatnonzero(data.dataset.split == VALIDATION).tolist()
        logits = held_out(model, data, rows)
        said = [data.answers[k] for k in logits.argmax(1).tolist()]
        return measured(said, data.dataset, rows)

    def identity(self, data: Numbered) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "features": hashlib.sha256(data.features.numpy().tobytes()).hexdigest(),
        }


def held_out(model: nn.Module, data: Numbered, rows: Sequence[int]) -> Tensor:
    """(n, answers) of rows that are not learned from."""
    assert isinstance(model, AskYourNeurons)
    return answered(model, data.of(rows), [data.questions[row] for row in rows])
