"""Random views of a whole batch: all geometry is one warp, all color one matrix."""

from striate.augment.augmentation import NONE, Augmentation
from striate.augment.color import color_matrices
from striate.augment.geometry import Spread, affine_matrices, warp

__all__ = ["NONE", "Augmentation", "Spread", "affine_matrices", "color_matrices", "warp"]
