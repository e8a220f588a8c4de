"""The parts of a comparison's report that are of texts."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from striate.tasks.contract import Section
from striate.tasks.labels.report import confusion, reliability
from striate.tasks.text.bag import Bag
from striate.tasks.text.explaining import Spoken, fired, spoken
from striate.tasks.text.network import Network

EACH = 6  # texts of each kind that are shown
FILTERS, RUNS = 16, 4
LONGEST = 80  # words of a text that are shown
LOOKED = 4000  # training texts that n-grams are taken from


def sections(comparison: Any) -> Iterable[Section]:
    """What is confused, which words spoke, what filters fire on, what words came to mean."""
    row = comparison.best
    scores = row.chosen.scores
    yield confusion(scores, within(row.title), "text")
    predictor = row.recognizer.predictor
    yield Section("spoken.html.jinja", {"title": within(row.title), "texts": texts(comparison)})
    networks = [one for one in comparison.rows if isinstance(one.recognizer.predictor, Network)]
    if networks:
        chosen = row if isinstance(predictor, Network) else max(networks, key=lambda r: r.score)
        values = {"title": chosen.title, "filters": filters(comparison, chosen)}
        yield Section("filters.html.jinja", values)
    tuned = [one for one in networks if one.recognizer.predictor.neighbors]
    if tuned:
        rows = tuned[0].recognizer.predictor.neighbors
        yield Section("neighbors.html.jinja", {"title": tuned[0].title, "rows": rows})
    yield reliability(scores, "text")


def within(title: str) -> str:
    """A title inside a sentence.

    >>> within("A bag of words"), within("CNN-static")
    ('a bag of words', 'CNN-static')
    """
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def texts(comparison: Any) -> list[dict[str, Any]]:
    """Test texts, right and wrong ones, the surest first, with the weight of every word."""
    chosen = comparison.best.chosen
    predictor = chosen.recognizer.predictor
    scores, rows, dataset = chosen.scores, chosen.answered.rows, chosen.data.dataset
    if not isinstance(predictor, Bag | Network):
        return []
    order = np.argsort(-scores.confidence, kind="stable")
    right = scores.right[order] > 0
    shown = [*order[~right][:EACH].tolist(), *order[right][:EACH].tolist()]
    found = []
    for place in shown:
        text = dataset.inputs[rows[place]]
        words = predictor.tokenizer(text)[:LONGEST]
        if words:
            one = spoken(predictor, words, None)
            found.append(
                {
                    "name": dataset.inputs.name(rows[place]),
                    "true": scores.names[scores.targets[place]],
                    "given": scores.names[one.class_number],
                    "probability": f"{100 * one.probability:.0f}",
                    "words": colored(one),
                }
            )
    return found


def colored(one: Spoken) -> list[dict[str, Any]]:
    """Each word with its share of the largest loss, in per cent, and whether it spoke against."""
    largest = max(float(np.abs(one.losses).max()), 0.02)
    return [
        {"word": word, "share": f"{60 * abs(loss) / largest:.0f}", "against": loss < 0,
         "loss": f"{100 * loss:+.1f}"}
        for word, loss in zip(one.words, one.losses.tolist(), strict=True)
    ]  # fmt: skip


def filters(comparison: Any, row: Any) -> list[dict[str, Any]]:
    """The n-grams of the weightiest filters, those of every class in turn."""
    network = row.recognizer.predictor
    train = comparison.dataset.train
    some = [network.tokenizer(train.inputs[k]) for k in range(min(len(train), LOOKED))]
    every = fired(network, some, most=RUNS)
    names = row.recognizer.names
    found: list[dict[str, Any]] = []
    each = max(1, FILTERS // len(names))
    for number, name in enumerate(names):
        margin = [float(one.weights[number] - np.delete(one.weights, number).mean())
                  for one in every]  # fmt: skip
        for place in np.argsort(margin)[::-1][:each].tolist():
            runs = [run for run, _ in every[place].runs]
            found.append({"filter": place, "class": name, "runs": runs})
    return found
