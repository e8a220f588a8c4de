"""DeepFace's Siamese head (Taigman et al. 2014, Section 4.2), learned on pairs of training faces.

F7 and one logistic unit on the absolute difference of two faces' F7 learn; what lies below is as
the softmax over persons left it, or the few pairs would be learned by heart.
"""

import copy
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate.data.people import Pairs
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import evaluating
from striate.models.deepface import DeepFace
from striate.tasks.contract import Learned
from striate.tasks.faces.deep import Deep
from striate.tasks.faces.learning import described, learned, measured, similarities
from striate.tasks.faces.metric import Siamese
from striate.tasks.faces.prepared import Lined
from striate.training import Problem, Recipe, fit
from striate.training.modes import seeded
from striate.training.problem import CPU

RECIPE = Recipe(
    epochs=20, batch_size=64, learning_rate=3e-4, optimizer="adamw", weight_decay=1e-2, warmup=0.1
)


class Below(Deep):
    """What F7 reads: L6, (N, 16 * 21 * 21) at full width."""

    def __call__(self, faces: Tensor) -> Tensor:
        assert isinstance(self.model.trunk, DeepFace)
        with evaluating(self.model):
            found = self.model.trunk.features(self.images(faces))["L6"]
        return found.flatten(1).float().cpu()


class Batch(NamedTuple):
    """What F7 reads of both faces of pairs (B, D), and whether they are of one person (B,)."""

    first: Tensor
    second: Tensor
    same: Tensor

    def __len__(self) -> int:
        return len(self.same)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        columns = (column.tensor_split(count) for column in self)
        return [Batch(*part) for part in zip(*columns, strict=True)]


class Twins(nn.Module):
    """F7 twice, with one set of weights, and the logistic unit.

    Args:
        f7: (D,) to (K,).
    """

    def __init__(self, f7: nn.Linear):
        super().__init__()
        self.f7 = f7
        self.unit = nn.Linear(f7.out_features, 1)
        nn.init.constant_(self.unit.weight, -1 / f7.out_features)  # farther apart: less the same
        nn.init.zeros_(self.unit.bias)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """(B,) logits that both are the same."""
        away = (torch.relu(self.f7(first)) - torch.relu(self.f7(second))).abs()
        found: Tensor = self.unit(away)[:, 0]
        return found

    def metric(self) -> Siamese:
        """What its unit makes of two faces' F7."""
        weights, bias = (one.detach().clone() for one in (self.unit.weight[0], self.unit.bias[0]))
        return Siamese(weights, bias)


class PairProblem(Problem[Lined, Batch]):
    """Whether two training faces are of one person; as many pairs are as are not.

    Args:
        numbers: what F7 reads of training faces and, after them, of validation ones.
    """

    score = "auc"

    def __init__(self, numbers: Tensor, data: Lined):
        split, targets = data.dataset.split, data.dataset.targets
        train, held = (np.flatnonzero(split == part) for part in (TRAIN, VALIDATION))
        self.train, self.held = numbers[: len(train)], numbers[len(train) :]
        self.persons = targets.numbers[train]
        self.pairs: Pairs = targets.pairs(train)
        self.chosen: Pairs = targets.pairs(held)

    def prepare(self, data: Lined) -> Lined:
        return data

    def examples(self, data: Lined) -> int:
        return 2 * int(self.pairs.same.sum())

    def batches(
        self, data: Lined, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        alike = np.stack(self.pairs[:2], 1)[self.pairs.same]
        step = start
        while True:
            random = np.random.default_rng([seed, step])
            half = max(1, recipe.batch_size // 2)
            some = np.concatenate(
                [alike[random.integers(0, len(alike), half)],
                 random.integers(0, len(self.persons), (half, 2))]
            )  # fmt: skip
            same = self.persons[some[:, 0]] == self.persons[some[:, 1]]
            first, second = (self.train[torch.from_numpy(some[:, k])].to(device) for k in (0, 1))
            yield Batch(first, second, torch.from_numpy(same).float().to(device))
            step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        logits = model(batch.first, batch.second)
        return {"pairs": F.binary_cross_entropy_with_logits(logits, batch.same)}

    def evaluate(self, model: nn.Module, data: Lined) -> dict[str, float]:
        assert isinstance(model, Twins)
        with torch.no_grad():
            numbers = torch.relu(model.f7(self.held))
        return measured(similarities(model.metric(), numbers, self.chosen), self.chosen.same)

    def identity(self, data: Lined) -> dict[str, Any]:
        split = hashlib.sha256(data.dataset.split.tobytes()).hexdigest()
        return {"data": data.dataset.fingerprint(), "split": split}


def learn_siamese(data: Lined, deep: Deep, *, seed: int) -> Learned:
    """The head on DeepFace's layers; those of `deep` stay as they are."""
    deep = Deep(copy.deepcopy(deep.model).cpu(), deep.normalization)
    assert isinstance(deep.model.trunk, DeepFace)
    f7 = deep.model.trunk.layers["F7"]
    assert isinstance(f7, nn.Linear)
    problem = PairProblem(described(data, Below(deep.model, deep.normalization)), data)
    with seeded(seed):
        model = Twins(f7)
    run = fit(model, problem, data, RECIPE, seed=seed)
    words = f"Siamese, {run.kept}"
    return learned(data, deep, lambda *_: [(words, model.metric())])
