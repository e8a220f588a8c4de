"""Learning the upper layers of a network, whose lower ones are frozen and computed once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment import NONE, Augmentation
from striate.data import Dataset, Decoded
from striate.data.batches import Batch, Batches
from striate.inference import device_of, evaluating
from striate.ops.memory import channels_last
from striate.progress import stage
from striate.tasks.pictures.problem import PictureProblem, importance, pixels_of
from striate.training import Recipe, group
from striate.training.problem import CPU
from striate.training.seeds import generator_for

BATCH = 32

Maps = NDArray[np.float16]


class UpperLayers(PictureProblem):
    """Maps (N, C, H, W) of a frozen trunk to logits (N, classes).

    A frozen trunk gives the same maps for the same view each time. So they are computed once: of
    `views` views of every training image, the first of them the image itself, and of the validation
    images. Epoch e learns from view e modulo `views`; a step then costs what the upper layers cost.

    Args:
        of: the problem of the whole network, with its preprocessing.
        trunk: normalized images (N, C, S, S) to maps.
        views: how many views of an image there are.
        augmentation: what the others look like. A recipe's own is not used: the views are drawn.
        seed: of the views.
    """

    def __init__(
        self,
        of: PictureProblem,
        trunk: nn.Module,
        *,
        views: int,
        augmentation: Augmentation = NONE,
        seed: int = 0,
    ):
        super().__init__(of.classes, preprocessing=of.preprocessing)
        self.of, self.score = of, of.score
        self.trunk = channels_last(trunk)
        self.views, self.augmentation, self.seed = views, augmentation, seed
        self._train: list[Maps] = []
        self._validation: Maps | None = None

    def targets(self, dataset: Dataset) -> NDArray[np.int64]:
        return self.of.targets(dataset)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        return self.of.losses(model, batch, recipe)

    def measured(self, outputs: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
        return self.of.measured(outputs, targets)

    def prepare(self, data: Dataset | Decoded) -> Decoded:
        """The data with their pixels; the trunk's maps are computed."""
        decoded = super().prepare(data)
        if self._validation is None:
            view = self.preprocessing.view
            pixels, held_out = (pixels_of(decoded, view, k) for k in ("train", "validation"))
            total = self.views * len(pixels) + len(held_out)
            with (
                evaluating(self.trunk),
                stage("lower layers of a few views of each picture", total) as bar,
            ):
                self._train = [self._maps(pixels, view, bar) for view in range(self.views)]
                self._validation = self._maps(held_out, 0, bar)
        return decoded

    def _maps(self, pixels: NDArray[np.uint8], view: int, bar: Any) -> Maps:
        """The trunk's maps (N, H, W, C) of one view of these pixels."""
        return group.by_all(
            len(pixels), lambda low, high: self._some(pixels, view, low, high, bar), batch=BATCH
        ).numpy()

    def _some(self, pixels: NDArray[np.uint8], view: int, low: int, high: int, bar: Any) -> Tensor:
        """Those of the pixels from `low` up to `high`, which begin and end with a batch."""
        generator = generator_for(self.seed, view)
        device = device_of(self.trunk)
        maps: Tensor | None = None
        for first in range(0, len(pixels), BATCH):
            end = min(first + BATCH, len(pixels))
            draw = self.augmentation.drawn(end - first, pixels.shape[1:3], generator)
            bar.advance(end - first)
            if not low <= first < high:
                continue
            some = torch.from_numpy(np.ascontiguousarray(pixels[first:end]))
            images = some.to(device).permute(0, 3, 1, 2)
            if view:
                images = draw(images)
            images = self.preprocessing(images).contiguous(memory_format=torch.channels_last)
            rows = self.trunk(images).permute(0, 2, 3, 1).to(torch.float16).cpu()
            if maps is None:
                maps = torch.empty(high - low, *rows.shape[1:], dtype=torch.float16)
            maps[first - low : end - low] = rows
        assert maps is not None
        return maps

    def batches(
        self,
        data: Dataset | Decoded,
        recipe: Recipe,
        *,
        seed: int,
        start: int,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:
        targets = self.wanted(self.prepare(data), "train")
        weights = importance(self.prepare(data).dataset.train, recipe.balance)
        views = [
            Batches(maps, targets, size=recipe.batch_size, seed=seed, weights=weights)
            for maps in self._train
        ]
        epoch, first = divmod(start, views[0].steps_per_epoch)
        while True:
            now = views[epoch % self.views]
            for rows in now.epoch(epoch)[first:]:
                batch = now.batch(rows)
                images = batch.images.to(device).float()
                yield replace(batch, images=images, targets=batch.targets.to(device))
            epoch, first = epoch + 1, 0

    def evaluate(self, model: nn.Module, data: Dataset | Decoded) -> dict[str, float]:
        """As for whole networks; `model` is the upper layers."""
        targets = self.wanted(self.prepare(data), "validation")
        return self.measured(self.outputs(model, "validation"), targets)

    def outputs(self, model: nn.Module, name: Literal["train", "validation"]) -> Tensor:
        """The outputs of `model` for the maps of a split's images as they are; after `prepare`."""
        maps = self._train[0] if name == "train" else self._validation
        assert maps is not None
        device = device_of(model)

        def compute(low: int, high: int) -> Tensor:
            parts = []
            for first in range(low, high, BATCH):
                some = torch.from_numpy(maps[first : min(first + BATCH, high)]).to(device).float()
                parts.append(model(some.permute(0, 3, 1, 2)).float().cpu())
            return torch.cat(parts)

        with evaluating(model):
            return group.by_all(len(maps), compute, batch=BATCH)

    def identity(self, data: Dataset | Decoded) -> dict[str, Any]:
        return {**super().identity(data), "views": self.views, "views_seed": self.seed}
