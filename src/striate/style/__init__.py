"""A photograph in the style of a painting."""

from striate.style._transfer import Transferred, transfer
from striate.style.colors import COLORS, recolored, with_luminance
from striate.style.losses import content_loss, gram, style_loss, total_variation
from striate.style.perception import CONTENT, STYLE, Perception
from striate.style.perceptual import PerceptualLoss, Weights
from striate.style.regions import regions_in

__all__ = [
    "COLORS",
    "CONTENT",
    "STYLE",
    "Perception",
    "PerceptualLoss",
    "Transferred",
    "Weights",
    "content_loss",
    "gram",
    "recolored",
    "regions_in",
    "style_loss",
    "total_variation",
    "transfer",
    "with_luminance",
]
