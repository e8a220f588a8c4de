"""Bytes and pixels: the one rule by which a picture is decoded, and a `View` of it."""

from striate.images.arrays import to_rgb
from striate.images.decoding import AT_LEAST, MAX_BYTES, MAX_PIXELS, SUFFIXES, decode, load, read
from striate.images.views import View, apply, render, resized, scaled

RULE = 4
"""Raised with every change that alters the pixels of some file."""

__all__ = [
    "AT_LEAST",
    "MAX_BYTES",
    "MAX_PIXELS",
    "RULE",
    "SUFFIXES",
    "View",
    "apply",
    "decode",
    "load",
    "read",
    "render",
    "resized",
    "scaled",
    "to_rgb",
]
