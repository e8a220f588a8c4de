"""What a model card says of how pictures come to a network."""

from striate.inference import Preprocessing
from striate.models import Normalization
from striate.pages.markdown import plain

FITS = {
    "crop": "the central square, its side {fraction:g} of the shorter side",
    "squash": "the whole picture, both sides brought to {size} pixels",
    "pad": "the whole picture on a gray square",
}
DECODING = (
    "- decoding stays outside: give RGB uint8, upright (EXIF orientation applied), in sRGB, "
    "alpha over white"
)


def preprocessing(rule: Preprocessing) -> list[str]:
    """From a picture to what the network takes."""
    view, norm = rule.view, rule.normalization
    return [
        f"- {FITS[view.fit].format(fraction=view.fraction, size=view.size)}, as {view.size} x "
        f"{view.size} pixels, {'RGB' if view.channels == 3 else 'gray'}, resampled bicubic with "
        "antialiasing (inside the file)",
        f"- then (pixel - mean) / deviation: mean {plain(list(norm.mean))}, deviation "
        f"{plain(list(norm.std))}" + (", blue first" if norm.bgr else ""),
        f"{DECODING}; large JPEGs, which striate decodes at 1/2 to 1/8 of their size, differ by a "
        "little where every pixel is given",
    ]


def whole_picture(shape: str = "", normalization: Normalization | None = None) -> list[str]:
    """The same where a model takes all of a picture.

    Args:
        shape: how it is scaled, in words; none where nothing is.
        normalization: None where the model does that by itself.
    """
    lines = [f"- the whole picture, {shape}" if shape else "- the whole picture"]
    if normalization is not None:
        lines.append(
            f"- then (pixel - mean) / deviation: mean {list(normalization.mean)}, deviation "
            f"{list(normalization.std)}" + (", blue first" if normalization.bgr else "")
        )
    return [*lines, DECODING]
