"""What is varied and how much: one frozen value that prints, compares and saves."""

from dataclasses import dataclass, field

from torch import Generator, Tensor

from striate.augment.color import color_matrices, recolor
from striate.augment.geometry import Spread, affine_matrices, warp


@dataclass(frozen=True)
class Augmentation:
    """Random views of a batch: at most one warp and one color matrix, whatever is varied."""

    geometry: Spread = field(default_factory=Spread)
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Draws one view of every image, the same for the same state of `generator`.

        Args:
            images: (N, C, H, W) uint8 or float in [0, 255].

        Returns:
            (N, C, H, W) float32 in [0, 255].
        """
        views = images.float()
        if self.geometry != Spread():
            views = warp(views, affine_matrices(self.geometry, len(images), generator))
        if self.brightness or self.contrast or self.saturation:
            matrices = color_matrices(
                len(images),
                brightness=self.brightness,
                contrast=self.contrast,
                saturation=self.saturation,
                generator=generator,
            )
            views = recolor(views, matrices)
        return views


NONE = Augmentation()
