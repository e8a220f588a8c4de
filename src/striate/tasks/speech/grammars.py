"""A grammar and a lexicon as tensors and plain values, as a recognizer's file holds them."""

from typing import Any

import torch
from torch import Tensor

from striate.hmm import Grammar, Lexicon
from striate.hmm.grammar import START, History

NONE = -2  # fills histories that are shorter
MOST_ORDER = 5
SEARCHED = {
    "stays": torch.float64,
    "grammar.histories": torch.int64,
    "grammar.backoffs": torch.float64,
    "grammar.after": torch.int64,
    "grammar.words": torch.int64,
    "grammar.weights": torch.float64,
}
"""What the search needs beside the lexicon, by its name in files."""


def stored(grammar: Grammar) -> dict[str, Tensor]:
    """Histories (H, order - 1) with their back-offs (H,), and each word (A,) after the history
    (A,) with its weight (A,)."""
    width = max(1, grammar.order - 1)
    histories = list(grammar.following)
    filled = [[NONE] * (width - len(each)) + list(each) for each in histories]
    arcs = [
        (number, word, weight)
        for number, history in enumerate(histories)
        for word, weight in grammar.following[history].items()
    ]
    return {
        "grammar.histories": torch.tensor(filled, dtype=torch.int64),
        "grammar.backoffs": torch.tensor(
            [grammar.backoffs.get(each, 0.0) for each in histories], dtype=torch.float64
        ),
        "grammar.after": torch.tensor([each[0] for each in arcs], dtype=torch.int64),
        "grammar.words": torch.tensor([each[1] for each in arcs], dtype=torch.int64),
        "grammar.weights": torch.tensor([each[2] for each in arcs], dtype=torch.float64),
    }


def restored(tensors: dict[str, Tensor], words: int, order: int) -> Grammar:
    """The grammar of which `stored` was kept.

    Raises:
        ValueError, LookupError: if the tensors are none.
    """
    if not 1 <= order <= MOST_ORDER:
        raise ValueError(f"a grammar of order {order}")
    rows = tensors["grammar.histories"].tolist()
    histories: list[History] = [tuple(word for word in row if word != NONE) for row in rows]
    backoffs = tensors["grammar.backoffs"].tolist()
    columns = [tensors[f"grammar.{name}"].tolist() for name in ("after", "words", "weights")]
    known = set(histories)
    fine = len(known) == len(histories) == len(backoffs) and () in known
    fine = fine and all(len(each) < max(order, 1) for each in histories)
    fine = fine and all(START <= word < words for each in histories for word in each)
    if not fine:
        raise ValueError("its grammar's histories are not sound")
    following: dict[History, dict[int, float]] = {each: {} for each in histories}
    for after, word, weight in zip(*columns, strict=True):
        if not (0 <= after < len(histories) and 0 <= word <= words and weight <= 0):
            raise ValueError("its grammar has a word that is not in the lexicon")
        following[histories[after]][word] = weight
    if len(following[()]) != words + 1:
        raise ValueError("its grammar does not know every word")
    if not all(weight <= 0 for weight in backoffs):
        raise ValueError("its grammar has a probability above 1")
    pairs = zip(histories, backoffs, strict=True)
    return Grammar(words, order, following, {each: weight for each, weight in pairs if each})


def spelled(lexicon: Lexicon) -> dict[str, Any]:
    """A lexicon as plain values."""
    return {
        "units": list(lexicon.units),
        "words": list(lexicon.words),
        "pronunciations": [[list(way) for way in ways] for ways in lexicon.pronunciations],
    }


def read(values: dict[str, Any]) -> Lexicon:
    """The lexicon of which `spelled` was kept.

    Raises:
        ValueError, LookupError, TypeError: if the values are none.
    """
    return Lexicon(
        tuple(str(each) for each in values["units"]),
        tuple(str(each) for each in values["words"]),
        tuple(
            tuple(tuple(int(unit) for unit in way) for way in ways)
            for ways in values["pronunciations"]
        ),
    )
