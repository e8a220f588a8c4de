"""Faces' parts of the report: the curve of every method, errors by group, pairs that are wrong."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from striate import pages
from striate.data.names import percent
from striate.tasks.contract import Section
from striate.tasks.faces.prepared import Lined
from striate.tasks.faces.scores import PairScores

SHOWN = 8  # wrong pairs of each kind


def sections(comparison: Any) -> Iterator[Section]:
    """In order; `comparison` is a `striate.comparing.Comparison` of what compares faces."""
    rows = [(row.title, row.scores[0]) for row in comparison.rows]
    best = comparison.best
    yield curves(rows)
    if best.scores[0].by_group:
        yield Section("groups.html.jinja", {"title": best.title, "groups": groups(best.scores[0])})
    yield mistakes(best.title, best.chosen.scores, best.chosen.data)


def curves(rows: Sequence[tuple[str, PairScores]]) -> Section:
    """The ROC curve of each method in a drawing 240 wide and high, and who only guesses."""
    methods = []
    for number, (title, scores) in enumerate(rows):
        drawn = dict.fromkeys(  # of many pairs, most fall on one place of the drawing
            f"{40 + 240 * false:.1f},{250 - 240 * true:.1f}"
            for false, true in zip(*scores.curve, strict=True)
        )
        color, points = pages.line_color(number), " ".join(drawn)
        methods.append({"title": title, "color": color, "points": points,
                        "area": scores.metrics["auc"]})  # fmt: skip
    guessing = [title for title, scores in rows if scores.is_guessing]
    values = {"methods": methods, "guessing": guessing, "chance": 100 * rows[0][1].chance}
    return Section("curves.html.jinja", values)


def groups(scores: PairScores) -> list[dict[str, Any]]:
    """A row for each group."""
    return [
        {
            "name": one.name,
            "pairs": one.pairs,
            "shares": [percent(share) for share in (one.error, one.accepted, one.refused)],
        }
        for one in scores.by_group
    ]


def mistakes(title: str, scores: PairScores, data: Lined) -> Section:
    """The pairs that are most surely wrong, both ways, as the method saw them."""

    def picture(place: int) -> str:
        return pages.embedded(Image.fromarray(data.faces[scores.faces[place]]))

    kinds = []
    for same, heading in ((False, "taken for one person"), (True, "taken for two")):
        wrong = np.flatnonzero(~scores.right & (scores.pairs.same == same))
        order = scores.probability[wrong].argsort(kind="stable")
        shown = [
            {
                "first": picture(int(scores.pairs.first[pair])),
                "second": picture(int(scores.pairs.second[pair])),
                "names": list(dict.fromkeys(scores.names[k] for k in scores.persons[pair])),
                "probability": 100 * float(scores.probability[pair]),
            }
            for pair in wrong[order if same else order[::-1]][:SHOWN].tolist()
        ]
        kinds.append({"heading": heading, "pairs": shown, "count": len(wrong),
                      "all": int((scores.pairs.same == same).sum())})  # fmt: skip
    return Section("mistakes.html.jinja", {"title": title, "kinds": kinds})
