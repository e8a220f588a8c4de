"""Key points' parts of the report: curves, parts, pictures with their points."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import pages
from striate.data import Dataset, Points
from striate.data.boxes import whole
from striate.errors import ImageError
from striate.tasks.contract import Section
from striate.tasks.keypoints.prediction import Answer
from striate.tasks.keypoints.scores import SHARES, PointScores
from striate.visualize.skeletons import TRUTH, Skeleton, color_of, drawn

SHOWN = 9  # pictures, from the best to the worst
SIDE = 420  # pixels of a shown picture
SEEN = 48  # pixels of a side that are shown at least
ENOUGH = 0.7  # of the longer side: what fills more is shown with all of the picture
FURTHEST = 0.3  # of the length: where the curves end
STEPS = 61
LISTED = 40  # parts up to which each has a line


def sections(comparison: Any) -> Iterator[Section]:
    """In order; `comparison` is a `striate.comparing.Comparison` of what finds points."""
    rows = [(row.title, row.chosen.scores) for row in comparison.rows]
    best = comparison.best
    data = best.chosen.data.dataset
    yield curves(rows)
    yield pictures(data, best.title, best.chosen.scores, best.chosen.answered.answers)
    if len(data.classes) <= LISTED:
        yield parts(rows)


def curves(rows: Sequence[tuple[str, PointScores]]) -> Section:
    """PCK over the share of the length, a line a method, in a drawing 300 wide and 240 high."""
    shares = np.linspace(0, FURTHEST, STEPS)
    methods = []
    for number, (title, scores) in enumerate(rows):
        known = scores.errors[~np.isnan(scores.errors)]
        points = " ".join(
            f"{40 + 300 * share / FURTHEST:.1f},{250 - 240 * (known <= share).mean():.1f}"
            for share in shares
        )
        methods.append({"title": title, "color": pages.line_color(number), "points": points})
    ticks = [{"x": 40 + 300 * share / FURTHEST, "text": f"{share:g}"} for share in (0.1, 0.2, 0.3)]
    return Section(
        "curves.html.jinja", {"methods": methods, "ticks": ticks, "measure": rows[0][1].measure}
    )


def pictures(
    data: Dataset[Points], title: str, scores: PointScores, answers: Sequence[Answer]
) -> Section:
    """Test pictures with what the best method finds, and where the points are."""
    errors = scores.picture_errors()
    order = np.argsort(np.nan_to_num(errors, posinf=1e9), kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(int))
    shown = []
    for place in order[places].tolist():
        row, answer = scores.rows[place], answers[place]
        try:
            pixels = whole(data.inputs, row)
        except ImageError:  # its file has gone meanwhile
            continue
        truth = data.targets.places[row].astype(np.float64)
        left, top, right, bottom = around(np.concatenate([answer.places, truth]), pixels.shape)
        corner = np.array([left, top])
        skeletons = [Skeleton(answer.places - corner, answer.lines)]
        part = pixels[top:bottom, left:right]
        picture = drawn(part, skeletons, truth=truth - corner, side=SIDE)
        shown.append(
            {
                "name": data.inputs.name(row),
                "error": 100 * float(errors[place]),
                "picture": pages.embedded(picture, side=SIDE),
            }
        )
    values = {"title": title, "pictures": shown, "measure": scores.measure, "truth": TRUTH}
    return Section("pictures.html.jinja", values)


def around(places: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The part of a picture that shows these places (n, 2), with as much about them: left, top,
    right, bottom. Of what fills the picture, all of it."""
    known = places[np.isfinite(places).all(1)]
    low, high = known.min(0), known.max(0)
    reach = max(SEEN, 2 * float((high - low).max())) / 2
    (x, y), (height, width) = (low + high) / 2, shape[:2]
    if 2 * reach > ENOUGH * max(height, width):
        return 0, 0, width, height
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    return left, top, min(width, int(x + reach) + 1), min(height, int(y + reach) + 1)


def parts(rows: Sequence[tuple[str, PointScores]]) -> Section:
    """PCK@0.1 and mean error of each part and method."""
    first = rows[0][1]
    table = []
    each = [(scores.part(SHARES["pck10"]), scores.part_errors) for _, scores in rows]
    for number, name in enumerate(first.parts):
        values = [
            None
            if np.isnan(pck[name])
            else {"pck": 100 * pck[name], "pixels": errors[name][0], "share": 100 * errors[name][1]}
            for pck, errors in each
        ]
        table.append({"name": name, "color": color_of(number, len(first.parts)), "values": values})
    titles = [title for title, _ in rows]
    return Section("parts.html.jinja", {"titles": titles, "parts": table, "measure": first.measure})
