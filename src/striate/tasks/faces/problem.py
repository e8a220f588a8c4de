"""Who each training face is, learned by steps: softmax over persons, with a margin, or triplets.

Batches are of persons: of each that is drawn, all pictures up to a few, so that there are pairs.
"""

import hashlib
import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from striate.augment import NONE, Augmentation
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import device_of, evaluating
from striate.inference.modes import modes_given_back
from striate.progress import stage
from striate.tasks.faces.deep import Deep, Embedder
from striate.tasks.faces.learning import measured, similarities
from striate.tasks.faces.metric import Cosine
from striate.tasks.faces.predictor import TOGETHER, numbers_of
from striate.tasks.faces.prepared import Lined
from striate.training import Problem, Recipe
from striate.training.problem import CPU
from striate.training.seeds import generator_for

Loss = Literal["softmax", "margin", "triplet"]
SCALE, MARGIN = 24.0, 0.2  # of the cosine (Wang et al. 2018, "CosFace"), for a few hundred persons
APART = 0.3  # of the squared distances of a triplet (Schroff et al. 2015, "FaceNet"), unit length
MOST = 4  # pictures of a person in a batch
VIEWS = 2  # of each face, of which the frozen layers are computed once
LARGEST = 2 << 30  # bytes of what the frozen layers give


class Batch(NamedTuple):
    """What the frozen layers give of faces (B, ...), and whose they are (B,)."""

    maps: Tensor
    persons: Tensor

    def __len__(self) -> int:
        return len(self.persons)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        columns = (column.tensor_split(count) for column in self)
        return [Batch(*part) for part in zip(*columns, strict=True)]


class Together(NamedTuple):
    """The same, where the loss is about all faces of a batch together: no process learns from a
    part of it."""

    maps: Tensor
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

    def begin(self, numbers: Tensor, persons: Tensor) -> None:
        """Each direction as the mean of the person's faces.

        Args:
            numbers: (N, width) what the embedder says of training faces.
            persons: (N,) whose they are.
        """
        unit = F.normalize(numbers)
        sums = torch.zeros(self.persons.shape).index_add(0, persons, unit)
        with torch.no_grad():
            self.persons.copy_(F.normalize(sums))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width) of what the frozen layers give."""
        return self.embedder.upper(maps)


class FaceProblem(Problem[Lined, Batch | Together]):
    """Learns who training faces are; scored by the area under the curve on validation pairs.

    Frozen layers give the same maps for the same view each time. So they are computed once: of
    VIEWS views of every training face, the first of them the face itself, where these fit into
    LARGEST bytes; epoch e learns from view e modulo VIEWS.

    Args:
        deep: how faces come to the network.
        loss: "softmax" over persons; with a "margin" between cosines; or "triplet", the hardest of
            a batch.
        numbers: (persons,) the set's numbers of the training persons.
        rounds: how often an epoch shows each training face.
        augmentation, seed: of the views that are computed once.
    """

    score = "auc"

    def __init__(
        self,
        deep: Deep,
        loss: Loss,
        numbers: NDArray[np.int64],
        rounds: int = 1,
        *,
        augmentation: Augmentation = NONE,
        seed: int = 0,
    ):
        self.deep, self.loss, self.numbers, self.rounds = deep, loss, numbers, rounds
        self.augmentation, self.seed = augmentation, seed
        self.known: list[Tensor] = []
        self.held: Tensor | None = None

    def prepare(self, data: Lined) -> Lined:
        if self.deep.model.frozen and self.held is None:
            train, held = (data.faces[data.dataset.split == part] for part in (TRAIN, VALIDATION))
            one = self.maps(train[:1], 0)
            if one.numel() * one.element_size() * VIEWS * len(train) <= LARGEST:
                with stage("lower layers of a few views of each face", VIEWS + 1) as bar:
                    for view in range(VIEWS):
                        self.known.append(self.maps(train, view))
                        bar.advance()
                    self.held = self.maps(held, 0)
                    bar.advance()
        return data

    def maps(self, faces: NDArray[np.uint8], view: int) -> Tensor:
        """What the frozen layers give of a view of faces, in half precision, on the CPU."""
        generator = generator_for(self.seed, view)
        found = []
        with evaluating(self.deep.model):
            for start in range(0, len(faces), TOGETHER):
                some = torch.from_numpy(faces[start : start + TOGETHER])
                if view:
                    some = viewed(self.augmentation, some, generator)
                found.append(self.deep.model.lower(self.deep.images(some)).half().cpu())
        return torch.cat(found)

    def examples(self, data: Lined) -> int:
        return self.rounds * int((data.dataset.split == TRAIN).sum())

    def batches(
        self, data: Lined, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch | Together]:
        train = np.flatnonzero(data.dataset.split == TRAIN)
        targets = data.dataset.targets.numbers[train]
        places = {person: np.flatnonzero(targets == person) for person in self.numbers.tolist()}
        own = self.places(data)
        step, steps = start, math.ceil(self.examples(data) / recipe.batch_size)
        while True:
            random = np.random.default_rng([seed, step])
            some: list[int] = []
            for person in random.permutation(self.numbers).tolist():
                some += random.permutation(places[person])[:MOST].tolist()
                if len(some) >= recipe.batch_size:
                    break
            if self.known:
                maps = self.known[step // steps % VIEWS][some].to(device).float()
            else:
                generator = torch.Generator().manual_seed(int(random.integers(2**31)))
                faces = torch.from_numpy(data.faces[train[some]]).to(device)
                with modes_given_back(self.deep.model):
                    self.deep.model.eval()
                    views = viewed(recipe.augmentation, faces, generator)
                    maps = self.deep.model.lower(self.deep.images(views))
            kind = Together if self.loss == "triplet" else Batch
            yield kind(maps, own[some].to(device))
            step += 1

    def losses(
        self, model: nn.Module, batch: Batch | Together, recipe: Recipe
    ) -> dict[str, Tensor]:
        assert isinstance(model, Identities)
        found = model(batch.maps)
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
        pairs = data.dataset.targets.pairs(np.flatnonzero(data.dataset.split == VALIDATION))
        numbers = self.described(data, VALIDATION)
        found = similarities(Cosine(torch.zeros(numbers.shape[1])), numbers, pairs)
        return measured(found, pairs.same)

    def places(self, data: Lined) -> Tensor:
        """(N,) the place of each training face's person among the training persons."""
        own = data.dataset.targets.numbers[data.dataset.split == TRAIN]
        return torch.from_numpy(np.searchsorted(self.numbers, own))

    def described(self, data: Lined, part: int) -> Tensor:
        """(N, D) what the network says of the faces of a split."""
        maps = self.held if part == VALIDATION else self.known[0] if self.known else None
        if maps is None:
            return torch.cat(list(numbers_of(self.deep, data.faces[data.dataset.split == part])))
        model = self.deep.model
        with evaluating(model):
            found = [model.upper(some.to(device_of(model)).float()).float().cpu()
                     for some in maps.split(TOGETHER)]  # fmt: skip
        return torch.cat(found)

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        assert isinstance(model, Identities)
        return [model.persons]

    def identity(self, data: Lined) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "loss": self.loss,
        }


def viewed(augmentation: Augmentation, faces: Tensor, generator: torch.Generator) -> Tensor:
    """Random views of faces (N, S, S, 3), 0 to 255."""
    views = augmentation(faces.permute(0, 3, 1, 2), generator).clamp(0, 255)
    return views.permute(0, 2, 3, 1)


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
