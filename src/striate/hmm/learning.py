"""Acoustic models learned from recordings and their words alone, from a flat start.

Nobody says when a word is spoken: first all frames are shared out alike among the states of the
sentence, and then models and alignments improve each other, while the mixtures are split.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from striate.hmm.lexicon import STATES, Lexicon
from striate.hmm.mixtures import Mixtures, alike, estimated
from striate.hmm.network import Network, joined
from striate.hmm.search import aligned, forward_backward
from striate.hmm.sentences import sentence

Score = Callable[[int], NDArray[np.floating]]
BATCH = 64  # recordings that are aligned at a time
CELLS = 2**25  # frames times states of such a batch, at most
LIKELY = 1e-3  # probability of a state at a frame: below it is left out of the sums
STAY = 0.6  # probability of one more frame in a state, before anything is known
STAYS = (0.1, 0.98)  # what it may become


@dataclass(frozen=True)
class Schedule:
    """How a mixture model grows.

    Attributes:
        rounds: of alignment and estimation at 1, 2, 4... components.
        by: "viterbi": a frame belongs to the state on the best path; "baum-welch": to all states,
            as far as is probable.
    """

    rounds: tuple[int, ...] = (10, 3, 3, 3, 4)
    by: Literal["viterbi", "baum-welch"] = "viterbi"


@dataclass(frozen=True, eq=False)
class Classic:
    """A mixture model of every state, and how long states last.

    Attributes:
        stays: (P,) probability of one more frame in each state.
    """

    mixtures: Mixtures
    stays: NDArray[np.float64]


def flat(length: int, words: Sequence[int], lexicon: Lexicon) -> NDArray[np.int64]:
    """(length,) a state for each frame: those of the sentence one after another, silence before and
    behind, all equally long."""
    chain = [lexicon.states(lexicon.pronunciations[word][0]) for word in words]
    silence = list(range(STATES))
    states = np.array([*silence, *(pdf for each in chain for pdf in each), *silence])
    return states[np.arange(length) * len(states) // length]


def durations(alignments: Iterable[NDArray[np.int64]], states: int) -> NDArray[np.float64]:
    """(P,) probability of one more frame in each state, as the alignments have it."""
    frames, visits = np.full(states, 1 / (1 - STAY)), np.ones(states)
    for each in alignments:
        changed = np.concatenate([[True], each[1:] != each[:-1]])
        frames += np.bincount(each, minlength=states)
        visits += np.bincount(each[changed], minlength=states)
    return np.clip(1 - visits / frames, *STAYS)


def batched(lengths: Sequence[int], networks: Sequence[Network]) -> Iterator[list[int]]:
    """Numbers of recordings that are searched together: similar lengths, so that few are padded."""
    batch: list[int] = []
    states = 0
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        states += networks[row].states
        if batch and (len(batch) == BATCH or states * lengths[row] > CELLS):
            yield batch
            batch, states = [], networks[row].states
        batch.append(row)
    if batch:
        yield batch


def padded(scores: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    """(B, T, P) of scores (T, P) that are not as long; each frame's largest becomes 0, for what all
    states share tells nothing and costs precision."""
    found = np.zeros((len(scores), max(map(len, scores)), scores[0].shape[1]), scores[0].dtype)
    for row, each in enumerate(scores):
        found[row, : len(each)] = each - each.max(1, keepdims=True)
    return found


def align(
    score: Score, lengths: Sequence[int], words: Sequence[Sequence[int]], lexicon: Lexicon,
    stays: NDArray[np.float64],
) -> list[NDArray[np.int64] | None]:  # fmt: skip
    """The state (output distribution) of each frame (T,) of each recording, by forced alignment;
    None where the recording is too short for its words.

    Args:
        score: (T, P) of a recording by its number.
    """
    networks = [sentence(each, lexicon, stays) for each in words]
    found: list[NDArray[np.int64] | None] = [None] * len(lengths)
    for rows in batched(lengths, networks):
        network = joined([networks[row] for row in rows])
        scores = padded([score(row) for row in rows])
        paths = aligned(network, scores, [lengths[row] for row in rows])
        for row, states in zip(rows, paths, strict=True):
            found[row] = None if states is None else network.pdfs[states]
    return found


def learn(
    features: Sequence[NDArray[np.float32]],
    words: Sequence[Sequence[int]],
    lexicon: Lexicon,
    schedule: Schedule | None = None,
    *,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Classic, list[NDArray[np.int64] | None]]:
    """A mixture model of recordings and their words, and the last alignment.

    Args:
        features: (T, D) of each recording.
        tell: called after each round with how many of how many are done.
    """
    schedule = schedule or Schedule()
    lengths = [len(each) for each in features]
    frames = np.concatenate(features)
    alignments: list[NDArray[np.int64] | None] = [
        flat(length, each, lexicon) for length, each in zip(lengths, words, strict=True)
    ]
    known = [each for each in alignments if each is not None]
    mixtures = estimated(alike(frames, lexicon.pdfs), frames, np.concatenate(known))
    model = Classic(mixtures, np.full(lexicon.pdfs, STAY))
    done, total = 0, sum(schedule.rounds)
    for number, rounds in enumerate(schedule.rounds):
        if number:
            model = Classic(model.mixtures.split(), model.stays)
        for _ in range(rounds):
            score = _scorer(model.mixtures, features)
            if schedule.by == "viterbi":
                alignments = align(score, lengths, words, lexicon, model.stays)
                model = _from_paths(model, features, alignments)
            else:
                model = _from_posteriors(model, features, score, words, lexicon)
            done += 1
            tell(done, total)
    final = align(_scorer(model.mixtures, features), lengths, words, lexicon, model.stays)
    return model, final


def _scorer(mixtures: Mixtures, features: Sequence[NDArray[np.float32]]) -> Score:
    return lambda row: mixtures.score(features[row])


def _from_paths(
    model: Classic, features: Sequence[NDArray[np.float32]],
    alignments: Sequence[NDArray[np.int64] | None],
) -> Classic:  # fmt: skip
    pairs = [
        (each, path) for each, path in zip(features, alignments, strict=True) if path is not None
    ]
    if not pairs:
        raise ValueError("no recording is long enough for its words")
    frames, states = (np.concatenate(each) for each in zip(*pairs, strict=True))
    return Classic(
        estimated(model.mixtures, frames, states),
        durations([path for _, path in pairs], len(model.stays)),
    )


def _from_posteriors(
    model: Classic, features: Sequence[NDArray[np.float32]], score: Score,
    words: Sequence[Sequence[int]], lexicon: Lexicon,
) -> Classic:  # fmt: skip
    """A round of Baum-Welch; how long states last stays as it is."""
    lengths = [len(each) for each in features]
    networks = [sentence(each, lexicon, model.stays) for each in words]
    frames: list[NDArray[np.float32]] = []
    states: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float64]] = []
    for rows in batched(lengths, networks):
        network = joined([networks[row] for row in rows])
        scores = padded([score(row) for row in rows])
        found = forward_backward(network, scores, [lengths[row] for row in rows])
        for row, posterior in zip(rows, found, strict=True):
            times, places = np.nonzero(posterior.states > LIKELY)
            frames.append(features[row][times])
            states.append(networks[row].pdfs[places])
            shares.append(posterior.states[times, places])
    mixtures = estimated(
        model.mixtures, np.concatenate(frames), np.concatenate(states), np.concatenate(shares)
    )
    return Classic(mixtures, model.stays)
