"""What a model card says of how pictures come to a network."""

from striate.inference import Preprocessing
from striate.pages.markdown import plain

FITS = {
    "crop": "the central square, its side {fraction:g} of the shorter side",
    "squash": "the whole picture, both sides brought to {size} pixels",
    "pad": "the whole picture on a gray square",
}


def preprocessing(rule: Preprocessing) -> list[str]:
    """From a picture to what the network takes."""
    view, norm = rule.view, rule.normalization
    return [
        f"- {FITS[view.fit].format(fraction=view.fraction, size=view.size)}, as {view.size} x "
        f"{view.size} pixels, {'RGB' if view.channels == 3 else 'gray'}, resampled bicubic with "
        "antialiasing (inside the file)",
        f"- then (pixel - mean) / deviation: mean {plain(list(norm.mean))}, deviation "
        f"{plain(list(norm.std))}" + (", blue first" if norm.bgr else ""),
        "- decoding stays outside: give RGB uint8, upright (EXIF orientation applied), in sRGB, "
        "alpha over white; large JPEGs, which striate decodes at 1/2 to 1/8 of their size, differ "
        "by a little where every pixel is given",
    ]
