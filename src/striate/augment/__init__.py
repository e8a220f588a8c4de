"""Random views of a whole batch: all geometry is one warp, all color one matrix."""

from striate.augment.augmentation import NONE, Augmentation, Draw
from striate.augment.color import IMAGENET, PrincipalColors, color_matrices, recolor
from striate.augment.crops import Crops
from striate.augment.elastic import displacements
from striate.augment.geometry import Spread, affine_matrices, lens_strengths
from striate.augment.named import AUGMENTATIONS, CHARACTERS, PHOTOGRAPHS
from striate.augment.sampling import sampling_grid, warp

__all__ = [
    "AUGMENTATIONS",
    "CHARACTERS",
    "IMAGENET",
    "NONE",
    "PHOTOGRAPHS",
    "Augmentation",
    "Crops",
    "Draw",
    "PrincipalColors",
    "Spread",
    "affine_matrices",
    "color_matrices",
    "displacements",
    "lens_strengths",
    "recolor",
    "sampling_grid",
    "warp",
]
