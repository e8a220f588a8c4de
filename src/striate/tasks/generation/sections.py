"""The parts of a comparison's report that are of pictures that were made."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from striate import pages
from striate.data.names import percent
from striate.tasks.contract import Section
from striate.tasks.generation.answers import Pixels
from striate.tasks.generation.generator import Generator
from striate.tasks.generation.sampler import in_color
from striate.tasks.generation.scores import Realism
from striate.visualize.mosaic import mosaic

SHOWN, ACROSS = 64, 16  # samples of each method
PAIRS = 16  # samples beside their nearest training pictures
WIDE = 1000  # pixels of a row of pictures at most
ZOOM = 48  # pixels that small pictures are brought to, at least


def sections(comparison: Any) -> Iterable[Section]:
    """Samples of every method beside real pictures; distances; the film of learning; the nearest
    training pictures."""
    rows = [(row.title, row.chosen.scores, row.recognizer.predictor) for row in comparison.rows]
    first: Realism = rows[0][1]
    yield Section("samples.html.jinja", {
        "real": picture(first.reference.pixels[:SHOWN]),
        "rows": [{"title": title, "picture": picture(scores.made[:SHOWN])}
                 for title, scores, _ in rows],
    })  # fmt: skip
    yield Section("distances.html.jinja", {
        "judge": first.reference.judge.title, "floor": f"{first.reference.floor:.4g}",
        "ceiling": f"{first.reference.ceiling:.4g}",
        "precision": percent(first.metrics["precision_of_noise"]),
        "rows": [distances(title, scores) for title, scores, _ in rows],
    })  # fmt: skip
    films = [film(title, predictor) for title, _, predictor in rows
             if isinstance(predictor, Generator) and len(predictor.film)]  # fmt: skip
    if films:
        yield Section("film.html.jinja", {"films": films})
    yield Section("nearest.html.jinja", {
        "rows": [{"title": title, "picture": beside(scores),
                  "copies": percent(scores.copies),
                  "count": len(scores.nearest.rows)} for title, scores, _ in rows],
    })  # fmt: skip


def picture(pixels: Pixels, columns: int = ACROSS) -> str:
    """Pictures (N, S, S, C) side by side, inside the page; small ones enlarged without blur."""
    zoom = max(1, ZOOM // pixels.shape[1])
    large = in_color(pixels).repeat(zoom, 1).repeat(zoom, 2)
    page = Image.fromarray(mosaic(large, len(large), columns))
    return pages.embedded(page, side=max(WIDE, page.width))


def distances(title: str, scores: Realism) -> dict[str, str]:
    """A line of the table."""
    found = scores.metrics
    likelihood = "–"
    if not np.isnan(found["parzen"]):
        likelihood = f"{found['parzen']:.4g} ± {found['parzen_error']:.2g}"
    return {
        "title": title, "distance": f"{found['frechet']:.4g}", "share": percent(found["of_noise"]),
        "precision": percent(found["precision"]), "recall": percent(found["recall"]),
        "likelihood": likelihood, "copies": percent(found["copies"]),
    }  # fmt: skip


def film(title: str, predictor: Generator) -> dict[str, Any]:
    """What became of the same noises, one row an epoch."""
    frames: Sequence[Pixels] = list(predictor.film)
    return {
        "title": title,
        "epochs": predictor.epochs.tolist(),
        "picture": picture(np.concatenate(frames), columns=predictor.film.shape[1]),
    }


def beside(scores: Realism) -> str:
    """Samples, and below each the training picture that is nearest to it by pixels."""
    count = min(PAIRS, len(scores.nearest.rows))
    near = scores.training[scores.nearest.rows[:count]]
    return picture(np.concatenate((scores.made[:count], near)), columns=count)
