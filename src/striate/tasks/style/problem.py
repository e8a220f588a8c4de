"""Learning to paint: crops of photographs, the perceptual loss, the share of it that goes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment.augmentation import Draw
from striate.data import Decoded
from striate.data.batches import Batch, Batches, Pending, Views
from striate.data.splits import TRAIN, VALIDATION
from striate.files import writing
from striate.inference import device_of
from striate.progress import track
from striate.tasks.style.answers import Pixels, as_png
from striate.tasks.style.judging import VIEW, Judge
from striate.tasks.style.painter import painted
from striate.tasks.style.scores import spread, summary
from striate.training import Problem, Recipe
from striate.training.problem import CPU
from striate.training.seeds import generator_for

PICTURES, FRAMES = "painted", "frame-*.png"  # the folder of a run's pictures, and some of them
CHOSEN_ON = 8  # validation photographs at most: judging one takes as long as learning from one


@dataclass(frozen=True, eq=False)
class Photographs(Decoded):
    """Photographs, decoded in VIEW, and what judges their painted forms; None where nobody asks."""

    judge: Judge | None = None

    @property
    def squares(self) -> NDArray[np.uint8]:
        """(N, SIDE, SIDE, 3) uint8."""
        return self.pixels[VIEW]

    def rows(self, split: int) -> list[int]:
        """The photographs of a split."""
        found: list[int] = np.flatnonzero(self.dataset.split == split).tolist()
        return found


class StyleProblem(Problem[Photographs, Batch]):
    """Photographs (N, 3, S, S) in [0, 255] to painted ones.

    Args:
        side: pixels of the squares that are learned from, cut out of SIDE.
        every: epochs from one evaluation to the next.
        folder: for a picture of each evaluation.
    """

    score = "gain"

    def __init__(self, judge: Judge, side: int, *, every: int = 1, folder: Path | None = None):
        self.judge, self.side, self.every = judge, side, every
        self.folder = folder

    def prepare(self, data: Photographs) -> Photographs:
        return data

    def examples(self, data: Photographs) -> int:
        return len(data.rows(TRAIN))

    def batches(
        self, data: Photographs, recipe: Recipe, *, seed: int, start: int,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:  # fmt: skip
        some = Batches(
            data.squares,
            np.zeros(len(data.dataset), np.int64),
            rows=np.array(data.rows(TRAIN)),
            size=recipe.batch_size,
            seed=seed,
            start=start,
        )
        augmentation = recipe.augmentation.sized(self.side)
        for step, batch in enumerate(some, start):
            draw = augmentation.drawn(len(batch), batch.images.shape[2:], generator_for(seed, step))
            views = partial(views_of, batch.images, draw, device)
            yield Views(Pending(views, len(batch), device), batch.targets, batch.indices)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        photos = batch.images.to(device_of(model))
        kept = self.judge.loss.of_photographs(photos)
        found = self.judge.loss(model(photos), kept)
        return {name: each.mean() for name, each in found.items()}

    def evaluate(self, model: nn.Module, data: Photographs) -> dict[str, float]:
        rows = spread(data.rows(VALIDATION), CHOSEN_ON)
        judged = []
        for number, row in enumerate(track(rows, "validate")):
            found = painted(model, data.squares[row])
            judged.append(self.judge(data.squares[row], found))
            if not number:
                self.keep(found)
        return summary(tuple(judged))

    def keep(self, picture: Pixels) -> None:
        """Adds a picture to the film of learning."""
        if self.folder is not None:
            number = len(list(self.folder.glob(FRAMES)))
            save(picture, self.folder / f"frame-{number:04d}.png")

    def identity(self, data: Photographs) -> dict[str, Any]:
        return {
            "task": "style",
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "judging": self.judge.judging.to_json(),
            "painting": hashlib.sha256(self.judge.painting.tobytes()).hexdigest(),
            "side": self.side,
            "every": self.every,
        }


def views_of(images: Tensor, draw: Draw, device: torch.device, low: int, high: int) -> Tensor:
    """Some of the photographs in the views that were drawn, in [0, 255]."""
    rows = slice(low, high)
    return draw.of(rows)(images[rows].to(device)).contiguous().clamp(0, 255)


def save(picture: Pixels, path: Path) -> None:
    """A picture as a PNG, whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as temporary:
        temporary.write_bytes(as_png(picture))
