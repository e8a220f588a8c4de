"""The parts of a comparison's report that are of captions."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from striate import pages
from striate.data.names import percent
from striate.tasks.captions.drawing import sheet
from striate.tasks.captions.scores import Told
from striate.tasks.contract import Section
from striate.texts.caption_words import sentence_of

SHOWN = 12  # pictures, from the best to the worst
SIDE = 300  # pixels of a shown picture
WIDE = 960  # of a row of words


def sections(comparison: Any) -> Iterable[Section]:
    """Every BLEU with its interval beside people's; pictures with what each method says of them."""
    rows = [(row.title, row.chosen.scores) for row in comparison.rows]
    yield Section("measures.html.jinja", {"rows": measures(rows), "people": of_people(rows[0][1])})
    yield Section("pictures.html.jinja", {"pictures": list(pictures(comparison))})


def measures(rows: Sequence[tuple[str, Told]]) -> list[dict[str, Any]]:
    """Of each method every measure and where it is expected."""
    found = []
    for title, scores in rows:
        values = []
        for key, (low, high) in scores.intervals.items():
            share = key != "cider_d"
            shown = [percent(x) if share else f"{x:.2f}"
                     for x in (scores.metrics[key], low, high)]  # fmt: skip
            values.append({"value": shown[0], "low": shown[1], "high": shown[2]})
        found.append({"title": title, "values": values})
    return found


def of_people(scores: Told) -> list[str]:
    """BLEU-1 to BLEU-4 of each person's sentence beside the others; [] where it is not known."""
    return [] if scores.people is None else [percent(value) for value in scores.people]


def pictures(comparison: Any) -> Iterable[dict[str, Any]]:
    """Test pictures by how the best method's sentence agrees with people's (CIDEr-D), from the best
    to the worst in equal steps; with the words' maps of a method that attends."""
    best = comparison.best.chosen
    dataset, rows = best.data.dataset, best.answered.rows
    order = np.argsort(-best.scores.ciders, kind="stable")
    places = order[np.unique(np.linspace(0, len(order) - 1, SHOWN).round().astype(int))]
    for place in places.tolist():
        pixels = dataset.inputs[rows[place]]
        said, maps = [], None
        for row in comparison.rows:
            chosen = row.chosen
            if chosen.answered.rows != rows:
                continue
            answer = chosen.answered.answers[place]
            text = sentence_of(list(answer.words))
            said.append({"title": row.title, "text": text, "best": row is comparison.best})
            if answer.maps is not None and answer.words:
                drawn = sheet(pixels, answer.words, answer.maps)
                maps = {"title": row.title, "picture": pages.embedded(drawn, side=WIDE)}
        yield {
            "name": dataset.inputs.name(rows[place]),
            "picture": pages.embedded(Image.fromarray(pixels), side=SIDE),
            "said": said,
            "people": list(dataset.targets.sentences[rows[place]]),
            "cider": f"{best.scores.ciders[place]:.2f}",
            "maps": maps,
        }
