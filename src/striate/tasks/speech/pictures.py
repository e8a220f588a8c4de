"""Recordings as pictures: the spectrogram, the words and units under it, heat over it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.tasks.speech.features import Spectra
from striate.tasks.speech.looking import Occlusion, Seen

if TYPE_CHECKING:
    from PIL import Image

WIDE, HIGH = 3, 4  # pixels of a frame and of a band
LINE = 14  # pixels of a line of text
LIKELY = 0.2  # probability somewhere, from which on a unit has a line


def spectrogram(spectra: Spectra) -> NDArray[np.uint8]:
    """(bands * HIGH, T * WIDE) gray: low frequencies below, loud is dark."""
    bands = spectra[:, :-1].T[::-1]
    low, high = np.quantile(bands, [0.05, 0.995])
    gray = 255 * (1 - np.clip((bands - low) / max(1e-6, high - low), 0, 1))
    return np.repeat(np.repeat(gray.astype(np.uint8), HIGH, 0), WIDE, 1)


def aligned(spectra: Spectra, found: Seen, units: tuple[str, ...], step: float) -> "Image.Image":
    """The spectrogram, below it words and units with their times, and below those how probable each
    unit is at each frame."""
    from PIL import Image, ImageDraw

    plane = spectrogram(spectra)
    likely = np.flatnonzero(found.posteriors.max(0) > LIKELY)
    margin, width = 44, plane.shape[1]
    height = plane.shape[0] + 2 * LINE + len(likely) * LINE
    page = Image.new("RGB", (margin + width, height), "white")
    page.paste(Image.fromarray(plane), (margin, 0))
    draw = ImageDraw.Draw(page)
    top = plane.shape[0]
    for word in found.answer.words:
        left = margin + round(word.begin / step) * WIDE
        draw.line((left, 0, left, top + LINE), fill=(190, 30, 30))
        draw.text((left + 2, top), word.text, fill=(190, 30, 30))
    for unit, begin, _ in found.segments:
        left = margin + begin * WIDE
        draw.line((left, top + LINE, left, top + 2 * LINE), fill=(60, 60, 160))
        draw.text((left + 1, top + LINE), units[unit], fill=(60, 60, 160))
    top += 2 * LINE
    for place, unit in enumerate(likely.tolist()):
        gray = (255 * (1 - np.clip(found.posteriors[:, unit], 0, 1))).astype(np.uint8)
        bar = np.repeat(np.repeat(gray[None], LINE - 2, 0), WIDE, 1)
        page.paste(Image.fromarray(bar), (margin, top + place * LINE))
        draw.text((2, top + place * LINE), units[unit], fill="black")
    return page


def explained(spectra: Spectra, found: Occlusion) -> NDArray[np.uint8]:
    """(H, W, 3): the spectrogram, red where hiding a part makes the answer less probable, and blue
    where it makes it more so."""
    from striate.visualize import heat

    rgb = np.repeat(spectrogram(spectra)[:, :, None], 3, 2)
    shown: NDArray[np.uint8] = heat(rgb, found.lost[::-1], signed=True)
    return shown


def facts(found: Occlusion, step: float, frames: int, bands: int) -> dict[str, Any]:
    """Where it depends most, as plain values."""
    band, part = np.unravel_index(found.lost.argmax(), found.lost.shape)
    return {
        "class": found.name,
        "probability": found.probability,
        "most_lost": float(found.lost.max()),
        "bands": [int(band) * bands, int(band) * bands + bands - 1],
        "seconds": [int(part) * frames * step, (int(part) + 1) * frames * step],
    }
