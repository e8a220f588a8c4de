"""Random views of a whole batch: all geometry is one warp, all color one matrix."""

from striate.augment.augmentation import NONE, Augmentation, Draw
from striate.augment.color import IMAGENET, PrincipalColors, color_matrices, recolor
from striate.augment.elastic import displacements
from striate.augment.geometry import Spread, affine_matrices, lens_strengths
from striate.augment.sampling import sampling_grid, warp
from striate.augment.views import averaged, drawn_views, mirrored, ten_crops

__all__ = [
    "IMAGENET",
    "NONE",
    "Augmentation",
    "Draw",
    "PrincipalColors",
    "Spread",
    "affine_matrices",
    "averaged",
    "color_matrices",
    "displacements",
    "drawn_views",
    "lens_strengths",
    "mirrored",
    "recolor",
    "sampling_grid",
    "ten_crops",
    "warp",
]
