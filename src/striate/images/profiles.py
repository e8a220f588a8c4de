"""Color profiles: what a picture's numbers mean, brought to sRGB (ICC.1:2010)."""

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageCms

SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}  # of Pillow, and as profiles call them
UNSEEN = 2  # levels of 255: a profile that moves no color by more is sRGB by another name


def in_srgb(image: "Image.Image", profile: bytes | None) -> "Image.Image":
    """The image with its colors in sRGB; itself where the profile is sRGB, broken or of no use."""
    if not profile or image.mode not in SPACES:
        return image
    transform = _transform(profile, image.mode)
    return transform.apply(image) if transform else image


def moves(profile: bytes | None, mode: str) -> bool:
    """Whether `in_srgb` changes images with that profile."""
    return bool(profile) and mode in SPACES and _transform(profile, mode) is not None


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform | None":
    """From that profile to sRGB; None where there is nothing to do."""
    from PIL import Image, ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:  # a picture with a broken profile is still a picture, taken as sRGB
        return None
    if mode == "CMYK":
        return transform
    levels = np.arange(0, 256, 15, dtype=np.uint8)  # 18, 0 and 255 included
    grid = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(18, 18 * 18, 3)
    lattice = Image.fromarray(levels[:, None] if mode == "L" else grid)
    moved = np.abs(np.asarray(transform.apply(lattice), int) - np.asarray(lattice.convert("RGB")))
    return transform if moved.max() > UNSEEN else None
