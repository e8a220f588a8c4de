"""How right an answer of several words is (Malinowski & Fritz 2014, Section 4): accuracy of sets,
and WUPS, for which a word that means nearly the same counts nearly as much.
"""

from collections.abc import Callable, Sequence
from math import prod

from striate.evaluation.wordnet import WordNet

FAR = 0.1  # what remains of a similarity below the threshold
PEOPLE = 3  # of those who were asked, as many as make an answer wholly right (VQA)

Membership = Callable[[str, str], float]


def equal(first: str, second: str) -> float:
    """1 for the same word, else 0."""
    return float(first == second)


class Wups:
    """How near two words are: 1 for the same; else Wu & Palmer's similarity of their nearest
    senses, a tenth of it below the threshold, and 0 where one is no noun.

    Args:
        threshold: 0.9 asks for nearly the same, 0 for anything alike.
    """

    def __init__(self, wordnet: WordNet, threshold: float):
        self.wordnet, self.threshold = wordnet, threshold
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, first: str, second: str) -> float:
        if first == second:
            return 1.0
        if (first, second) not in self._known:
            near = self.wordnet.nearness(first, second)
            self._known[first, second] = near if near >= self.threshold else FAR * near
        return self._known[first, second]


def set_score(answer: Sequence[str], truth: Sequence[str], membership: Membership) -> float:
    """How right the words of an answer are, in [0, 1]: every word of either side has its nearest on
    the other, and the worse side counts.

    min(prod over a of max over t of m(a, t), prod over t of max over a of m(t, a)), as the authors'
    compute_wups.py has it. An answer without a word is wrong.

    >>> set_score(["fork", "knife"], ["knife", "fork"], equal)
    1.0
    """
    if not answer or not truth:
        return 0.0
    there = prod(max(membership(one, two) for two in truth) for one in answer)
    back = prod(max(membership(two, one) for one in answer) for two in truth)
    return min(there, back)


def agreement(answer: str, people: Sequence[str]) -> float:
    """How many people gave this answer, as a share of the three that suffice (Antol et al. 2015,
    Section 3): min(n / 3, 1), as it is, not as a mean over nine of the ten people.

    >>> agreement("red", ["red"] * 2 + ["blue"] * 8), agreement("blue", ["red"] * 2 + ["blue"] * 8)
    (0.6666666666666666, 1.0)
    """
    return min(sum(answer == one for one in people) / PEOPLE, 1.0)
