"""How a bag of visual words is learned: dictionary, then machine, then the choice between maps.

The vectors are long (tens of thousands) and the images few, so the support vector machine works in
the span of the training images (the kernel trick with a linear kernel), where a vector has as many
coordinates as there are images; its weights are folded back into the long space afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.handcrafted.coding import MAPPINGS, mapped
from striate.handcrafted.dictionary import k_means
from striate.handcrafted.svm import linear_svm
from striate.handcrafted.words import BagOfVisualWords, Settings
from striate.progress import stage

POINTS_PER_WORD = 60  # descriptors that k-means sees
LANDMARKS = 3000  # images, at most, whose span the support vector machine works in
NUMBERS_AT_ONCE = 2**27  # of the mapped landmarks, held in memory at one time


@dataclass(frozen=True)
class Trial:
    """One kernel map at one cost, and the share of validation images it names rightly."""

    mapping: str
    cost: float
    validation: float


@dataclass(frozen=True)
class Report:
    """What `fit` tried, and which it took."""

    trials: tuple[Trial, ...]
    best: Trial


def fit(
    images: NDArray[np.uint8],
    targets: NDArray[np.integer],
    validation_images: NDArray[np.uint8],
    validation_targets: NDArray[np.integer],
    *,
    classes: int,
    settings: Settings,
    seed: int = 0,
    mappings: tuple[str, ...] = MAPPINGS,
    costs: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
) -> tuple[BagOfVisualWords, Report]:
    """Learns dictionary and machine from the training images; validation chooses map and cost.

    Args:
        images: (N, side, side, 1 or 3), `side` being the settings'.
        targets: (N,) in [0, classes).
        mappings: kernel maps to try; the best is in the settings of the model.
        costs: of the support vector machine, to try, ascending.

    Returns:
        The classifier, and what was tried. The same seed gives the same classifier.
    """
    generator = torch.Generator().manual_seed(seed)
    base = BagOfVisualWords(classes=classes, settings=settings).eval()
    base.dictionary = k_means(
        sample_descriptors(base, images, generator=generator), settings.words, generator=generator
    )
    known, wanted = (torch.as_tensor(np.asarray(y)).long() for y in (targets, validation_targets))
    pooled = [pool_all(base, some) for some in (images, validation_images)]
    trials: list[Trial] = []
    best: tuple[Trial, Tensor] | None = None
    with stage("support vector machines", len(mappings) * len(costs)) as bar:
        for mapping in mappings:
            span = Span.of(pooled[0], mapping, generator=generator)
            inputs, held_out = (span.coordinates(some) for some in pooled)
            weights = None
            for cost in costs:
                weights = linear_svm(inputs, known, classes=classes, cost=cost, start=weights)
                scores = held_out @ weights[:, :-1].T + weights[:, -1]
                right = float((scores.argmax(1) == wanted).double().mean())
                trials.append(Trial(mapping, cost, right))
                if best is None or right > best[0].validation:
                    best = trials[-1], span.weights(weights)
                bar.advance(note=f"{right:.3f}")
    assert best is not None, "no kernel map or no cost to try"
    model = BagOfVisualWords(classes=classes, settings=replace(settings, mapping=best[0].mapping))
    model.dictionary = base.dictionary
    with torch.no_grad():
        model.head.weight.copy_(best[1][:, :-1])
        model.head.bias.copy_(best[1][:, -1])
    return model.eval(), Report(tuple(trials), best[0])


def batches(images: NDArray[np.uint8], size: int) -> Iterator[Tensor]:
    """The images (N, S, S, C) uint8 as (size, C, S, S) float32 in [0, 255]."""
    for start in range(0, len(images), size):
        yield torch.from_numpy(images[start : start + size]).permute(0, 3, 1, 2).float()


def sample_descriptors(
    model: BagOfVisualWords, images: NDArray[np.uint8], *, generator: torch.Generator
) -> Tensor:
    """Descriptors (M, 128) of grid points drawn at random, about as many from every image."""
    wanted = POINTS_PER_WORD * model.settings.words
    order = torch.randperm(len(images), generator=generator)[:LANDMARKS].numpy()
    share, parts = -(-wanted // len(order)), []
    with stage("descriptors", len(order)) as bar:
        for some in batches(images[order], model.images_at_once()):
            local = model.local(some)
            for descriptors, contrast in zip(local.descriptors, local.contrast, strict=True):
                seen = descriptors[contrast > 0]
                parts.append(seen[torch.randperm(len(seen), generator=generator)[:share]])
            bar.advance(len(some))
    return torch.cat(parts)


def pool_all(model: BagOfVisualWords, images: NDArray[np.uint8]) -> Tensor:
    """The pooled codes of all images, in half precision, for there may be many."""
    parts = []
    with stage("coding", len(images)) as bar:
        for some in batches(images, model.images_at_once()):
            parts.append(model.pooled(some).half())
            bar.advance(len(some))
    return torch.cat(parts)


@dataclass(frozen=True)
class Span:
    """The space that some mapped images span, with an orthonormal basis."""

    landmarks: Tensor  # (M, D)
    triangle: Tensor  # (M, M) lower; its product with itself is the landmarks' Gram matrix
    mapping: str

    @classmethod
    def of(cls, pooled: Tensor, mapping: str, *, generator: torch.Generator) -> "Span":
        """Of all images if they are few, else of some drawn at random (Nyström's approximation)."""
        width = pooled.shape[1] * (3 if mapping == "chi2" else 1)
        most = min(LANDMARKS, max(NUMBERS_AT_ONCE // width, 1))
        order = torch.randperm(len(pooled), generator=generator)[:most].sort().values
        landmarks = mapped(pooled[order].float(), mapping)
        gram = (landmarks @ landmarks.T).double()
        ridge = 1e-6 * torch.eye(len(gram), dtype=torch.float64)  # an image may be there twice
        return cls(landmarks, torch.linalg.cholesky(gram + ridge).float(), mapping)

    def coordinates(self, pooled: Tensor) -> Tensor:
        """(N, M) of images given by their pooled codes."""
        products = [
            mapped(some.float(), self.mapping) @ self.landmarks.T for some in pooled.split(128)
        ]
        return torch.linalg.solve_triangular(self.triangle, torch.cat(products).T, upper=False).T

    def weights(self, inside: Tensor) -> Tensor:
        """Weights on the coordinates (classes, M + 1), bias last, as weights (classes, D + 1)."""
        turned = torch.linalg.solve_triangular(self.triangle.T, inside[:, :-1].T, upper=True).T
        return torch.cat([turned @ self.landmarks, inside[:, -1:]], 1)
