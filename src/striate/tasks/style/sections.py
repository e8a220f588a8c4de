"""Style's parts of the report: photographs as each method paints them, and the way there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from striate import pages
from striate.tasks.contract import Section
from striate.tasks.style.judging import SIDE
from striate.tasks.style.problem import FRAMES, PICTURES
from striate.tasks.style.scores import spread

SHOWN, MOMENTS = 5, 8  # photographs; moments in the course of learning
FORMS = ("photograph", "painted", "descended")


def sections(comparison: Any) -> Iterator[Section]:
    """In order; `comparison` is a `striate.comparing.Comparison` of painters."""
    chosen = [(row.title, row.chosen) for row in comparison.rows]
    yield photographs(chosen)
    for title, outcome in chosen:
        if outcome.folder is not None and list((outcome.folder / PICTURES).glob(FRAMES)):
            yield way(title, outcome.folder / PICTURES)


def photographs(chosen: list[tuple[str, Any]]) -> Section:
    """Test photographs as every method paints them."""
    (_, first), shown = chosen[0], []
    for place in spread(range(len(first.answered.rows)), SHOWN):
        row = first.answered.rows[place]
        answers = [(title, outcome.answered.answers[place]) for title, outcome in chosen]
        forms = [(title, embedded(a.pixels), 100 * a.judged.removed) for title, a in answers]
        name, photo = first.data.dataset.inputs.name(row), embedded(first.data.squares[row])
        shown.append((name, photo, forms))
    painting = embedded(first.recognizer.predictor.painting)
    return Section("pictures.html.jinja", {"painting": painting, "photographs": shown})


def way(title: str, folder: Path) -> Section:
    """One photograph in the course of learning; and others beside what L-BFGS makes of them."""
    frames = [embedded(read(path)) for path in spread(sorted(folder.glob(FRAMES)), MOMENTS)]
    beside = [
        [embedded(read(path.with_name(path.name.replace(FORMS[0], form)))) for form in FORMS]
        for path in sorted(folder.glob(f"beside-*-{FORMS[0]}.png"))
    ]
    return Section("way.html.jinja", {"title": title, "frames": frames, "beside": beside})


def read(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def embedded(pixels: Any) -> str:
    return pages.embedded(Image.fromarray(pixels), side=SIDE)
