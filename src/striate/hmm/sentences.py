"""Networks of sentences: one whose words are known, or all that a grammar allows."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.hmm.grammar import Grammar, History
from striate.hmm.lexicon import STATES, Lexicon
from striate.hmm.network import SILENCE, Builder, Network

PAUSE = 0.5  # probability of silence before the first and after each word


def sentence(
    words: Sequence[int], lexicon: Lexicon, stays: NDArray[np.float64], *, pause: float = PAUSE
) -> Network:
    """The network of known words, in each of their pronunciations, with silence where it may be."""
    build = Builder(stays)
    start = build.junction()
    here = _paused(build, start, pause)
    for word in words:
        end = build.junction()
        for way in lexicon.pronunciations[word]:
            build.chain(here, end, lexicon.states(way), word)
        here = _paused(build, end, pause)
    return build.network(start, here)


def _paused(build: Builder, here: int, pause: float, after: int | None = None) -> int:
    """Optional silence from a junction to another."""
    after = build.junction() if after is None else after
    build.chain(here, after, list(range(STATES)), SILENCE, math.log(pause))
    build.arc(here, after, math.log1p(-pause))
    return after


def language(
    grammar: Grammar,
    lexicon: Lexicon,
    stays: NDArray[np.float64],
    *,
    scale: float = 1.0,
    penalty: float = 0.0,
    pause: float = PAUSE,
) -> Network:
    """The network of all sentences of a grammar.

    Every word has its states once for each history that it leads to, so that a path always knows
    its history; an n-gram that was not seen goes through the shorter history.

    Args:
        scale: of the grammar's logarithms, beside those of the acoustic scores.
        penalty: added for each word: below 0, fewer words are found.
    """
    if grammar.words != len(lexicon.words):
        raise ValueError(f"a grammar of {grammar.words} words, a lexicon of {len(lexicon.words)}")
    build = Builder(stays)
    start, final = build.junction(), build.junction()
    after = {history: build.junction() for history in grammar.following}
    _paused(build, start, pause, after[grammar.start])
    before: dict[tuple[History, int], int] = {}

    def entrance(history: History, word: int) -> int:
        """Where the word begins that leads to a history."""
        if (history, word) not in before:
            begin, end = build.junction(), build.junction()
            for way in lexicon.pronunciations[word]:
                build.chain(begin, end, lexicon.states(way), word)
            _paused(build, end, pause, after[history])
            before[history, word] = begin
        return before[history, word]

    for history, words in grammar.following.items():
        for word, weight in words.items():
            if word == grammar.end:
                build.arc(after[history], final, scale * weight)
            else:
                to = entrance(grammar.known((*history, word)), word)
                build.arc(after[history], to, scale * weight + penalty)
        if history:
            shorter = history[1:]
            while shorter not in after:
                shorter = shorter[1:]
            build.arc(after[history], after[shorter], scale * grammar.backoffs[history])
    return build.network(start, final)
