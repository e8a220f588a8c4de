"""What only segmentation has to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.segmentation.segmenter import Segmenter

LIMITS = [
    "- It has learned the classes above and nothing else: every pixel is given one of them.",
    "- Neighboring frames of a video are nearly the same picture; scores on them say little of "
    "other videos.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    return {"What it reads": reads(predictor), "What it does not know": LIMITS}


def reads(predictor: Predictor) -> list[str]:
    """From a decoded picture to what the network takes."""
    decoding = (
        "- decoding stays outside: give RGB uint8, upright (EXIF orientation applied), in sRGB, "
        "alpha over white"
    )
    if not isinstance(predictor, Segmenter):
        return ["- the whole picture", decoding]
    reading, normalization = predictor.reading, predictor.reading.normalization
    shape = (
        "at its own scale"
        if reading.side is None
        else f"its longer side brought to {reading.side} pixels, bicubic with antialiasing (inside "
        "the file)"
    )
    return [
        f"- the whole picture, {shape}",
        f"- then (pixel - mean) / deviation: mean {list(normalization.mean)}, deviation "
        f"{list(normalization.std)}" + (", blue first" if normalization.bgr else ""),
        decoding,
    ]
