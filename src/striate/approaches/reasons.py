"""What a recognizer looked at in some of its right and wrong answers: occlusion maps.

A square hides each part of the picture in turn; where the answer hangs on a part, hiding it takes
probability away (Zeiler & Fergus 2014, Section 4.2).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from striate.approaches.outcome import Outcome
from striate.data import SMALL, Dataset
from striate.errors import ImageError
from striate.images import apply, to_rgb
from striate.models import Stages
from striate.progress import track
from striate.recognizer import Recognizer
from striate.visualize import heat
from striate.visualize.occlusion import occlusion

EACH = 3  # right answers, and wrong ones
PARTS, PLACES = 5, 13  # the square's side is a PARTS-th of the picture's; places along a side


@dataclass(frozen=True, eq=False)
class Reason:
    """One answer, and the picture of what it hangs on.

    Attributes:
        picture: (S, S, 3) uint8: the image in gray, the colors of the map over it.
        row: which of the test images.
        given: the class that was answered, by number.
    """

    picture: NDArray[np.uint8]
    row: int
    given: int
    right: bool


def reasons(dataset: Dataset, outcome: Outcome, *, each: int = EACH) -> list[Reason]:
    """Right answers of different classes, as sure as most, and the surest wrong ones, of a test."""
    given, sure = outcome.probabilities.argmax(1), outcome.probabilities.max(1)
    order = np.argsort(-sure, kind="stable")
    right = [row for row in order if given[row] == outcome.targets[row]]
    right = right[len(right) // 2 :]  # the surest do not hang on any one part
    _, first = np.unique(given[right], return_index=True)  # one of each class
    chosen = [right[place] for place in sorted(first)[:each]]
    chosen += [row for row in order if given[row] != outcome.targets[row]][:each]
    found = []
    for row in track(chosen, "what it looks at"):
        try:
            image = dataset.test.images[int(row)]
        except ImageError:  # its file has gone meanwhile
            continue
        pixels = apply(image, outcome.recognizer.preprocessing.view)
        lost = loss_by_hiding(outcome.recognizer, pixels, int(given[row]))
        picture = heat(to_rgb(pixels), lost, low=0.0, high=max(float(lost.max()), 0.01))
        right_one = bool(given[row] == outcome.targets[row])
        found.append(Reason(picture, int(row), int(given[row]), right_one))
    return found


def loss_by_hiding(
    recognizer: Recognizer, pixels: NDArray[np.uint8], target: int
) -> NDArray[np.float64]:
    """How much of the probability of `target` each square takes away: (rows, columns).

    Args:
        pixels: (S, S, C), in the recognizer's view.
    """
    side = len(pixels)
    size = max(1, side // PARTS)
    stride = max(1, (side - size) // (PLACES - 1))
    if isinstance(recognizer.model, Stages):
        image = recognizer.preprocessing.tensor(pixels[None])
        maps = occlusion(
            recognizer.model, image, target, size=size, stride=stride, incremental=side > SMALL
        )
        return maps.clean_probability - maps.probability
    starts = range(0, side - size + 1, stride)
    views = np.repeat(pixels[None], 1 + len(starts) ** 2, axis=0)
    hidden = pixels.mean((0, 1)).round().astype(np.uint8)
    for number, (top, left) in enumerate(((t, c) for t in starts for c in starts), 1):
        views[number, top : top + size, left : left + size] = hidden
    with torch.no_grad():
        probabilities = np.asarray(recognizer.probabilities(views))[:, target]
    return (probabilities[0] - probabilities[1:]).reshape(len(starts), len(starts))
