"""The task's parts of the report: the lectures' table, and recordings looked into."""

from collections.abc import Iterator
from typing import Any

from striate import pages
from striate.evaluation.word_errors import edits
from striate.tasks.contract import Section
from striate.tasks.speech.features import spectra
from striate.tasks.speech.looking import seen
from striate.tasks.speech.pictures import aligned

SHOWN = 3  # recordings that are looked into
LONGEST = 6.0  # seconds of those
SIDE = 1600  # pixels of their longer side
CONFUSED = 12  # pairs of words that are listed


def sections(comparison: Any) -> Iterator[Section]:
    """Word errors beside the traditional approach, what is taken for what, and some recordings."""
    rows = [row for row in comparison.rows if row.chosen.scores is not None]
    if not rows:
        return
    classic = next((row for row in rows if row.chosen.method.approach == "handcrafted"), None)
    table = []
    for row in rows:
        scores = row.chosen.scores
        low, high = scores.by_speakers or (None, None)
        base = classic.chosen.scores.rate if classic is not None and classic is not row else 0.0
        table.append({
            "title": row.title,
            "rate": scores.rate,
            "low": low,
            "high": high,
            "reduction": (base - scores.rate) / base if base else None,
            "frames": row.chosen.learned.validation.get("frame_accuracy"),
        })  # fmt: skip
    yield Section("errors.html.jinja", {"rows": table})
    best = comparison.best
    if best.chosen.scores is None:
        return
    yield Section("confusions.html.jinja", {"title": best.title, **confusions(best)})
    yield Section("looked.html.jinja", {"title": best.title, "shown": looked(comparison)})


def confusions(row: Any) -> dict[str, Any]:
    """The mistakes of a method, the commonest first."""
    counts: dict[tuple[str, str], int] = {}
    scores = row.chosen.scores
    for said, answer in zip(scores.said, scores.answers, strict=True):
        for step in edits(said.split(), answer.text.split()):
            if step.said != step.found:
                key = step.said or "", step.found or ""
                counts[key] = counts.get(key, 0) + 1
    most = sorted(counts, key=lambda key: (-counts[key], key))[:CONFUSED]
    return {"pairs": [{"said": a, "found": b, "count": counts[a, b]} for a, b in most]}


def looked(comparison: Any) -> list[dict[str, Any]]:
    """Recordings of the test with their alignment: those with most mistakes first."""
    best, dataset = comparison.best, comparison.dataset
    recognizer = best.chosen.recognizer.predictor
    answered, scores = best.chosen.answered, best.chosen.scores
    order = sorted(
        (number for number, one in enumerate(answered.answers) if one.seconds <= LONGEST),
        key=lambda number: -scores.errors[number].total,
    )
    found = []
    for number in order[:SHOWN]:
        row = answered.rows[number]
        path = dataset.inputs.path(row)
        frames = spectra(dataset.inputs[row] if path is None else path, recognizer.filters)
        language = recognizer.language
        picture = aligned(frames, seen(recognizer, frames), language.lexicon.units, language.step)
        found.append({
            "name": dataset.inputs.name(row),
            "said": dataset.targets.words(row),
            "text": answered.answers[number].text,
            "picture": pages.embedded(picture, side=SIDE),
        })  # fmt: skip
    return found
