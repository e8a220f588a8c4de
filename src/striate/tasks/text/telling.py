"""What `striate explain` tells of texts: words, n-grams, neighbors."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from striate.data.text_tables import is_text_table, open_text_table
from striate.data.texts import read_text, sound
from striate.errors import InputError, ModelError, UnknownName, UserError
from striate.tasks.contract import Predictor, Tell, Told
from striate.tasks.text.bag import Bag
from striate.tasks.text.explaining import fired, spoken
from striate.tasks.text.network import Network

FILTERS, RUNS = 20, 5  # shown


def occlusion(predictor: Predictor, names: tuple[str, ...], place: str, name: str) -> Told:
    """How much of a class's probability is lost where each word is hidden."""
    if not isinstance(predictor, Bag | Network):
        raise ModelError(f"{predictor.kind} cannot be looked into; give the .safetensors file")
    if name and name not in names:
        raise UnknownName("class", name, names)
    words = predictor.tokenizer(text_at(place))
    if not words:
        raise UserError(f"{place}: there is no word to hide")
    found = spoken(predictor, words, names.index(name) if name else None)
    rows = [
        {"word": word, "loss": float(loss)}
        for word, loss in zip(found.words, found.losses, strict=True)
    ]
    facts = {
        "class": names[found.class_number], "probability": found.probability, "words": rows
    }  # fmt: skip
    width = max(map(len, found.words))
    lines = [
        f"{names[found.class_number]}: {found.probability:.1%}".replace("%", " %"),
        *(f"  {word:<{width}}  {100 * loss:+6.1f} points"
          for word, loss in zip(found.words, found.losses, strict=True)),
    ]  # fmt: skip
    return Told(facts, tuple(lines))


def ngrams(predictor: Predictor, names: tuple[str, ...], place: str, name: str) -> Told:
    """The n-grams of a set that the filters fire on most, the weightiest filters first."""
    network = _network(predictor)
    texts = [network.tokenizer(text) for text in texts_at(place)]
    every = fired(network, texts, most=RUNS)
    number = names.index(name) if name in names else None
    if name and number is None:
        raise UnknownName("class", name, names)
    weights = [float(abs(one.weights).max() if number is None else one.weights[number])
               for one in every]  # fmt: skip
    order = sorted(range(len(every)), key=lambda place: -weights[place])
    shown = [every[place] for place in order[:FILTERS]]
    rows = [
        {
            "filter": one.filter,
            "class": names[int(one.weights.argmax())],
            "weight": float(one.weights.max()),
            "ngrams": [run for run, _ in one.runs],
        }
        for one in shown
    ]
    lines = [
        f"filter {row['filter']:>3}, {row['class']}: {' | '.join(row['ngrams'])}"  # type: ignore[arg-type]
        for row in rows
    ]
    return Told({"filters": rows}, tuple(lines))


def neighbors(predictor: Predictor, names: tuple[str, ...], place: str, name: str) -> Told:
    """The nearest words of some, before and after their vectors learned (the paper's table 3)."""
    network = _network(predictor)
    if not network.neighbors:
        raise ModelError(f"the vectors of {network.model.variant} have no before and after")
    rows = [
        {"word": word, "before": list(before), "after": list(after)}
        for word, before, after in network.neighbors
    ]
    lines = [
        f"{word}: {', '.join(before)}  ->  {', '.join(after)}"
        for word, before, after in network.neighbors
    ]
    return Told({"neighbors": rows}, tuple(lines))


def _network(predictor: Predictor) -> Network:
    if not isinstance(predictor, Network):
        raise ModelError(f"{predictor.kind} has no filters and no word vectors")
    return predictor


def text_at(place: str) -> str:
    """The text in a file, or on standard input.

    Raises:
        UserError: if there is none.
    """
    if not place:
        raise UserError("--method occlusion needs a text: a file, or - for standard input")
    try:
        return sound(sys.stdin.read()) if place == "-" else read_text(place)
    except InputError as error:
        raise UserError(f"{place}: {error}") from error


def texts_at(place: str) -> Sequence[str]:
    """The texts of a table, or the lines of a file.

    Raises:
        UserError: if there is none.
    """
    if not place:
        raise UserError("--method ngrams needs texts: a table, or a file with one a line")
    if is_text_table(Path(place)):
        inputs = open_text_table(Path(place), seed=0).inputs
        return [inputs[row] for row in range(len(inputs))]
    return [line for line in text_at(place).splitlines() if line.strip()]


EXPLANATIONS: Mapping[str, Tell] = {
    "occlusion": occlusion,
    "ngrams": ngrams,
    "neighbors": neighbors,
}
