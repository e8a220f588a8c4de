"""Style's parts of the report: photographs as each method paints them, and the way there."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from striate import pages
from striate.tasks.contract import Section
from striate.tasks.style.judging import SIDE
from striate.tasks.style.painter import Painter

SHOWN = 5  # photographs


def sections(comparison: Any) -> Iterator[Section]:
    """In order; `comparison` is a `striate.comparing.Comparison` of painters."""
    rows = comparison.rows
    first = rows[0].chosen
    painting = first.recognizer.predictor.painting
    places = np.unique(np.linspace(0, len(first.answered.rows) - 1, SHOWN).round().astype(int))
    photographs = []
    for place in places.tolist():
        row = first.answered.rows[place]
        photo = embedded(first.data.squares[row])
        forms = []
        for one in rows:
            answer = one.chosen.answered.answers[place]
            forms.append((one.title, embedded(answer.pixels), 100 * answer.judged.removed))
        photographs.append((first.data.dataset.inputs.name(row), photo, forms))
    films = []
    for one in rows:
        painter = one.chosen.recognizer.predictor
        if isinstance(painter, Painter) and len(painter.frames):
            films.append((one.title, [embedded(frame) for frame in painter.frames]))
    yield Section(
        "pictures.html.jinja",
        {"painting": embedded(painting), "photographs": photographs, "films": films},
    )


def embedded(pixels: Any) -> str:
    return pages.embedded(Image.fromarray(pixels), side=SIDE)
