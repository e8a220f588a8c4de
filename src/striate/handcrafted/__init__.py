"""Features that people designed, and the classifier that stands on them."""

from striate.handcrafted.fitting import Report, Trial, fit
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
    "Report",
    "Settings",
    "Trial",
    "dense_sift",
    "fit",
    "settings_for",
]
