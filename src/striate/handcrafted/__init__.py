"""Features that people designed, and the classifier that stands on them.

    gradients  Sobel's operator, Robinson's compass      sift        128 numbers a patch, on a grid
    hog        histograms of oriented gradients          words       the bag of visual words
    kernels    what a support vector machine may use     fitting     how the bag is learned

To find things: `selective_search` (where something may be); `part_features`, `pyramid` and
`deformable` (part models), learned by `deformable_start`, `_choosing`, `_solving`, `_learning`.

In between: `dictionary` (k-means), `coding` (words of a patch, pyramid), `svm`, `banded`.
"""

from striate.handcrafted.fitting import Report, Trial, fit
from striate.handcrafted.gradients import Edges, robinson, sobel
from striate.handcrafted.sift import DenseSIFT, dense_sift
from striate.handcrafted.words import (
    PHOTOGRAPHS,
    SMALL,
    BagOfVisualWords,
    Settings,
    settings_for,
)

__all__ = [
    "PHOTOGRAPHS",
    "SMALL",
    "BagOfVisualWords",
    "DenseSIFT",
    "Edges",
    "Report",
    "Settings",
    "Trial",
    "dense_sift",
    "fit",
    "robinson",
    "settings_for",
    "sobel",
]
