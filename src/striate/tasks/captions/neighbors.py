"""Sentences of the most alike training pictures (Devlin et al. 2015, "Exploring Nearest Neighbor
Approaches for Image Captioning"): of all sentences of the k nearest pictures the one that the
others are most like."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from striate.evaluation.captions import ngrams
from striate.inference import Preprocessing
from striate.inference.outputs import outputs_of
from striate.models import folded
from striate.models.skeletons import skeleton, undrawn
from striate.ops.memory import channels_last
from striate.tasks.captions.answers import Answer, Words
from striate.tasks.captions.encoders import HOG, Gradients, last_maps, parts, pooled, stages_of
from striate.tasks.contract import Input, Predictor
from striate.tasks.pictures.predictor import same_kinds, viewed, whole
from striate.texts.packing import packed, unpacked

Pixels = NDArray[np.uint8]
RUNS = (1, 2)  # words of the n-grams by which sentences are alike
OTHERS = 4  # further sentences that are told
ENCODER = "encoder."


class Pooled(nn.Module):
    """Images to the mean of a network's last maps (N, F)."""

    def __init__(self, trunk: nn.Sequential):
        super().__init__()
        self.trunk = trunk

    def forward(self, images: Tensor) -> Tensor:
        return pooled(self.trunk(images))


def encoder_named(name: str) -> nn.Module:
    """Gradients, or a network up to its last maps with weights that are to be filled in."""
    if name == HOG:
        return Gradients()
    lower, _ = parts(stages_of(name), last_maps(name)[-1])
    return Pooled(lower)


@dataclass(eq=False, kw_only=True)
class Neighbors(Predictor):
    """Pictures to sentences of others.

    Attributes:
        encoder: images (N, C, S, S), normalized, to features (N, D).
        name: of it: HOG, or the network's.
        features: (M, D) float16 of the training pictures, each of length 1.
        sentences: of all of them, words.
        owners: (len(sentences),) the training picture of each.
        count: k, pictures whose sentences are taken.
    """

    kind: ClassVar[str] = "caption_neighbors"
    encoder: nn.Module
    name: str
    preprocessing: Preprocessing
    features_kept: Tensor
    sentences: tuple[Words, ...]
    owners: NDArray[np.int64]
    count: int = 1

    def __post_init__(self) -> None:
        view = self.preprocessing.view
        self.size, self.pixels = view.size, (view.size, view.size, view.channels)
        self.largest_batch = 64

    @property
    def parameters(self) -> int:
        own = sum(tensor.numel() for tensor in self.encoder.state_dict().values())
        return own + self.features_kept.numel()

    def prepare(self, item: Input) -> Pixels:
        """The picture in this view: (S, S, C) uint8."""
        return viewed(item, self.preprocessing.view)

    def predict(self, batch: Sequence[Pixels]) -> list[Answer]:
        return self.told(outputs_of(self._quick, self.preprocessing, np.stack(batch)))

    @cached_property
    def _quick(self) -> nn.Module:
        return channels_last(folded(self.encoder))

    def told(self, features: Tensor, count: int | None = None) -> list[Answer]:
        """Sentences for features (N, D).

        Args:
            count: as the attribute, where others are tried.
        """
        rows = torch.nn.functional.normalize(features.float())
        nearness = rows @ self.features_kept.float().T
        near = nearness.topk(min(count or self.count, len(self.features_kept)), 1).indices
        return [self._consensus(each) for each in near.numpy()]

    def _consensus(self, near: NDArray[np.int64]) -> Answer:
        """The sentence of these pictures that all of theirs are most like, and the next best."""
        places = np.flatnonzero(np.isin(self.owners, near))
        order = consensus(self._grams[places])
        ranked = list(dict.fromkeys(self.sentences[places[k]] for k in order.tolist()))
        none = float("nan")
        return Answer(ranked[0], none, tuple((one, none) for one in ranked[1 : 1 + OTHERS]))

    @cached_property
    def _grams(self) -> csr_matrix:
        return grams_of(self.sentences)

    def to(self, device: str) -> None:
        for each in (self.encoder, self._quick):
            each.to(device)

    def tensors(self) -> dict[str, Tensor]:
        own = {ENCODER + name: one.cpu() for name, one in self.encoder.state_dict().items()}
        numbered = [f"{k} {' '.join(words)}" for k, words in enumerate(self.sentences)]
        return {
            **own,
            "features": self.features_kept,
            "sentences": packed(numbered),
            "owners": torch.from_numpy(self.owners),
        }

    def header(self) -> dict[str, Any]:
        return {
            "encoder": self.name,
            "preprocessing": self.preprocessing.to_json(),
            "count": self.count,
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        own = {name.removeprefix(ENCODER): one for name, one in tensors.items()
               if name.startswith(ENCODER)}  # fmt: skip
        name = str(header["encoder"])
        with skeleton():
            form = encoder_named(name)
        same_kinds(form.state_dict(), own)
        with undrawn():
            encoder = encoder_named(name)
        encoder.load_state_dict(own)
        features, owners = tensors["features"], tensors["owners"]
        sentences = tuple(tuple(one.split()[1:]) for one in unpacked(tensors["sentences"]))
        if features.ndim != 2 or features.dtype != torch.float16 or not features.isfinite().all():
            raise ValueError("its features are not rows of numbers")
        if owners.dtype != torch.int64 or owners.shape != (len(sentences),) or not all(sentences):
            raise ValueError(f"it has owners {tuple(owners.shape)} of {len(sentences)} sentences")
        if set(owners.tolist()) != set(range(len(features))):
            raise ValueError(f"its sentences are not of its {len(features)} pictures")
        count = whole(header["count"])
        if not 0 < count <= len(features):
            raise ValueError(f"it takes the sentences of {count} pictures")
        return cls(
            encoder=encoder.eval(),
            name=name,
            preprocessing=Preprocessing.from_json(header["preprocessing"]),
            features_kept=features,
            sentences=sentences,
            owners=owners.numpy(),
            count=count,
        )


def grams_of(sentences: Sequence[Words]) -> csr_matrix:
    """(S, G) the words and pairs of each sentence, each once, rows of length 1."""
    numbers: dict[tuple[str, ...], int] = {}
    rows, columns = [], []
    for row, words in enumerate(sentences):
        for gram in {gram for n in RUNS for gram in ngrams(words, n)}:
            rows.append(row)
            columns.append(numbers.setdefault(gram, len(numbers)))
    lengths = np.bincount(rows, minlength=len(sentences))
    values = 1 / np.sqrt(lengths[rows])
    shape = (len(sentences), max(1, len(numbers)))
    return csr_matrix((values, (rows, columns)), shape)


def consensus(grams: csr_matrix) -> NDArray[np.int64]:
    """(S,) sentences by how like they are to all others, the most first."""
    total = np.asarray(grams.sum(0)).ravel()
    likeness = grams @ total
    found: NDArray[np.int64] = np.argsort(-likeness, kind="stable")
    return found
