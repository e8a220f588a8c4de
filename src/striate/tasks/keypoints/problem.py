"""Learning heat maps: warped pictures with their points, a distribution over places for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment.augmentation import Draw
from striate.augment.points import warped_points
from striate.data import Dataset, Decoded, Points
from striate.data.batches import Batches, Pending
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import Preprocessing, device_of, evaluating
from striate.models.heat_maps import HeatMaps
from striate.ops.peaks import bumps
from striate.ops.windows import matrices_of, windows_about
from striate.tasks.keypoints.canvas import back, onto
from striate.training import Problem, Recipe
from striate.training.problem import CPU
from striate.training.seeds import generator_for

NEAR = 0.7  # of the views of a network that looks twice: those that show a window
AT_ONCE = 32  # pictures that validation reads together
FARTHEST = 0.2  # of the length: errors from there on are all the same to the validation score


@dataclass(frozen=True)
class Batch:
    """(N, 3, H, W) normalized images, and places (N, K, 2) in their pixels, nan where a part is not
    marked.

    Attributes:
        size: height and width of the images.
    """

    pending: Pending
    places: Tensor
    size: tuple[int, int]

    @property
    def images(self) -> Tensor:
        """They are computed when they are first asked for."""
        return self.pending.images

    def __len__(self) -> int:
        return len(self.places)

    @property
    def inside(self) -> Tensor:
        """(N, K) bool, the parts that are marked and that the image shows."""
        sides = torch.tensor(self.size[::-1])
        return ((self.places > 0) & (self.places < sides)).all(2)

    @property
    def weight(self) -> float:
        """How many those are."""
        return float(self.inside.sum())

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        pairs = zip(self.pending.tensor_split(count), self.places.tensor_split(count), strict=True)
        return [Batch(*pair, self.size) for pair in pairs if len(pair[0])]


@dataclass(frozen=True, eq=False)
class Placed:
    """A set as a network reads it.

    Attributes:
        pixels: (N, S, S, 3) uint8.
        places: (N, K, 2) float32, in pixels of those squares, nan where a part is not marked.
    """

    dataset: Dataset[Points]
    pixels: NDArray[np.uint8]
    places: Tensor

    @classmethod
    def of(cls, data: Decoded, preprocessing: Preprocessing) -> "Placed":
        """The pictures that were decoded in this view, and their points with them."""
        dataset: Dataset[Points] = data.dataset
        targets, view = dataset.targets, preprocessing.view
        places = onto(targets.places.astype(np.float64), targets.sizes, view.size)
        return cls(dataset, data.pixels[view], torch.from_numpy(places.astype(np.float32)))

    def rows(self, split: int) -> NDArray[np.int64]:
        """The pictures of a split."""
        return np.flatnonzero(self.dataset.split == split)

    @cached_property
    def windows(self) -> Tensor:
        """(N, 3) about the points of each picture, as `ops.windows` has them."""
        places, side = self.places, self.pixels.shape[1]
        middle = places.nanmean(1, keepdim=True).nan_to_num(side / 2)
        return windows_about(torch.where(torch.isfinite(places), places, middle), side)

    @cached_property
    def all_of_it(self) -> Tensor:
        """(3,) the window that is the whole picture."""
        return torch.tensor([0.0, 0.0, self.pixels.shape[1]])


class PointProblem(Problem[Any, Batch]):
    """Points in pictures. Data is a `Placed`.

    The score of a checkpoint is the area under PCK up to a fifth of the length, which is as fine as
    the errors are: of 19 validation pictures PCK itself takes few values.

    Args:
        sigma: deviation of the Gaussian about a point, in pixels of the picture.
        rounds: passes over the training pictures that are one epoch.
        twice: whether the network looks twice: views of half the side then show all of a picture,
            or the window about its points.
    """

    score = "area"

    def __init__(
        self, preprocessing: Preprocessing, *, sigma: float, rounds: int = 1, twice: bool = False
    ):
        self.preprocessing, self.sigma, self.rounds = preprocessing, sigma, rounds
        self.twice = twice

    def prepare(self, data: Placed) -> Placed:
        return data

    def examples(self, data: Placed) -> int:
        return len(data.rows(TRAIN)) * self.rounds

    def batches(
        self, data: Placed, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        nothing = np.zeros(len(data.pixels), np.int64)
        batches = Batches(
            data.pixels, nothing, rows=data.rows(TRAIN), size=recipe.batch_size, seed=seed,
            start=start,
        )  # fmt: skip
        swaps = data.dataset.targets.swaps
        side = data.pixels.shape[1]
        augmentation = recipe.augmentation.sized(side // 2 if self.twice else side)
        for step, batch in enumerate(batches, start):
            source = (side, side)
            generator = generator_for(seed, step)
            draw = augmentation.drawn(len(batch), source, generator)
            if self.twice:
                near = torch.rand(len(batch), generator=generator) < NEAR
                windows = torch.where(near[:, None], data.windows[batch.indices], data.all_of_it)
                draw.within(matrices_of(windows, side))
            places = warped_points(data.places[batch.indices], draw, source, swaps)
            views = partial(self._views, batch.images, draw)
            yield Batch(Pending(views, len(batch), CPU), places, draw.size)

    def _views(self, images: Tensor, draw: Draw, low: int, high: int) -> Tensor:
        """Some of the images in the views that were drawn, as the network takes them."""
        rows = slice(low, high)
        return self.preprocessing(draw.of(rows)(images[rows]).clamp(0, 255))

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        """Cross-entropy between the Gaussian about each point and the softmax of its map, less the
        Gaussian's own entropy."""
        stride = cast(HeatMaps, model).stride
        images = batch.images.to(device_of(model), memory_format=torch.channels_last)
        maps: Tensor = model(images)
        size = (maps.shape[2], maps.shape[3])
        places = batch.places.to(maps.device) / stride - 0.5
        inside = batch.inside.to(maps.device)
        wanted = bumps(torch.where(inside[..., None], places, 0.0), size, self.sigma / stride)
        found = maps.float().flatten(2).log_softmax(2)
        wanted = wanted.flatten(2)
        each = (torch.xlogy(wanted, wanted) - wanted * found).sum(2)
        return {"cross_entropy": (each * inside).sum() / inside.sum().clamp(min=1)}

    def evaluate(self, model: nn.Module, data: Placed) -> dict[str, float]:
        rows = data.rows(VALIDATION)
        found = answers(model, self.preprocessing, data.pixels, rows)
        return measured(errors(found, data.dataset, rows, self.preprocessing.view.size))

    def identity(self, data: Placed) -> dict[str, Any]:
        return {
            "task": "keypoints",
            "data": data.dataset.fingerprint(),
            "split": data.dataset.split.tolist(),
            "preprocessing": self.preprocessing.to_json(),
            "sigma": self.sigma,
            "rounds": self.rounds,
            "twice": self.twice,
        }

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        backbone = getattr(model, "backbone", None)
        old = set() if backbone is None else {id(each) for each in backbone.parameters()}
        return [each for each in model.parameters() if id(each) not in old]


def answers(
    model: nn.Module,
    preprocessing: Preprocessing,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(n, K, 3): what a network finds in some pictures, in pixels of their squares."""
    found = []
    with evaluating(model):
        for first in range(0, len(rows), AT_ONCE):
            some = np.asarray(pixels[rows[first : first + AT_ONCE]])
            images = preprocessing.tensor(some, device_of(model))
            found.append(model.places(images).double().cpu().numpy())  # type: ignore[operator]
    return np.concatenate(found)


def errors(
    found: NDArray[Any], dataset: Dataset[Points], rows: NDArray[np.int64], side: int
) -> NDArray[np.float64]:
    """(n, K) errors in lengths of their pictures; nan where a part is not marked."""
    targets = dataset.targets
    places = back(found[..., :2], targets.sizes[rows], side)
    apart = np.hypot(*np.moveaxis(places - targets.places[rows], 2, 0))
    shares: NDArray[np.float64] = apart / targets.lengths[rows, None]
    return shares


def measured(errors: NDArray[np.float64]) -> dict[str, float]:
    """PCK and the area under it of errors in lengths."""
    known = errors[np.isfinite(errors)]
    if not len(known):
        return {"pck10": 0.0, "pck20": 0.0, "area": 0.0}
    return {
        "pck10": float((known <= 0.1).mean()),
        "pck20": float((known <= 0.2).mean()),
        "area": float((1 - known / FARTHEST).clip(0, 1).mean()),
        "error": float(known.mean()),
    }
