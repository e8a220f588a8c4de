"""The parts of a comparison's report that are of questions."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from striate import pages
from striate.data.names import percent
from striate.tasks.contract import Section, lead
from striate.tasks.questions.choosing import Chooser
from striate.tasks.questions.explaining import explain

SHOWN, MAPS = 12, 6  # answers; of them, those with a map
SIDE = 240  # pixels of a picture on the page
TWINS = {"neurons": "blind", "bow-image": "bow"}  # that differ by the picture alone


def sections(comparison: Any) -> Iterable[Section]:
    """Whether looking helps, what is right of each kind, and answers with maps."""
    yield Section("looking.html.jinja", {"rows": looking(comparison), "kinds": kinds(comparison)})
    row = next((one for one in _looking(comparison)), comparison.best)
    yield Section("answers.html.jinja", {"title": row.title, "shown": shown(row)})


def _looking(comparison: Any) -> list[Any]:
    """The methods that see the picture, the best first."""
    rows = [one for one in comparison.rows if _sees(one)]
    return sorted(rows, key=lambda one: -one.score)


def _sees(row: Any) -> bool:
    return row.recognizer.predictor.preprocessing is not None


def looking(comparison: Any) -> list[dict[str, str]]:
    """How far each method that looks is ahead of its blind twin, or of the best blind one, on the
    same pictures."""
    blind = [one for one in comparison.rows if not _sees(one)]
    if not blind:
        return []
    best = max(blind, key=lambda one: one.score)
    found = []
    for row in _looking(comparison):
        twin = next((one for one in blind if one.name == TWINS.get(row.name)), best)
        low, high = lead(row.scores, twin.scores)
        if low > 0:
            verdict = "the picture helps"
        elif high < 0:
            verdict = "it does worse than without the picture"
        else:
            verdict = "it cannot be told from one that sees nothing"
        found.append(
            {
                "title": row.title, "twin": twin.title,
                "points": f"{100 * abs(row.score - twin.score):.1f}",
                "where": "ahead of" if row.score >= twin.score else "behind",
                "low": f"{100 * low:+.1f}", "high": f"{100 * high:+.1f}", "verdict": verdict,
            }
        )  # fmt: skip
    return found


def kinds(comparison: Any) -> dict[str, Any]:
    """Accuracy of each method by the kind of question."""
    names = list(comparison.best.chosen.scores.by_kind)
    rows = []
    for row in comparison.rows:
        found = row.chosen.scores.by_kind
        rows.append(
            {"title": row.title, "cells": [percent(found[k][1]) for k in names if k in found]}
        )
    counts = [comparison.best.chosen.scores.by_kind[name][0] for name in names]
    return {"names": [f"{n} ({c:,})" for n, c in zip(names, counts, strict=True)], "rows": rows}


def shown(row: Any) -> list[dict[str, Any]]:
    """Answers to test questions about different pictures, right and wrong in turn, the surest
    first."""
    chosen = row.chosen
    scores, rows, data = chosen.scores, chosen.answered.rows, chosen.data
    sure = np.array([answer.said[0].probability for answer in scores.answers])
    order = np.argsort(-sure, kind="stable").tolist()
    right = [place for place in order if scores.right[place] > 0]
    wrong = [place for place in order if scores.right[place] == 0]
    turn = [place for pair in zip(right, wrong, strict=False) for place in pair]
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    for place in turn:
        picture = int(scores.pictures[place])
        if picture in seen:
            continue
        seen.add(picture)
        file, question = data.dataset.inputs[rows[place]]
        answer = scores.answers[place]
        found.append(
            {
                **_drawn(row.recognizer.predictor, file, question, len(found) < MAPS),
                "question": question,
                "answer": answer.text,
                "probability": f"{100 * answer.said[0].probability:.0f}",
                "true": scores.truths[place],
                "right": bool(scores.right[place] > 0),
            }
        )
        if len(found) == SHOWN:
            break
    return found


def _drawn(predictor: Any, file: Path, question: str, mapped: bool) -> dict[str, str]:
    """The picture, and with a map where its answer comes from."""
    from PIL import Image

    from striate import images
    from striate.visualize import heat

    data = images.load(file)
    whole = Image.fromarray(images.decode(data, at_least=None))
    plain = {"picture": pages.embedded(whole, side=SIDE), "map": ""}
    if not mapped or not isinstance(predictor, Chooser) or predictor.eye is None:
        return plain
    found = explain(predictor.about(question), data, None)
    drawn = Image.fromarray(heat(found.pixels, found.map, signed=True))
    return {**plain, "map": pages.embedded(drawn, side=SIDE)}
