"""Recomputes, for many positions of a patch at once, only what the patch can reach.

Of every operation the results for some clean images are kept. A block of positions then goes
through the network as one tensor of rectangles: each operation reads its windows out of the kept
maps, with the rectangles that were just recomputed put in their place (Nakandala, Kumar &
Papakonstantinou, "Incremental and approximate inference for faster occlusion-based deep CNN
explanations", SIGMOD 2019, Section 4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.visualize.graph import Network
from striate.visualize.rectangles import BEHIND, Plan, Spans, neck_of
from striate.visualize.windows import Window


@dataclass(frozen=True)
class Region:
    """Where the rectangles of a block lie in maps: an image and a corner for each, one size."""

    images: tuple[int, ...]
    corners: tuple[tuple[int, int], ...]
    size: tuple[int, int]

    def read_by(self, window: Window) -> "Region":
        """What an operation reads to compute this, counted in the map with its border."""
        (down, across), (rows, columns) = window.stride, window.reach
        return Region(
            self.images,
            tuple((top * down, left * across) for top, left in self.corners),
            ((self.size[0] - 1) * down + rows, (self.size[1] - 1) * across + columns),
        )

    def moved(self, by: tuple[int, int]) -> "Region":
        """The same in a map with so many more places in front."""
        corners = tuple((top + by[0], left + by[1]) for top, left in self.corners)
        return Region(self.images, corners, self.size)

    def covers(self, value: Tensor) -> bool:
        """Whether each rectangle is the whole map."""
        return self.size == tuple(value.shape[-2:])


@dataclass(frozen=True)
class Block:
    """Positions that are computed together.

    Attributes:
        images: (B,) the number of each one's image.
        positions: (B, 2) their numbers, down and across.
        spans: what they reach in each result.
        dense: from which operation on they are computed in full.
    """

    images: NDArray[np.int64]
    positions: NDArray[np.int64]
    spans: list[Spans | None]
    dense: int = 0


@dataclass(frozen=True)
class Answers:
    """The answers of the network for some positions.

    Attributes:
        images: (B,) the number of each one's image.
        positions: (B, 2) numbers of the positions, down and across.
        logits: (B, classes).
        totals: (B,) of the watched channel of the watched layer; None without.
    """

    images: NDArray[np.int64]
    positions: NDArray[np.int64]
    logits: Tensor
    totals: Tensor | None


class Recomputation:
    """A network, the clean images' maps, and what replaces the pixels of a patch.

    Args:
        fill: (1, C, 1, 1).
        channels: of the watched layer, one an image.
    """

    def __init__(self, network: Network, fill: Tensor, channels: Sequence[int]):
        self.network, self.fill = network, fill
        self.channels = torch.tensor(channels, device=fill.device)
        self.bordered: dict[tuple, Tensor] = {}
        self.last_use = [0] * len(network.operations)
        for number, operation in enumerate(network.operations):
            for source in operation.sources:
                self.last_use[source] = number
        self.last_use[network.output] = len(network.operations)

    def answers(self, plan: Plan, wanted: NDArray[np.bool_]) -> Iterator[Answers]:
        """Every block goes to the neck of the network by itself, then some together to its end.

        Args:
            wanted: (rows, columns), which positions are computed, of every image.
        """
        neck = neck_of(self.network, plan.spans)
        waiting: list[tuple[Block, Tensor, Tensor | None]] = []
        for block in blocks_of(plan, wanted, len(self.channels)):
            waiting.append((block, *self.forward(block, {}, {}, range(neck + 1))))
            if sum(len(each.positions) for each, _, _ in waiting) >= BEHIND:
                yield self.end(neck, waiting)
                waiting = []
        if waiting:
            yield self.end(neck, waiting)

    def end(self, neck: int, blocks: list[tuple[Block, Tensor, Tensor | None]]) -> Answers:
        """From the neck of the network to its answers."""
        images = np.concatenate([block.images for block, _, _ in blocks])
        positions = np.concatenate([block.positions for block, _, _ in blocks])
        maps = torch.cat([each for _, each, _ in blocks])
        seen = [each for _, _, each in blocks if each is not None]
        totals = torch.cat(seen) if seen else None
        if neck == self.network.output:
            return Answers(images, positions, maps, totals)
        behind = range(neck + 1, self.network.output + 1)
        together = Block(images, positions, [None] * len(self.network.operations))
        logits, later = self.forward(together, {neck: maps}, {neck: None}, behind)
        return Answers(images, positions, logits, later if totals is None else totals)

    def forward(
        self,
        block: Block,
        held: dict[int, Any],
        regions: dict[int, Region | None],
        operations: range,
    ) -> tuple[Tensor, Tensor | None]:
        """Runs some operations for a block; gives the last one's result, whole, and the totals.

        Args:
            held: results so far: rectangles, or whole where there is no region.
        """
        network, totals = self.network, None

        def whole(number: int) -> Any:
            if number not in held:
                return network.values[number]
            region = regions[number]
            if region is not None:
                held[number] = self.complete(number, held[number], region)
                regions[number] = None
            return held[number]

        for number in operations:
            operation = network.operations[number]
            if operation.kind == "constant":
                continue
            region = self.region(block, number)
            if operation.kind == "input":
                assert region is not None
                held[number] = self.fill.expand(len(block.positions), -1, *region.size)
            elif operation.kind == "shape":
                held[number] = operation.call(
                    lambda n: stand_in(network.values[n], len(block.positions), held.get(n))
                )
            elif region is None or any(regions[n] is None for n in operation.sources):
                region = None
                held[number] = operation.call(whole)
            elif operation.window is not None:
                held[number] = self.through(operation.window, number, region, held, regions)
            else:
                pieces = {n: self.within(n, held[n], regions[n], region) for n in operation.sources}
                held[number] = operation.call(
                    lambda n: pieces[n] if n in pieces else network.values[n]  # noqa: B023
                )
            regions[number] = region
            if number == network.layer:
                totals = self.total(number, held[number], block, region)
            for source in operation.sources:
                if self.last_use[source] == number:
                    held.pop(source, None)
        return whole(operations[-1]), totals

    def region(self, block: Block, number: int) -> Region | None:
        """Where a block's rectangles lie in a result; None where it is computed whole."""
        spans = block.spans[number]
        if spans is None:
            return None
        (tops, rows), (lefts, columns) = (
            span.starts(chosen) for span, chosen in zip(spans, block.positions.T, strict=True)
        )
        corners = tuple(zip(tops, lefts, strict=True))
        region = Region(tuple(block.images.tolist()), corners, (rows, columns))
        if self.network.operations[number].kind == "input":
            return region
        covers = region.covers(self.network.values[number])
        return None if covers or number >= block.dense else region

    def through(
        self,
        window: Window,
        number: int,
        region: Region,
        held: dict[int, Tensor],
        regions: dict[int, Region | None],
    ) -> Tensor:
        """The rectangles that an operation makes of its source's."""
        (source,) = self.network.operations[number].sources
        read, there = region.read_by(window), regions[source]
        assert there is not None
        there = there.moved(window.before)
        if read == there:
            piece = held[source]
        else:
            piece = pasted(
                gathered(self.with_border(source, number, window), read),
                read, held[source], there,
            )  # fmt: skip
        result = window.apply(piece)
        if window.share is not None:
            result = result * gathered(window.share, region)
        return result

    def within(self, number: int, rectangles: Tensor, there: Region | None, here: Region) -> Tensor:
        """What a result holds in another region."""
        assert there is not None
        if there == here:
            return rectangles
        return pasted(gathered(self.network.values[number], here), here, rectangles, there)

    def complete(self, number: int, rectangles: Tensor, region: Region | None) -> Tensor:
        """Whole maps, with the rectangles in their place."""
        assert region is not None
        clean = self.network.values[number]
        if region.covers(clean):
            return rectangles
        corners = ((0, 0),) * len(rectangles)
        everything = Region(region.images, corners, tuple(clean.shape[-2:]))
        return pasted(gathered(clean, everything), everything, rectangles, region)

    def with_border(self, source: int, number: int, window: Window) -> Tensor:
        """A clean map with the border that an operation reads around it; kept."""
        clean, result = self.network.values[source], self.network.values[number]
        behind = [
            max((out - 1) * s + r - side - b, 0)
            for out, s, r, side, b in zip(
                result.shape[-2:], window.stride, window.reach, clean.shape[-2:], window.before,
                strict=True,
            )
        ]  # fmt: skip
        around = (window.before[1], behind[1], window.before[0], behind[0])
        if not any(around):
            return clean
        key = source, around, window.outside
        if key not in self.bordered:
            self.bordered[key] = F.pad(clean, around, value=window.outside).contiguous(
                memory_format=layout(clean)
            )
        return self.bordered[key]

    def total(self, number: int, result: Tensor, block: Block, region: Region | None) -> Tensor:
        """The sum of each image's watched channel, for each position."""
        images = torch.from_numpy(block.images).to(self.channels.device)
        now = per_image(watched(result, self.channels[images]))
        if region is None:
            return now
        clean = watched(self.network.values[number], self.channels)
        return per_image(clean)[images] + now - per_image(gathered(clean, region))


def watched(maps: Tensor, channels: Tensor) -> Tensor:
    """(B, 1, ...): one channel of each."""
    return maps[torch.arange(len(maps), device=maps.device), channels][:, None]


def blocks_of(plan: Plan, wanted: NDArray[np.bool_], images: int) -> Iterator[Block]:
    """The wanted positions, block by block, each of every image."""
    for corner in np.ndindex(*plan.dense.shape):
        down, across = (slice(n * plan.side, (n + 1) * plan.side) for n in corner)
        inside = np.argwhere(wanted[down, across])
        if len(inside):
            first = np.array([down.start, across.start])
            yield Block(
                np.repeat(np.arange(images), len(inside)), np.tile(inside + first, (images, 1)),
                plan.spans, int(plan.dense[corner]),
            )  # fmt: skip


def per_image(maps: Tensor) -> Tensor:
    """The sum over everything but the batch, in double precision."""
    return maps.double().flatten(1).sum(1)


def layout(maps: Tensor) -> torch.memory_format:
    """How a map lies in memory: channels last on a processor, where rectangles copy faster so."""
    cpu = maps.device.type == "cpu"
    return torch.channels_last if cpu and maps.ndim == 4 else torch.preserve_format


def stand_in(clean: object, count: int, held: object) -> object:
    """What is held, or for a tensor something of that size, of which only the size is read."""
    if not isinstance(clean, Tensor):
        return clean if held is None else held
    return clean.new_empty(1).expand(count, *clean.shape[1:])


def gathered(maps: Tensor, region: Region) -> Tensor:
    """(B, C, h, w): the rectangles of a region, copied out of maps (N, C, H, W) of all images, or
    (1, C, H, W) that are the same for all."""
    rows, columns = region.size
    shape = (len(region.corners), maps.shape[1], rows, columns)
    pieces = torch.empty(
        shape,
        dtype=maps.dtype,
        device=maps.device,
        memory_format=torch.channels_last if maps.device.type == "cpu" else torch.contiguous_format,
    )
    sources = list(maps) if len(maps) > 1 else [maps[0]] * (max(region.images) + 1)
    for piece, image, (top, left) in zip(pieces, region.images, region.corners, strict=True):
        piece.copy_(sources[image][:, top : top + rows, left : left + columns])
    return pieces


def pasted(maps: Tensor, here: Region, rectangles: Tensor, there: Region) -> Tensor:
    """Puts rectangles into maps that lie `here`, as far as they overlap; in place."""
    for number, ((top, left), (down, across)) in enumerate(
        zip(here.corners, there.corners, strict=True)
    ):
        first, begin = max(top, down), max(left, across)
        last = min(top + here.size[0], down + there.size[0])
        stop = min(left + here.size[1], across + there.size[1])
        if first < last and begin < stop:
            maps[number, :, first - top : last - top, begin - left : stop - left] = rectangles[
                number, :, first - down : last - down, begin - across : stop - across
            ]
    return maps
