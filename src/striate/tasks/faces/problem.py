"""Who each training face is, learned by steps: softmax over persons, with a margin, or triplets.

Batches are of persons: of each that is drawn, all pictures up to a few, so that there are pairs.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from striate.data.splits import TRAIN, VALIDATION
from striate.tasks.faces.deep import Deep, Embedder
from striate.tasks.faces.metric import Cosine
from striate.tasks.faces.prepared import Lined
from striate.training import Problem, Recipe

CPU = torch.device("cpu")
Loss = Literal["softmax", "margin", "triplet"]
SCALE, MARGIN = 24.0, 0.2  # of the cosine (Wang et al. 2018, "CosFace"), for a few hundred persons
APART = 0.3  # of the squared distances of a triplet (Schroff et al. 2015, "FaceNet"), unit length
MOST = 4  # pictures of a person in a batch


class Batch(NamedTuple):
    """Faces (B, 3, S, S), normalized, and whose they are (B,)."""

    faces: Tensor
    persons: Tensor


class Identities(nn.Module):
    """An embedder, and a direction for each training person.

    Args:
        persons: in training.
    """

    def __init__(self, embedder: Embedder, persons: int):
        super().__init__()
        self.embedder = embedder
        self.persons = nn.Parameter(torch.empty(persons, embedder.width))
        nn.init.normal_(self.persons, std=0.01)

    def forward(self, faces: Tensor) -> Tensor:
        """(B, width)."""
        found: Tensor = self.embedder(faces)
        return found


class FaceProblem(Problem[Lined, Batch]):
    """Learns who training faces are; scored by the area under the curve on validation pairs.

    Args:
        deep: how faces come to the network.
        loss: "softmax" over persons; with a "margin" between cosines; or "triplet", the hardest of
            a batch.
        numbers: (persons,) the set's numbers of the training persons.
        rounds: how often an epoch shows each training face.
    """

    score = "auc"

    def __init__(self, deep: Deep, loss: Loss, numbers: NDArray[np.int64], rounds: int = 1):
        self.deep, self.loss, self.numbers, self.rounds = deep, loss, numbers, rounds

    def prepare(self, data: Lined) -> Lined:
        return data

    def examples(self, data: Lined) -> int:
        return self.rounds * int((data.dataset.split == TRAIN).sum())

    def batches(
        self, data: Lined, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        targets = data.dataset.targets.numbers
        train = np.flatnonzero(data.dataset.split == TRAIN)
        rows = {person: train[targets[train] == person] for person in self.numbers.tolist()}
        place = {person: number for number, person in enumerate(self.numbers.tolist())}
        step = start
        while True:
            random = np.random.default_rng([seed, step])
            some: list[int] = []
            for person in random.permutation(self.numbers).tolist():
                some += random.permutation(rows[person])[:MOST].tolist()
                if len(some) >= recipe.batch_size:
                    break
            faces = torch.from_numpy(data.faces[some]).to(device)
            generator = torch.Generator().manual_seed(int(random.integers(2**31)))
            views = recipe.augmentation(faces.permute(0, 3, 1, 2), generator).clamp(0, 255)
            images = self.deep.images(views.permute(0, 2, 3, 1))
            persons = torch.tensor([place[int(targets[row])] for row in some])
            yield Batch(images, persons.to(device))
            step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        assert isinstance(model, Identities)
        found = model(batch.faces)
        if self.loss == "softmax":
            return {"softmax": F.cross_entropy(found @ model.persons.T, batch.persons,
                                               label_smoothing=recipe.label_smoothing)}  # fmt: skip
        unit = F.normalize(found)
        if self.loss == "triplet":
            return {"triplet": triplets(unit, batch.persons)}
        cosines = unit @ F.normalize(model.persons).T
        own = F.one_hot(batch.persons, len(model.persons))
        return {"margin": F.cross_entropy(SCALE * (cosines - MARGIN * own), batch.persons)}

    def evaluate(self, model: nn.Module, data: Lined) -> dict[str, float]:
        from striate.tasks.faces.learning import measured, similarities
        from striate.tasks.faces.predictor import numbers_of

        rows = np.flatnonzero(data.dataset.split == VALIDATION)
        numbers = torch.cat(list(numbers_of(self.deep, data.faces[rows])))
        pairs = data.dataset.targets.pairs(rows)
        found = similarities(Cosine(torch.zeros(numbers.shape[1])), numbers, pairs)
        return measured(found, pairs.same)

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        assert isinstance(model, Identities)
        return [model.persons, *model.embedder.last.parameters()]

    def identity(self, data: Lined) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "loss": self.loss,
        }


def triplets(unit: Tensor, persons: Tensor) -> Tensor:
    """The mean over faces of the hinge between its farthest face of the same person and its nearest
    of another (Hermans et al. 2017, "batch hard").

    Args:
        unit: (B, D) of unit length.
        persons: (B,) whose each is.
    """
    away = (2 - 2 * unit @ unit.T).clamp(min=0)
    same = persons[:, None] == persons
    paired = same.sum(1) > 1
    if not paired.any():
        return (unit * 0).sum()
    farthest = away.masked_fill(~same, 0).amax(1)
    nearest = away.masked_fill(same, 4).amin(1)
    return (farthest - nearest + APART).clamp(min=0)[paired].mean()
