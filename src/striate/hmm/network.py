"""Networks of hidden Markov models: chains of states between junctions.

Every word, and silence, is a chain of states that is passed from left to right, each state one or
more frames long (Rabiner 1989, Section IV.B). A chain begins at one junction and ends at another;
arcs join junctions and take no time. A sentence whose words are known is such a network, and so is
a whole grammar: aligning and recognizing are the same search.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SILENCE = -1  # the label of a chain that is no word
NEVER = -np.inf


class Level(NamedTuple):
    """Arcs that can be followed at once, ordered by where they lead.

    Attributes:
        sources, weights: (A,) of each arc.
        begins: (U,) where in these the arcs to each target begin.
        targets: (U,) junctions, each once.
    """

    sources: NDArray[np.int64]
    weights: NDArray[np.float32]
    begins: NDArray[np.int64]
    targets: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Network:
    """What `Builder` made; all weights are natural logarithms of probabilities.

    Attributes:
        pdfs: (S,) the number of each state's output distribution.
        stays, leaves: (S,) weights of one more frame in a state, and of leaving it.
        firsts, lasts: (K,) of each chain.
        sources, targets: (K,) the junctions where each chain begins and ends.
        enters: (K,) weight of entering each.
        labels: (K,) the word of each, or SILENCE.
        arcs: (A, 2) junctions from and to.
        weights: (A,) of the arcs.
        starts, finals: (C,) the junctions where each of C independent parts begins and ends.
        parts: (S,) the part that a state is of.
        junctions: how many.
    """

    pdfs: NDArray[np.int64]
    stays: NDArray[np.float32]
    leaves: NDArray[np.float32]
    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    enters: NDArray[np.float32]
    labels: NDArray[np.int64]
    arcs: NDArray[np.int64]
    weights: NDArray[np.float32]
    starts: NDArray[np.int64]
    finals: NDArray[np.int64]
    parts: NDArray[np.int64]
    junctions: int

    @property
    def states(self) -> int:
        """S."""
        return len(self.pdfs)

    @cached_property
    def moves(self) -> NDArray[np.float32]:
        """(S,) weight of moving on from the state before; NEVER into the first of a chain."""
        moves = np.full(self.states, NEVER, np.float32)
        moves[1:] = self.leaves[:-1]
        moves[self.firsts] = NEVER
        return moves

    @cached_property
    def ends(self) -> Level:
        """Chains by the junctions where they end: `sources` are numbers of chains."""
        order = np.argsort(self.targets, kind="stable")
        return _level(order, self.leaves[self.lasts][order], self.targets[order])

    @cached_property
    def begins(self) -> Level:
        """Chains by the junctions where they begin, for the search backwards."""
        order = np.argsort(self.sources, kind="stable")
        return _level(order, self.enters[order], self.sources[order])

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """All arcs, in an order in which every junction is complete before it is left.

        Raises:
            ValueError: if arcs form a circle.
        """
        return tuple(_levels(self.arcs, self.weights, self.junctions))

    @cached_property
    def backward_levels(self) -> tuple[Level, ...]:
        """The same for the search backwards: from where arcs lead to where they come from."""
        return tuple(_levels(self.arcs[:, ::-1], self.weights, self.junctions))

    @cached_property
    def into(self) -> "tuple[dict[int, list[int]], dict[int, list[int]]]":
        """For each junction the chains and the arcs that lead to it."""
        chains: dict[int, list[int]] = {}
        arcs: dict[int, list[int]] = {}
        for number, target in enumerate(self.targets.tolist()):
            chains.setdefault(target, []).append(number)
        for number, target in enumerate(self.arcs[:, 1].tolist()):
            arcs.setdefault(target, []).append(number)
        return chains, arcs


def _level(
    sources: NDArray[np.int64], weights: NDArray[np.float32], targets: NDArray[np.int64]
) -> Level:
    unique, begins = np.unique(targets, return_index=True)
    return Level(sources, weights, begins, unique)


def _levels(
    arcs: NDArray[np.int64], weights: NDArray[np.float32], junctions: int
) -> Iterable[Level]:
    depth = np.zeros(junctions, np.int64)
    for _ in range(junctions + 1):
        deeper = depth.copy()
        np.maximum.at(deeper, arcs[:, 1], depth[arcs[:, 0]] + 1)
        if (deeper == depth).all():
            break
        depth = deeper
    else:
        raise ValueError("arcs between junctions form a circle")
    for level in range(1, int(depth.max(initial=0)) + 1):
        rows = np.flatnonzero(depth[arcs[:, 1]] == level)
        rows = rows[np.argsort(arcs[rows, 1], kind="stable")]
        yield _level(arcs[rows, 0], weights[rows], arcs[rows, 1])


@dataclass
class Builder:
    """Collects the chains and arcs of a network.

    Args:
        stays: (P,) probability of one more frame in a state, for each output distribution.
    """

    stays: NDArray[np.float64]
    _chains: list[tuple[int, int, float, int, Sequence[int]]] = field(default_factory=list)
    _arcs: list[tuple[int, int, float]] = field(default_factory=list)
    _junctions: int = 0

    def junction(self) -> int:
        """A new junction."""
        self._junctions += 1
        return self._junctions - 1

    def chain(
        self, source: int, target: int, pdfs: Sequence[int], label: int, weight: float = 0.0
    ) -> None:
        """States with these output distributions, from one junction to another."""
        if not pdfs:
            raise ValueError("a chain has at least one state")
        self._chains.append((source, target, weight, label, pdfs))

    def arc(self, source: int, target: int, weight: float = 0.0) -> None:
        """A way from one junction to another that takes no time."""
        self._arcs.append((source, target, weight))

    def network(self, start: int, final: int) -> Network:
        """The network from one junction to another."""
        lengths = np.array([len(each[4]) for each in self._chains], np.int64)
        lasts = np.cumsum(lengths) - 1
        pdfs = np.array([pdf for each in self._chains for pdf in each[4]], np.int64)
        stays = np.asarray(self.stays, np.float64)[pdfs]
        columns = list(zip(*self._chains, strict=True))
        arcs = np.array([each[:2] for each in self._arcs], np.int64).reshape(-1, 2)
        return Network(
            pdfs,
            np.log(stays).astype(np.float32),
            np.log1p(-stays).astype(np.float32),
            lasts - lengths + 1,
            lasts,
            np.array(columns[0], np.int64),
            np.array(columns[1], np.int64),
            np.array(columns[2], np.float32),
            np.array(columns[3], np.int64),
            arcs,
            np.array([each[2] for each in self._arcs], np.float32),
            np.array([start]),
            np.array([final]),
            np.zeros(len(pdfs), np.int64),
            self._junctions,
        )


def joined(networks: Sequence[Network]) -> Network:
    """Several networks side by side, to be searched at once."""
    states = np.cumsum([0, *(each.states for each in networks)])[:-1]
    junctions = np.cumsum([0, *(each.junctions for each in networks)])[:-1]

    def stacked(name: str, shift: "NDArray[np.int64] | None" = None) -> NDArray:
        parts = [getattr(each, name) for each in networks]
        if shift is not None:
            parts = [part + by for part, by in zip(parts, shift.tolist(), strict=True)]
        return np.concatenate(parts)

    return Network(
        stacked("pdfs"), stacked("stays"), stacked("leaves"),
        stacked("firsts", states), stacked("lasts", states),
        stacked("sources", junctions), stacked("targets", junctions),
        stacked("enters"), stacked("labels"), stacked("arcs", junctions), stacked("weights"),
        stacked("starts", junctions), stacked("finals", junctions),
        np.repeat(np.arange(len(networks)), [each.states for each in networks]),
        sum(each.junctions for each in networks),
    )  # fmt: skip
