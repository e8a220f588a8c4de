"""How a bag of visual words is learned: dictionary, then machine, then the choice between maps.

The vectors are long (tens of thousands) and the images few, so the support vector machine works in
the span of the training images (the kernel trick with a linear kernel), where a vector has as many
coordinates as there are images; its weights are folded back into the long space afterwards.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.handcrafted.coding import MAPPINGS, mapped
from striate.handcrafted.dictionary import k_means
from striate.handcrafted.svm import linear_svm
from striate.handcrafted.words import BagOfVisualWords, Settings
from striate.progress import stage, track

POINTS_PER_WORD = 40  # descriptors that k-means sees
IMAGES_SEEN = 400  # from which they are drawn
RIDGE = 1e-4  # beside unit vectors; far above what rounding makes of a zero eigenvalue
IMAGES_TO_CHOOSE = 3000  # at most, from which the machines that are compared learn
LANDMARKS = 3000  # images, at most, whose span the support vector machine works in
NUMBERS_AT_ONCE = 2**26  # of the mapped landmarks, held in memory at one time

COSTS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of the support vector machine, to try
PASSES = 50  # over all inputs until a machine is solved, about; counted on digits

Score = Callable[[Tensor, Tensor], float]
"""How good margins (M, classes) are beside the targets of as many images; more is better."""


def named_rightly(margins: Tensor, targets: Tensor) -> float:
    """The share of images whose class (M,) has the largest of their margins (M, classes)."""
    return float((margins.argmax(1) == targets).double().mean())


def sides_of(targets: Tensor) -> Tensor:
    """Targets 1, 0 and -1 (nobody knows) as signs 1, -1 and 0."""
    return torch.where(targets < 0, 0.0, torch.where(targets == 1, 1.0, -1.0))


@dataclass(frozen=True)
class Trial:
    """One machine, and its score on the validation images."""

    mapping: str
    mirrored: bool  # learned from the training images and their mirror images
    cost: float
    validation: float


@dataclass(frozen=True)
class Report:
    """What `fit` tried, in order, and which it took: the first of the best."""

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
    costs: tuple[float, ...] = COSTS,
    mirror: bool = True,
    score: Score | None = None,
    importance: NDArray[np.floating] | None = None,
) -> tuple[BagOfVisualWords, Report]:
    """Learns dictionary and machine from the training images; validation makes the choices.

    The choices are the kernel map, the cost, and whether mirror images help (clothes: yes;
    letters: no).

    Args:
        images: (N, side, side, 1 or 3), `side` being the settings'.
        targets: (N,) in [0, classes); or (N, classes) 1 where a class is there, 0 where it is
            not, -1 where nobody knows.
        mappings: kernel maps to try; the best is in the settings of the model.
        costs: of the support vector machine, to try, ascending.
        mirror: try mirror images too, with the best kernel map.
        score: of the margins (M, classes) of validation images beside their targets; where None,
            the share that is named rightly.
        importance: (N,) or (N, classes), 0 or more: how much each training image counts for the
            machine; all alike where None.

    Returns:
        The classifier, and what was tried. The same seed gives the same classifier.
    """
    generator = torch.Generator().manual_seed(seed)
    model = BagOfVisualWords(classes=classes, settings=settings).eval()
    model.dictionary = k_means(
        sample_descriptors(model, images, generator=generator), settings.words, generator=generator
    )
    counts = None if importance is None else torch.from_numpy(importance.astype(np.float32))
    known, wanted = (torch.as_tensor(np.asarray(y)).long() for y in (targets, validation_targets))
    pooled, held_out = pool_all(model, images), pool_all(model, validation_images)
    search = Search(held_out, wanted, classes=classes, costs=costs, score=score or named_rightly)
    few = torch.randperm(len(images), generator=generator)[:IMAGES_TO_CHOOSE].sort().values
    some, answers = pooled[few], known[few]
    ours = None if counts is None else counts[few]
    for mapping in mappings:
        search.attempt(*Span.of(some, mapping, generator=generator), answers, ours)
    if mirror:
        both = torch.cat([some, pool_all(model, images[few.numpy()], mirrored=True)])
        span, inputs = Span.of(both, search.best.mapping, generator=generator)
        search.attempt(span, inputs, *twice(answers, ours), mirrored=True)
    if len(few) < len(images):  # the choices are made: once more, with all images
        best = search.best
        if best.mirrored:
            pooled = torch.cat([pooled, pool_all(model, images, mirrored=True)])
            known, counts = twice(known, counts)
        search.costs = (best.cost,)
        span, inputs = Span.of(pooled, best.mapping, generator=generator)
        search.attempt(span, inputs, known, counts, mirrored=best.mirrored)
    return search.finished(model.dictionary, settings), search.report()


@dataclass(frozen=True)
class Work:
    """What `fit` does after the visual words of all images are known.

    Attributes:
        products: multiply-adds of large matrix products.
        read: numbers that machines read of their inputs.
    """

    products: float
    read: float

    @classmethod
    def of(cls, count: int, held_out: int, *, width: int, mirror: bool) -> "Work":
        """For so many training and validation images.

        Args:
            width: of the pooled codes of an image.
        """
        few = min(count, IMAGES_TO_CHOOSE)
        spans = [(few, _factor(mapping), len(COSTS)) for mapping in MAPPINGS]
        if mirror:
            spans.append((2 * few, max(map(_factor, MAPPINGS)), len(COSTS)))
        if few < count:
            spans.append((count * (1 + mirror), max(map(_factor, MAPPINGS)), 1))
        products = read = 0.0
        for images, factor, machines in spans:
            landmarks = min(images, LANDMARKS, max(NUMBERS_AT_ONCE // (factor * width), 1))
            each = landmarks * (factor * width + landmarks / 2)  # its products, and solving
            products += (images + held_out) * each + landmarks**3 / 6
            read += PASSES * machines * images * landmarks
        return cls(products, read)


def _factor(mapping: str) -> int:
    """How many times as long a kernel map makes a vector."""
    return 3 if mapping == "chi2" else 1


def twice(targets: Tensor, importance: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Both, and the same of the mirror images behind them."""
    counts = None if importance is None else torch.cat([importance, importance])
    return torch.cat([targets, targets]), counts


class Search:
    """Machines tried one after another on the same validation images, and the best so far."""

    def __init__(
        self,
        held_out: Tensor,
        wanted: Tensor,
        *,
        classes: int,
        costs: tuple[float, ...],
        score: Score,
    ):
        self.held_out, self.wanted, self.score = held_out, wanted, score
        self.classes, self.costs = classes, costs
        self.trials: list[Trial] = []
        self.weights = torch.empty(0)  # of the best

    @property
    def best(self) -> Trial:
        return max(self.trials, key=lambda trial: trial.validation)

    def attempt(
        self, span: "Span", inputs: Tensor, targets: Tensor, importance: Tensor | None = None, *,
        mirrored: bool = False,
    ) -> None:  # fmt: skip
        """Learns one machine for each cost from inputs (N, M), coordinates in the span."""
        held_out, inside = span.coordinates(self.held_out), None
        sides = targets if targets.ndim == 1 else sides_of(targets)
        for cost in track(self.costs, f"support vector machines, {span.mapping}"):
            inside = linear_svm(
                inputs, sides, classes=self.classes, cost=cost, start=inside, importance=importance
            )
            right = self.score(held_out @ inside[:, :-1].T + inside[:, -1], self.wanted)
            self.trials.append(Trial(span.mapping, mirrored, cost, right))
            if self.best is self.trials[-1]:
                self.weights = span.weights(inside)

    def finished(self, dictionary: Tensor, settings: Settings) -> BagOfVisualWords:
        """The classifier with the best machine."""
        settings = replace(settings, mapping=self.best.mapping)
        model = BagOfVisualWords(classes=self.classes, settings=settings)
        model.dictionary = dictionary
        with torch.no_grad():
            model.head.weight.copy_(self.weights[:, :-1])
            model.head.bias.copy_(self.weights[:, -1])
        return model.eval()

    def report(self) -> Report:
        return Report(tuple(self.trials), self.best)


def batches(images: NDArray[np.uint8], size: int) -> Iterator[Tensor]:
    """The images (N, S, S, C) uint8 as (size, C, S, S) float32 in [0, 255]."""
    for start in range(0, len(images), size):
        yield torch.from_numpy(images[start : start + size]).permute(0, 3, 1, 2).float()


def sample_descriptors(
    model: BagOfVisualWords, images: NDArray[np.uint8], *, generator: torch.Generator
) -> Tensor:
    """Descriptors (M, 128) of grid points drawn at random, about as many from every image."""
    wanted = POINTS_PER_WORD * model.settings.words
    order = torch.randperm(len(images), generator=generator)[:IMAGES_SEEN].numpy()
    share, parts = -(-wanted // len(order)), []
    with stage("describe the patches of each picture", len(order)) as bar:
        for some in batches(images[order], model.images_at_once()):
            local = model.local(some)
            for descriptors, contrast in zip(local.descriptors, local.contrast, strict=True):
                seen = descriptors[contrast > 0]
                parts.append(seen[torch.randperm(len(seen), generator=generator)[:share]])
            bar.advance(len(some))
    return torch.cat(parts)


def pool_all(
    model: BagOfVisualWords, images: NDArray[np.uint8], *, mirrored: bool = False
) -> Tensor:
    """The pooled codes of all images, in half precision, for there may be many."""
    pooled = torch.empty(len(images), model.pooled_width, dtype=torch.half)
    size = model.images_at_once()
    with stage("find the visual words of each picture", len(images)) as bar:
        for rows, some in zip(pooled.split(size), batches(images, size), strict=True):
            rows.copy_(model.pooled(some.flip(3) if mirrored else some))
            bar.advance(len(some))
    return pooled


@dataclass(frozen=True)
class Span:
    """The space that some mapped images span, with an orthonormal basis."""

    landmarks: Tensor  # (M, D)
    triangle: Tensor  # (M, M) lower; its product with itself is the landmarks' Gram matrix
    mapping: str

    @classmethod
    def of(
        cls, pooled: Tensor, mapping: str, *, generator: torch.Generator
    ) -> tuple["Span", Tensor]:
        """Of all images if they are few, else of some drawn at random (Nyström's approximation).

        Returns:
            The span, and the coordinates in it of all the images.
        """
        width = pooled.shape[1] * _factor(mapping)
        most = min(LANDMARKS, max(NUMBERS_AT_ONCE // width, 1))
        order = torch.randperm(len(pooled), generator=generator)[:most].sort().values
        landmarks = mapped(pooled[order].float(), mapping)
        products = multiplied(pooled, landmarks, mapping)
        ridge = RIDGE * torch.eye(len(landmarks), dtype=torch.float64)  # some may depend on others
        triangle = torch.linalg.cholesky(products[order].double() + ridge).float()
        span = cls(landmarks, triangle, mapping)
        return span, span.solved(products)

    def coordinates(self, pooled: Tensor) -> Tensor:
        """(N, M) of images given by their pooled codes."""
        return self.solved(multiplied(pooled, self.landmarks, self.mapping))

    def solved(self, products: Tensor) -> Tensor:
        """The coordinates of images whose products (N, M) with the landmarks are known.

        They take the place of the products, for there may be many.
        """
        for some in products.split(1024):
            some.copy_(torch.linalg.solve_triangular(self.triangle, some.T, upper=False).T)
        return products

    def weights(self, inside: Tensor) -> Tensor:
        """Weights on the coordinates (classes, M + 1), bias last, as weights (classes, D + 1)."""
        turned = torch.linalg.solve_triangular(self.triangle.T, inside[:, :-1].T, upper=True).T
        return torch.cat([turned @ self.landmarks, inside[:, -1:]], 1)


def multiplied(pooled: Tensor, landmarks: Tensor, mapping: str) -> Tensor:
    """The products (N, M) of mapped images, a few at a time, with mapped landmarks (M, D)."""
    return torch.cat([mapped(some.float(), mapping) @ landmarks.T for some in pooled.split(128)])
