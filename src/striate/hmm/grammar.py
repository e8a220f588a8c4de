"""Which word follows which: n-grams with back-off, and lists of words."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

History = tuple[int, ...]
START = -1  # stands before the first word of a history


@dataclass(frozen=True)
class Grammar:
    """Probabilities of words after histories, as natural logarithms.

    Attributes:
        words: how many there are; that number itself stands for the end of a sentence.
        order: of the n-gram; histories have at most order - 1 words.
        following: for each history the words that were seen after it; the empty history knows all.
        backoffs: for each other history, what is added where the next shorter one has to answer.
    """

    words: int
    order: int
    following: Mapping[History, Mapping[int, float]]
    backoffs: Mapping[History, float]

    @property
    def end(self) -> int:
        """The end of a sentence, as a word."""
        return self.words

    @property
    def start(self) -> History:
        """The history before the first word."""
        return self.known((START,))

    def known(self, history: History) -> History:
        """The longest end of a history that something is known of."""
        history = history[len(history) - self.order + 1 :] if self.order > 1 else ()
        while history and history not in self.following:
            history = history[1:]
        return history

    def score(self, word: int, history: History) -> float:
        """The logarithm of p(word | history)."""
        history, total = self.known(history), 0.0
        while word not in self.following[history]:
            total += self.backoffs[history]
            history = history[1:]
            while history and history not in self.following:
                history = history[1:]
        return total + self.following[history][word]

    def sentence(self, words: Sequence[int]) -> float:
        """The logarithm of p(words and then the end)."""
        total = 0.0
        history: History = (START,)
        for word in (*words, self.end):
            total += self.score(word, history)
            history = (*history, word)
        return total


def word_list(words: int) -> Grammar:
    """Any word may follow any other, and the sentence may end: all alike."""
    each = -math.log(words + 1)
    return Grammar(words, 1, {(): dict.fromkeys(range(words + 1), each)}, {})


def witten_bell(sentences: Iterable[Sequence[int]], words: int, *, order: int = 2) -> Grammar:
    """An n-gram whose histories share with the next shorter ones as much as they have seen new
    words (Witten & Bell 1991, method C); the empty history shares with all words alike.

    p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h)), where t counts the different words after
    h. It is never less than what backing off would give, so the search may do both.
    """
    counts: dict[History, Counter[int]] = {(): Counter()}
    for sentence in sentences:
        whole = (START, *sentence, words)
        for place in range(1, len(whole)):
            for length in range(min(order, place + 1)):
                counts.setdefault(whole[place - length : place], Counter())[whole[place]] += 1
    following: dict[History, dict[int, float]] = {}
    backoffs: dict[History, float] = {}
    for history in sorted(counts, key=len):
        seen = counts[history]
        total, kinds = sum(seen.values()), len(seen)
        if not history:
            rest = kinds / (total + kinds) / (words + 1) if total else 1 / (words + 1)
            following[()] = {
                word: math.log(rest + (seen[word] / (total + kinds) if total else 0))
                for word in range(words + 1)
            }
            continue
        shorter = Grammar(words, order, following, backoffs)
        share = kinds / (total + kinds)
        backoffs[history] = math.log(share)
        following[history] = {
            word: math.log(
                count / (total + kinds) + share * math.exp(shorter.score(word, history[1:]))
            )
            for word, count in sorted(seen.items())
        }
    return Grammar(words, order, following, backoffs)
