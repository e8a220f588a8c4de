"""Features that people designed, and the classifier that stands on them.

    gradients  Sobel's operator, Robinson's compass      sift        128 numbers a patch, on a grid
    hog        histograms of oriented gradients          points      SIFT and ORB, found and told
    kernels    linear, RBF, chi2, intersection           machines    support vectors in their space
    words      the bag of visual words                   fitting     how the bag is learned

To find things: `selective_search` (where something may be); `part_features`, `pyramid` and
`deformable` (part models), learned by `deformable_start`, `_choosing`, `_solving`, `_learning`.
For texts: `bag_of_words` (counts, tf-idf, log-count ratios) and `word_svm`.

In between: `dictionary` (k-means), `coding` (words of a patch, pyramid), `svm`, `banded`.
"""

from striate.handcrafted.fitting import Report, Trial, fit
from striate.handcrafted.gradients import Edges, robinson, sobel
from striate.handcrafted.hog import hog
from striate.handcrafted.machines import KernelMachine, fit_machine, usual_gamma
from striate.handcrafted.points import KeyPoints, key_points, matches
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
    "KernelMachine",
    "KeyPoints",
    "Report",
    "Settings",
    "Trial",
    "dense_sift",
    "fit",
    "fit_machine",
    "hog",
    "key_points",
    "matches",
    "robinson",
    "settings_for",
    "sobel",
    "usual_gamma",
]
