"""What is varied and how much: one frozen value that prints, compares and saves."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from striate.augment.color import IMAGENET, PrincipalColors, Recoloring, color_matrices
from striate.augment.crops import Crops, Places
from striate.augment.elastic import displacements
from striate.augment.geometry import Spread, affine_matrices, lens_strengths
from striate.augment.sampling import Rows, warped
from striate.images import View

TOGETHER = 2 * 224 * 224  # output pixels a CPU works on at a time: its cache holds them


@dataclass(frozen=True)
class Augmentation:
    """Random views of a batch: at most one warp and one color matrix, whatever is varied.

    Attributes:
        geometry: how far views lie from the pictures.
        brightness, contrast, saturation, hue, principal: as `color_matrices` takes them.
        colors: along which `principal` varies.
        size: the side of the views in pixels, where it is not that of the pictures.
        crops: the windows of a paper; `geometry` then varies what is in the window.
    """

    geometry: Spread = field(default_factory=Spread)
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    principal: float = 0.0
    colors: PrincipalColors = IMAGENET
    size: int | None = field(default=None, metadata={"setting": False})  # it is the network's
    crops: Crops | None = None

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation", "hue", "principal"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Augmentation":
        """What `dataclasses.asdict` gave, after JSON made lists of its tuples; what an older one
        did not have yet is at its default."""
        values = {**values, "geometry": Spread.from_json(values["geometry"])}
        if "colors" in values:
            values["colors"] = PrincipalColors.from_json(values["colors"])
        if values.get("crops") is not None:
            values["crops"] = Crops.from_json(values["crops"])
        return cls(**values)

    def views(self, view: View) -> tuple[View, View]:
        """How pictures are read for a network that takes `view`: to learn from, and in use.

        With crops, larger squares are learned from, of which `self.sized(view.size)` cuts windows;
        in use the network reads the central window of pictures of the usual side.
        """
        if self.crops is None or self.crops.largest(view.size) == view.size:
            return view, view
        square = replace(view, size=self.crops.largest(view.size), fit="crop", fraction=1.0)
        fraction = view.size / self.crops.usual(view.size)
        return square, replace(view, fit="crop", fraction=fraction)

    def sized(self, size: int) -> "Augmentation":
        """The same for a network that reads `size` pixels."""
        return replace(self, size=size)

    def fitted(self, pixels: NDArray) -> "Augmentation":
        """The same with PCA colors measured on these pixels (..., 3), if it varies them and
        has none of its own."""
        if not self.principal or self.colors != IMAGENET or pixels.shape[-1] != 3:
            return self
        return replace(self, colors=PrincipalColors.measured(pixels))

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
        if self.geometry != Spread() or (self.crops is None and size != (height, width)):
            draw.matrices = affine_matrices(self.geometry, count, generator, aspect=width / height)
        if self.crops is not None:
            draw.crop(self.crops.draw(count, (height, width), min(size), generator), self.geometry,
                      (height, width))  # fmt: skip
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
    places: Places | None = None  # whose pixels are kept
    mirrored: Tensor | None = None  # (N,) bool, with them

    def within(self, windows: Tensor) -> None:
        """Moves the views into parts of the pictures: `windows` (N, 2, 3) leads from those to the
        pictures, as `affine_matrices` do."""
        drawn = self.matrices
        if drawn is None:
            drawn = torch.eye(2, 3, device=windows.device).expand(len(windows), 2, 3)
        linear = windows[:, :, :2] @ drawn[:, :, :2]
        shift = windows[:, :, :2] @ drawn[:, :, 2:] + windows[:, :, 2:]
        self.matrices = torch.cat([linear, shift], 2)

    def of(self, rows: slice) -> "Draw":
        """The numbers of some of the images."""
        found = Draw(self.size, places=self.places.rows(rows) if self.places else None)
        for name in ("matrices", "recoloring", "lens", "displacement", "mirrored"):
            numbers = getattr(self, name)
            setattr(found, name, None if numbers is None else numbers[rows])
        return found

    def crop(self, places: Places, geometry: Spread, source: tuple[int, int]) -> None:
        """Takes the windows of pictures of height and width `source`, moved as drawn before."""
        count, device = len(places.corners), places.corners.device
        self.size = (places.size, places.size)
        drawn = torch.eye(2, 3, device=device).expand(count, 2, 3)
        drawn = drawn if self.matrices is None else self.matrices
        if replace(geometry, mirror=0.0) == Spread() and places.whole(source):
            self.places, self.mirrored, self.matrices = places, drawn[:, 0, 0] < 0, None
            return
        self.within(places.matrices())

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
        matrices = self.recoloring
        if matrices is None and mean is not None:
            matrices = torch.eye(3, 4).expand(count, 3, 4)
        recoloring = None
        if matrices is not None:
            matrices = matrices.to(images.device, torch.float32)
            recoloring = Recoloring.of(matrices, images.shape[1], mean=mean, std=std)
        views = room((count, images.shape[1], *self.size), images.device)
        for rows, block in self._blocks(images, together):
            if recoloring is None and len(block) == count:
                return block
            if recoloring is None:
                views[rows] = block
            elif images.requires_grad or not isinstance(rows, slice):
                views[rows] = recoloring.rows(rows)(block)
            else:
                recoloring.rows(rows)(block, out=views[rows])
        return views

    def _blocks(self, images: Tensor, together: int) -> Iterator[tuple[Rows, Tensor]]:
        """The views before they are recolored, at most `together` at a time, and whose they are."""
        if self.matrices is not None and self.places is None and len(images):
            for rows, views in warped(
                images,
                self.matrices,
                size=self.size,
                lens=self.lens,
                displacement=self.displacement,
                together=together,
            ):
                yield rows, views.float()
            return
        for first in range(0, len(images), together):
            some = slice(first, first + together)
            if self.places is None or self.mirrored is None:
                yield some, images[some].float()
            else:
                yield some, self.places.rows(some).cut(images[some], self.mirrored[some]).float()


def room(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Memory for float32 numbers, in huge pages where NumPy gets them: the pages of a large batch
    take longer to be given out than its views to be computed."""
    if device.type == "cpu":
        return torch.from_numpy(np.empty(shape, np.float32))
    return torch.empty(shape, device=device)


NONE = Augmentation()
