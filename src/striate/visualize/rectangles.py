"""What a patch of the image can reach in each map, and where recomputing only that pays.

Along one side, a change in places [first, end) of a map is seen by the windows

    ceil((first + before - reach + 1) / stride)  to  floor((end - 1 + before) / stride)

of the next one; both sides together make a rectangle. Many positions of the patch are computed as
one tensor, so their rectangles get one size, that of the largest: a smaller one at the border is
moved inwards, where it recomputes what has not changed. So a block is made of positions that lie
together, whose rectangles are cut by the same borders.

The counts decide how many positions a block has, and from which operation on it is computed in
full: where rectangles cover most of the maps, gathering them costs more than it spares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.visualize.graph import Network
from striate.visualize.operations import Operation

# What else than a multiply-add takes time, in multiply-adds (measured: one core, AVX2).
PER_NUMBER = 20  # a number of a map, written and read
PER_WEIGHT = 80  # a number of the weights, read once a block
PER_COPY = 200_000  # copying one rectangle out of a map, apart from its numbers
SIDES = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 25)  # positions along a block, that are tried
KEPT = 2**29  # bytes of clean maps, of all images that are computed together
TOGETHER = (1, 2, 3, 4, 6, 8, 12, 16)  # images that are, as far as they are tried
BEHIND = 128  # positions that go through the end of the network at a time

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """What each position along one side of the image reaches in a map: [first, end) of `size`."""

    first: Ints
    end: Ints
    size: int

    def through(self, size: int, kernel: int, stride: int, dilation: int, before: int) -> "Span":
        """The same in the map that an operation makes of this one, `size` places long."""
        reach = (kernel - 1) * dilation + 1
        first = -((reach - 1 - before - self.first) // stride)  # rounded up
        end = (self.end - 1 + before) // stride + 1
        first = np.clip(first, 0, size - 1)
        return Span(first, np.clip(end, first + 1, size), size)

    def joined(self, other: "Span") -> "Span":
        """Where either is."""
        return Span(np.minimum(self.first, other.first), np.maximum(self.end, other.end), self.size)

    def widths(self, side: int) -> Ints:
        """The longest of each `side` positions."""
        return np.maximum.reduceat(self.end - self.first, np.arange(0, len(self.first), side))

    def starts(self, chosen: Ints) -> tuple[list[int], int]:
        """Where the chosen positions begin, and how long all of them are."""
        first, end = self.first[chosen], self.end[chosen]
        width = int((end - first).max())
        return np.minimum(first, self.size - width).tolist(), width


Spans = tuple[Span, Span]  # down and across


@dataclass(frozen=True)
class Plan:
    """How the positions are computed.

    Attributes:
        spans: of every operation; None where it is always computed in full.
        images: whose positions are computed together.
        side: positions along a block, of each image.
        dense: for each block (down, across), from which operation on it is computed in full.
        cost: of all blocks, in multiply-adds, and `full` what the whole computation takes.
    """

    spans: list[Spans | None]
    images: int
    side: int
    dense: Ints
    cost: float
    full: float


def spans_of(network: Network, image: Spans) -> list[Spans | None]:
    """What a patch reaches in the result of each operation."""
    found: list[Spans | None] = []
    for operation, value in zip(network.operations, network.values, strict=True):
        sources = [found[n] for n in operation.sources]
        known = [spans for spans in sources if spans is not None]
        if operation.kind == "input":
            found.append(image)
        elif operation.kind not in ("window", "pointwise") or len(known) < len(sources):
            found.append(None)
        elif operation.window is not None:
            w = operation.window
            settings = zip(value.shape[-2:], w.kernel, w.stride, w.dilation, w.before, strict=True)
            down, across = (
                span.through(*setting) for span, setting in zip(known[0], settings, strict=True)
            )
            found.append((down, across))
        else:
            down, across = known[0]
            for more in known[1:]:
                down, across = down.joined(more[0]), across.joined(more[1])
            found.append((down, across))
    return found


def plan_of(network: Network, image: Spans, wanted: float = 1.0, images: int = 1) -> Plan:
    """The cheapest plan an image, where this share of the positions is wanted.

    Blocks of several images have no more positions than those of one would. As each image then has
    fewer, they lie closer together, and their rectangles are smaller.

    Args:
        network: with the values of one clean image.
        images: how many there are at most.
    """
    spans = spans_of(network, image)
    plans = [plan_with(network, spans, side, wanted) for side in SIDES]
    alone = min(plans, key=lambda plan: plan.cost)
    plans = [alone]
    for count in TOGETHER[1:]:
        if count <= images and count * network.kept <= KEPT:
            plans += [
                plan_with(network, spans, side, wanted, count)
                for side in SIDES
                if count * side**2 <= alone.side**2
            ]
    return min(plans, key=lambda plan: plan.cost / plan.images)


def plan_with(
    network: Network, spans: list[Spans | None], side: int, wanted: float = 1.0, images: int = 1
) -> Plan:
    """The cheapest plan with blocks of side x side positions of so many images."""
    image = next(each for each in spans if each is not None)
    counts = [lengths(len(span.first), side) for span in image]
    positions = wanted * images * np.outer(*counts)  # of each block
    neck = neck_of(network, spans)
    partial, full = [], []
    for number, operation in enumerate(network.operations):
        value, here = network.values[number], spans[number]
        readings = np.minimum(positions, 1) if number <= neck else positions / BEHIND
        weights = PER_WEIGHT * operation.weights * readings
        dense = full_cost(operation, value) * positions + weights
        full.append(dense)
        if here is None or operation.kind == "input":
            partial.append(dense)
        else:
            once = partial_cost(network, operation, value, spans, here, side)
            partial.append(once * positions + weights)
    # costs[k]: the first k operations by rectangles, the others in full
    zero = np.zeros((1, *positions.shape))
    ahead = np.concatenate([zero, np.cumsum(partial, axis=0)])
    behind = np.concatenate([np.cumsum(full[::-1], axis=0)[::-1], zero])
    costs = ahead + behind
    return Plan(
        spans, images, side, costs.argmin(axis=0), float(costs.min(axis=0).sum()),
        float(behind[0].sum()),
    )  # fmt: skip


def neck_of(network: Network, spans: list[Spans | None]) -> int:
    """The operation behind which everything is computed in full and reads nothing before it.

    From there on, blocks can be joined: large full connections are read less often so.
    """
    operations = network.operations
    last = max(n for n, each in enumerate(spans) if each is not None)
    for neck in range(last, len(operations)):
        read = {n for o in operations[neck + 1 :] for n in o.sources if n <= neck}
        if read <= {neck} and neck <= network.output and isinstance(network.values[neck], Tensor):
            return neck
    return network.output


def lengths(count: int, side: int) -> Ints:
    """How many of `count` positions each block of `side` holds.

    >>> lengths(25, 10).tolist()
    [10, 10, 5]
    """
    return np.diff(np.append(np.arange(0, count, side), count))


def full_cost(operation: Operation, value: object) -> float:
    """Of an operation on a whole map of one image."""
    if not isinstance(value, Tensor):
        return 0.0
    return float(value.numel() * (operation.products + PER_NUMBER))


def partial_cost(
    network: Network,
    operation: Operation,
    value: Tensor,
    spans: list[Spans | None],
    here: Spans,
    side: int,
) -> NDArray[np.float64]:
    """Of an operation on the rectangle of one position, for each block."""
    area = np.outer(*(span.widths(side) for span in here)).astype(float)
    cost = area * value.shape[1] * (operation.products + PER_NUMBER)
    for source in operation.sources:
        maps, before = network.values[source], spans[source]
        if operation.window is not None:
            w = operation.window
            read = np.outer(
                *(
                    (span.widths(side) - 1) * s + r
                    for span, s, r in zip(here, w.stride, w.reach, strict=True)
                )
            )
            copied = w.kernel != (1, 1) or w.stride != (1, 1) or w.before != (0, 0)
        else:
            read = area
            copied = before is not None and any(
                (a.first != b.first).any() or (a.end != b.end).any()
                for a, b in zip(before, here, strict=True)
            )
        if copied:
            cost = cost + read * maps.shape[1] * PER_NUMBER + PER_COPY
    return cost
