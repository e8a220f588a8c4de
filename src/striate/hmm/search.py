"""Viterbi's search and the forward-backward algorithm, on logarithms, all states at once.

Both run over frames and are vectorized over the states of a network and over recordings: either
several recordings through one network (recognizing), or each part of a joined network beside its
own recording (aligning). Sums of probabilities are computed by `logaddexp`, never as products.

`scores` are (B, T, P): the logarithm of p(frame | distribution), up to what is the same for all
distributions of a frame; recordings that are shorter are padded to T, and `lengths` says so.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.hmm.network import NEVER, Level, Network

Scores = NDArray[np.floating]


class Segment(NamedTuple):
    """A chain that was passed, and the frames [begin, end) it took."""

    chain: int
    begin: int
    end: int


class Path(NamedTuple):
    """The best way through a network.

    Attributes:
        score: its logarithm; -inf where no way fits the number of frames.
        segments: chains in order.
    """

    score: float
    segments: tuple[Segment, ...]


def viterbi(
    network: Network, scores: Scores, lengths: Sequence[int], *, beam: float | None = None
) -> list[Path]:
    """The best path of each recording through the network.

    Args:
        network: of one part, for all recordings, or of as many parts as there are recordings.
        beam: ways that are so much worse than the best one at the same frame are given up; None:
            none is, and the result is exact.
    """
    return _searched(_Trellis(network, scores, beam), lengths)


def aligned(
    network: Network, scores: Scores, lengths: Sequence[int]
) -> list[NDArray[np.int64] | None]:
    """The state (T,) of each frame of each recording on its best path; None where no path fits.

    Args:
        network: as many joined parts as there are recordings.
    """
    if len(network.starts) != len(scores):
        raise ValueError(f"{len(scores)} recordings, a network of {len(network.starts)} parts")
    entered = np.zeros((scores.shape[1], network.states), np.bool_)
    found: list[NDArray[np.int64] | None] = []
    for path in _searched(_Trellis(network, scores), lengths, entered):
        states = [_stepped(entered, int(network.lasts[one.chain]), one) for one in path.segments]
        found.append(np.concatenate(states) if states else None)
    return found


def _stepped(entered: NDArray[np.bool_], last: int, segment: Segment) -> NDArray[np.int64]:
    """The state of each frame of a segment, which ends in `last`."""
    states = np.empty(segment.end - segment.begin, np.int64)
    state = last
    for t in range(segment.end - 1, segment.begin - 1, -1):
        states[t - segment.begin] = state
        state -= int(entered[t, state])
    return states


def _searched(
    trellis: "_Trellis", lengths: Sequence[int], entered: NDArray[np.bool_] | None = None
) -> list[Path]:
    """The best path of each recording; into `entered` (T, S) goes which states were entered with
    which frame."""
    network, scores = trellis.network, trellis.scores
    frames, shape = scores.shape[1], (trellis.rows, network.states)
    junctions = np.empty((frames + 1, trellis.rows, network.junctions), scores.dtype)
    ends = np.full((frames + 1, trellis.rows, len(network.lasts)), NEVER, scores.dtype)
    begun = np.zeros(ends.shape, np.int32)
    junctions[0] = trellis.closed(trellis.at_start())
    delta = np.full(shape, NEVER, scores.dtype)
    since = np.zeros(shape, np.int32)  # the frame at which the chain of each state began
    for t in range(frames):
        delta, moved = trellis.step(delta, junctions[t], t)
        before = np.empty_like(since)
        before[:, 1:] = since[:, :-1]
        before[:, network.firsts] = t
        np.copyto(since, before, where=moved)
        if entered is not None:
            entered[t] = moved[0]
        ends[t + 1] = delta[:, network.lasts]
        begun[t + 1] = since[:, network.lasts]
        junctions[t + 1] = trellis.closed(trellis.ended(ends[t + 1]))
    return [
        _traced(network, row, final, length, junctions, ends, begun)
        for row, final, length in zip(*trellis.finals(len(lengths)), lengths, strict=True)
    ]


class _Trellis:
    """One frame after another of Viterbi's search: (rows, states)."""

    def __init__(self, network: Network, scores: Scores, beam: float | None = None):
        parts = len(network.starts)
        if parts not in (1, len(scores)):
            raise ValueError(f"{len(scores)} recordings beside a network of {parts} parts")
        self.network, self.scores, self.beam = network, scores, beam
        self.rows = len(scores) if parts == 1 else 1
        self.shared = parts == 1
        if not self.shared:
            self.places = network.parts * scores[0].size + network.pdfs
            self.flat = np.ascontiguousarray(scores).reshape(-1)

    def emitted(self, t: int) -> Scores:
        """(rows, states) score of frame t in each state."""
        if self.shared:
            return self.scores[:, t][:, self.network.pdfs]
        return self.flat[self.places + t * self.scores.shape[2]][None]

    def at_start(self) -> Scores:
        junctions = np.full((self.rows, self.network.junctions), NEVER, self.scores.dtype)
        junctions[:, self.network.starts] = 0
        return junctions

    def ended(self, lasts: Scores) -> Scores:
        """Junctions that the last states (rows, K) of chains lead to."""
        junctions = np.full((self.rows, self.network.junctions), NEVER, self.scores.dtype)
        _follow(lasts, self.network.ends, junctions, np.maximum)
        return junctions

    def closed(self, junctions: Scores) -> Scores:
        """What is at junctions, carried along all arcs."""
        for level in self.network.levels:
            _follow(junctions, level, junctions, np.maximum)
        return junctions

    def step(self, delta: Scores, junctions: Scores, t: int) -> tuple[Scores, NDArray[np.bool_]]:
        """The scores of all states after frame t, and which of them were entered with it."""
        network = self.network
        moved = np.full_like(delta, NEVER)
        np.add(delta[:, :-1], network.moves[1:], out=moved[:, 1:])
        moved[:, network.firsts] = junctions[:, network.sources] + network.enters
        stayed = delta + network.stays
        entered = moved > stayed
        np.maximum(stayed, moved, out=stayed)
        stayed += self.emitted(t)
        if self.beam is not None:
            stayed[stayed < stayed.max(1, keepdims=True) - self.beam] = NEVER
        return stayed, entered

    def finals(self, count: int) -> tuple[list[int], list[int]]:
        """For each recording its row, and the junction where it ends."""
        if self.shared:
            return list(range(count)), [int(self.network.finals[0])] * count
        return [0] * count, self.network.finals.tolist()


def _follow(values: Scores, level: Level, junctions: Scores, combine: np.ufunc) -> None:
    """Carries values (rows, ...) along the arcs of a level into junctions (rows, J), in place."""
    arriving = values[:, level.sources] + level.weights
    if len(level.begins) != len(level.sources):
        arriving = combine.reduceat(arriving, level.begins, axis=1)
    junctions[:, level.targets] = combine(junctions[:, level.targets], arriving)


def _traced(
    network: Network, row: int, final: int, length: int,
    junctions: Scores, ends: Scores, begun: NDArray[np.int32],
) -> Path:  # fmt: skip
    """The way that led to a junction after `length` frames, read backwards."""
    score = float(junctions[length, row, final])
    if not np.isfinite(score):
        return Path(NEVER, ())
    chains_into, arcs_into = network.into
    segments: list[Segment] = []
    junction, t = final, length
    starts = set(network.starts.tolist())
    while t or junction not in starts:
        here = junctions[t, row]
        best, chain, arc = NEVER, -1, -1
        for number in chains_into.get(junction, ()) if t else ():
            value = ends[t, row, number] + network.leaves[network.lasts[number]]
            if value > best:
                best, chain, arc = value, number, -1
        for number in arcs_into.get(junction, ()):
            value = here[network.arcs[number, 0]] + network.weights[number]
            if value > best:
                best, chain, arc = value, -1, number
        if arc >= 0:
            junction = int(network.arcs[arc, 0])
        else:
            begin = int(begun[t, row, chain])
            segments.append(Segment(chain, begin, t))
            junction, t = int(network.sources[chain]), begin
    return Path(score, tuple(reversed(segments)))


class Posteriors(NamedTuple):
    """What forward-backward tells of one recording.

    Attributes:
        likelihood: the logarithm of p(recording | network), -inf where no path fits.
        states: (T, S) the probability of each of its own states at each frame.
    """

    likelihood: float
    states: NDArray[np.float64]


def forward_backward(
    network: Network, scores: Scores, lengths: Sequence[int]
) -> Iterator[Posteriors]:
    """The probability of every state at every frame, for each recording (Baum et al. 1970).

    Args:
        network: as many joined parts as there are recordings.
    """
    if len(network.starts) != len(scores):
        raise ValueError(f"{len(scores)} recordings, a network of {len(network.starts)} parts")
    emit = _Trellis(network, scores).emitted
    frames, states = scores.shape[1], network.states
    alpha = np.full((frames, states), NEVER)
    totals = np.full(len(lengths), NEVER)
    at = np.full((1, network.junctions), NEVER)
    at[:, network.starts] = 0
    _close(at, network.levels)
    ending: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        ending.setdefault(length, []).append(row)
    delta = np.full((1, states), NEVER)
    for t in range(frames):
        moved = np.full((1, states), NEVER)
        moved[:, 1:] = delta[:, :-1] + network.moves[1:]
        moved[:, network.firsts] = at[:, network.sources] + network.enters
        delta = np.logaddexp(delta + network.stays, moved) + emit(t)
        alpha[t] = delta[0]
        at = np.full((1, network.junctions), NEVER)
        _follow(delta[:, network.lasts], network.ends, at, np.logaddexp)
        _close(at, network.levels)
        for row in ending.get(t + 1, ()):
            totals[row] = at[0, network.finals[row]]
    beta = np.full((1, states), NEVER)  # of what follows frame t
    gamma = np.full((frames, states), NEVER)
    for t in range(frames - 1, -1, -1):
        at = np.full((1, network.junctions), NEVER)  # of what follows the boundary after frame t
        if t + 1 < frames:
            coming = beta + emit(t + 1)
            _follow(coming[:, network.firsts], network.begins, at, np.logaddexp)
        for row in ending.get(t + 1, ()):
            at[0, network.finals[row]] = 0
        _close(at, network.backward_levels)
        following = np.full((1, states), NEVER)
        if t + 1 < frames:
            following = coming + network.stays
            following[:, :-1] = np.logaddexp(following[:, :-1], coming[:, 1:] + network.moves[1:])
        out = at[:, network.targets] + network.leaves[network.lasts]
        following[:, network.lasts] = np.logaddexp(following[:, network.lasts], out)
        beta = following
        gamma[t] = alpha[t] + beta[0]
    for row, length in enumerate(lengths):
        own = network.parts == row
        total = totals[row]
        with np.errstate(invalid="ignore"):
            some = np.exp(gamma[:length, own] - total) if np.isfinite(total) else None
        yield Posteriors(float(total), np.zeros((length, own.sum())) if some is None else some)


def _close(junctions: Scores, levels: Sequence[Level]) -> None:
    for level in levels:
        _follow(junctions, level, junctions, np.logaddexp)
