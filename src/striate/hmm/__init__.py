"""Hidden Markov models: networks of words, their search, and the mixtures of classic acoustic
models."""

from striate.hmm.grammar import Grammar, witten_bell, word_list
from striate.hmm.learning import Classic, Schedule, align, durations, flat, learn, padded
from striate.hmm.lexicon import SIL, STATES, Lexicon, read_dictionary
from striate.hmm.mixtures import Mixtures
from striate.hmm.network import SILENCE, Builder, Network, joined
from striate.hmm.search import Path, Posteriors, Segment, aligned, forward_backward, viterbi
from striate.hmm.sentences import PAUSE, language, sentence

__all__ = [
    "PAUSE",
    "SIL",
    "SILENCE",
    "STATES",
    "Builder",
    "Classic",
    "Grammar",
    "Lexicon",
    "Mixtures",
    "Network",
    "Path",
    "Posteriors",
    "Schedule",
    "Segment",
    "align",
    "aligned",
    "durations",
    "flat",
    "forward_backward",
    "joined",
    "language",
    "learn",
    "padded",
    "read_dictionary",
    "sentence",
    "viterbi",
    "witten_bell",
    "word_list",
]
