"""What is varied and how much: one frozen value that prints, compares and saves."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor

from striate.augment.color import IMAGENET, PrincipalColors, color_matrices, recolor
from striate.augment.elastic import displacements
from striate.augment.geometry import Spread, affine_matrices, lens_strengths
from striate.augment.sampling import warp

TOGETHER = 3 * 224 * 224  # output pixels a CPU works on at a time: its cache holds them


@dataclass(frozen=True)
class Augmentation:
    """Random views of a batch: at most one warp and one color matrix, whatever is varied.

    `size` is the side of the views in pixels where it is not that of the pictures; the colors are
    those of `color_matrices`.
    """

    geometry: Spread = field(default_factory=Spread)
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    principal: float = 0.0
    colors: PrincipalColors = IMAGENET
    size: int | None = None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Augmentation":
        """What `dataclasses.asdict` gave, after JSON made lists of its tuples; what an older one
        did not have yet is at its default."""
        values = {**values, "geometry": Spread.from_json(values["geometry"])}
        if "colors" in values:
            values["colors"] = PrincipalColors.from_json(values["colors"])
        return cls(**values)

    def __call__(
        self,
        images: Tensor,
        generator: Generator | None = None,
        *,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> Tensor:
        """Draws one view of every image, the same for the same state of `generator`.

        All numbers are drawn on the device of the generator (the CPU, if there is none), so that a
        seed means the same views wherever the images are.

        Args:
            images: (N, C, H, W) uint8 or float in [0, 255]; fastest where they lie as
                (N, H, W, C) in memory.
            mean, std: C numbers each; the views become (view - mean) / std at no cost.

        Returns:
            (N, C, H, W), or (N, C, size, size), float32 in [0, 255] before mean and std.
        """
        return self.drawn(len(images), images.shape[2:], generator)(images, mean=mean, std=std)

    def drawn(
        self, count: int, source: tuple[int, ...], generator: Generator | None = None
    ) -> "Draw":
        """The random numbers for `count` images of height and width `source`."""
        height, width = source
        size = (self.size, self.size) if self.size else (height, width)
        draw = Draw(size)
        if self.geometry != Spread() or size != (height, width):
            draw.matrices = affine_matrices(self.geometry, count, generator, aspect=width / height)
        if any((self.brightness, self.contrast, self.saturation, self.hue, self.principal)):
            draw.recoloring = color_matrices(
                count,
                brightness=self.brightness,
                contrast=self.contrast,
                saturation=self.saturation,
                hue=self.hue,
                principal=self.principal,
                colors=self.colors,
                generator=generator,
            )
        draw.lens = lens_strengths(self.geometry, count, generator)
        draw.displacement = displacements(self.geometry, count, size, generator)
        return draw


@dataclass
class Draw:
    """The numbers behind one view of each of N images; `None` where nothing is varied."""

    size: tuple[int, int]
    matrices: Tensor | None = None  # (N, 2, 3)
    recoloring: Tensor | None = None  # (N, 3, 4)
    lens: Tensor | None = None  # (N,)
    displacement: Tensor | None = None  # (N, H, W, 2)

    def __call__(
        self,
        images: Tensor,
        *,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> Tensor:
        """The views of these images, as `Augmentation` gives them."""
        count, together = len(images), max(1, len(images))
        if images.device.type == "cpu":
            together = max(torch.get_num_threads(), TOGETHER // (self.size[0] * self.size[1]))
        recoloring = self.recoloring
        if recoloring is None and mean is not None:
            recoloring = torch.eye(3, 4).expand(count, 3, 4)
        parts = [slice(first, first + together) for first in range(0, count, together)]
        if recoloring is None and len(parts) == 1:
            return self._warped(images, parts[0])
        views = torch.empty(count, images.shape[1], *self.size, device=images.device)
        for rows in parts:
            warped = self._warped(images[rows], rows)
            if recoloring is None:
                views[rows] = warped
            elif images.requires_grad:
                views[rows] = recolor(warped, recoloring[rows], mean=mean, std=std)
            else:
                recolor(warped, recoloring[rows], mean=mean, std=std, out=views[rows])
        return views

    def repeated(self, count: int) -> "Draw":
        """The numbers of one image for `count` of them."""

        def repeat(numbers: Tensor | None) -> Tensor | None:
            return None if numbers is None else numbers.expand(count, *numbers.shape[1:])

        parts = (self.matrices, self.recoloring, self.lens, self.displacement)
        return Draw(self.size, *map(repeat, parts))

    def _warped(self, images: Tensor, rows: slice) -> Tensor:
        if self.matrices is None:
            return images.float()
        return warp(
            images,
            self.matrices[rows],
            size=self.size,
            lens=None if self.lens is None else self.lens[rows],
            displacement=None if self.displacement is None else self.displacement[rows],
        ).float()


NONE = Augmentation()
