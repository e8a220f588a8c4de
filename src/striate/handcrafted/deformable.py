"""Deformable part models (Felzenszwalb et al. 2010, PAMI 32(9), Section 3): a root filter, part
filters at twice its resolution, and what it costs a part to leave its place.

    score(p0, ..., pn) = F0 . phi(p0) + sum_i (Fi . phi(pi) - di . (dx, dy, dx², dy²)) + b   (2)

The score of a place is that of the root there with every part where it is best (Section 3.2). The
mirror image of a component is one too, by the same weights: things look left or right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.handcrafted.part_features import MIRRORED
from striate.handcrafted.pyramid import DEPTH, OCTAVE, Pyramid, cell_of
from striate.ops.distance_transform import fetched

REACH = 4  # cells of a part's level that it may leave its place by, either way
LOWEST = 12 * OCTAVE  # the last level a component may look at: its cells cover 16,384 pixels
BENDS = 4  # numbers of a deformation: dx, dy, dx², dy²


@dataclass(frozen=True, eq=False)
class Component:
    """One view of one class of things.

    Attributes:
        kind: class number.
        root: (32, h, w) filter.
        bias: b.
        sides: smallest and largest root that is looked for: the square root of its area in pixels
            of the picture.
        parts: (P, 32, s, s) filters.
        anchors: (P, 2) int64, x and y of a part's place: of its upper left cell, from the root's,
            in cells of the part's level.
        costs: (P, 4) d, of dx, dy, dx² and dy².
        outline: (4, 1 + 2 P): how far x0 y0 x1 y1 of the thing lie from those of the root, in its
            widths and heights, told from 1 and from dx and dy of every part (Section 7.1).
    """

    kind: int
    root: Tensor
    bias: float
    sides: tuple[float, float]
    parts: Tensor = field(default_factory=lambda: torch.zeros(0, DEPTH, 1, 1))
    anchors: Tensor = field(default_factory=lambda: torch.zeros(0, 2, dtype=torch.int64))
    costs: Tensor = field(default_factory=lambda: torch.zeros(0, BENDS))
    outline: Tensor = field(default_factory=lambda: torch.zeros(4, 1))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the root in cells."""
        return self.root.shape[1], self.root.shape[2]

    @property
    def margin(self) -> int:
        """Cells that a root may reach beyond the picture."""
        return max(self.shape) // 2

    def levels(self, every: int = 1) -> tuple[int, ...]:
        """Where the root looks, among the levels that `every` divides; its parts look an octave
        higher. Never empty: the level of the nearest size, where none is inside `sides`."""
        height, width = self.shape
        low, high = self.sides
        known = range(OCTAVE, LOWEST + 1, every)
        side = {k: (height * width) ** 0.5 * cell_of(k) for k in known}
        inside = tuple(k for k, pixels in side.items() if low <= pixels <= high)
        middle = (low * high) ** 0.5
        return inside or (min(side, key=lambda k: abs(side[k] - middle)),)

    @property
    def weights(self) -> Tensor:
        """(D,) all numbers that are learned: the score is their product with `Scored.vectors`."""
        values = [self.root, self.parts, self.costs, self.root.new_tensor([self.bias])]
        return torch.cat([value.flatten() for value in values])

    def but(self, weights: Tensor) -> "Component":
        """The component with other weights (D,)."""
        sizes = [self.root.numel(), self.parts.numel(), self.costs.numel(), 1]
        root, parts, costs, bias = weights.split(sizes)
        return replace(
            self,
            root=root.reshape(self.root.shape),
            parts=parts.reshape(self.parts.shape),
            costs=costs.reshape(self.costs.shape),
            bias=float(bias),
        )

    @cached_property
    def _turn(self) -> tuple[Tensor, Tensor]:
        """(D,) which weight of its own each weight of the mirror image is, and with which sign."""
        sizes = [self.root.numel(), self.parts.numel(), self.costs.numel(), 1]
        root, parts, costs, bias = torch.arange(sum(sizes)).split(sizes)
        channels = [*MIRRORED, DEPTH - 1]
        root = root.reshape(self.root.shape)[channels].flip(2)
        parts = parts.reshape(self.parts.shape)[:, channels].flip(3)
        signs = torch.ones(sum(sizes))
        signs[costs[::BENDS]] = -1  # of dx
        return torch.cat([root.flatten(), parts.flatten(), costs, bias]), signs

    def turned(self, vectors: Tensor) -> Tensor:
        """Weights or vectors (..., D) of this component as its mirror image has them, and back."""
        places, signs = self._turn
        return vectors[..., places] * signs

    @cached_property
    def mirrored(self) -> "Component":
        """What finds the same things looking the other way."""
        width, side = self.root.shape[2], self.parts.shape[3]
        anchors, outline = self.anchors.clone(), turned_boxes(self.outline.T).T.contiguous()
        anchors[:, 0] = 2 * width - side - anchors[:, 0]
        outline[:, 1::2] *= -1  # of dx
        one = self.but(self.turned(self.weights))
        return replace(one, anchors=anchors, outline=outline)


def turned_boxes(boxes: Tensor) -> Tensor:
    """x0 y0 x1 y1 (..., 4) from a middle, with left and right exchanged."""
    return boxes[..., [2, 1, 0, 3]] * boxes.new_tensor([-1.0, 1.0, -1.0, 1.0])


def needed_levels(
    components: Sequence[Component], *, parts: bool = False, every: int = 1
) -> set[int]:
    """The levels of a pyramid that these components read; with `parts`, those that parts they do
    not have yet will read, too."""
    roots = {level for one in components for level in one.levels(every)}
    some = (one for one in components if parts or len(one.parts))
    return roots | {level - OCTAVE for one in some for level in one.levels(every)}


@dataclass(frozen=True, eq=False)
class Places:
    """Roots in one picture.

    Attributes:
        levels, rows, columns: (K,) int64; row and column of the upper left cell, counted from
            `margin` cells beyond the picture.
        scores: (K,).
        boxes: (K, 4) x0 y0 x1 y1 in pixels of the picture, reaching beyond it where the root does.
    """

    levels: Tensor
    rows: Tensor
    columns: Tensor
    scores: Tensor
    boxes: Tensor

    def __len__(self) -> int:
        return len(self.levels)

    def take(self, which: Tensor) -> "Places":
        """Those places, in that order."""
        return Places(
            self.levels[which],
            self.rows[which],
            self.columns[which],
            self.scores[which],
            self.boxes[which],
        )


class Scored:
    """One component on one picture: the score of every place.

    Attributes:
        maps: by level, (H, W) scores of the roots whose upper left cell is there, counted from
            `margin` cells beyond the picture.
    """

    def __init__(self, component: Component, picture: Pyramid, answers: "Answers | None" = None):
        self.component, self.size = component, picture.size
        self._seen = answers if answers is not None else answers_of([component], picture)[0]
        self.maps: dict[int, Tensor] = {}
        for level, one in self._seen.items():
            total = one.roots + component.bias
            if one.parts is not None:
                for best, (x, y) in zip(
                    fetched(one.parts, component.costs, reach=REACH),
                    (component.anchors + REACH).tolist(),
                    strict=True,
                ):
                    rows, columns = total.shape
                    total += best[y : y + 2 * rows : 2, x : x + 2 * columns : 2]
            self.maps[level] = total

    @classmethod
    def both(cls, component: Component, picture: Pyramid) -> "tuple[Scored, Scored]":
        """A component and its mirror image."""
        pair = (component, component.mirrored)
        first, second = answers_of(pair, picture)
        return cls(pair[0], picture, first), cls(pair[1], picture, second)

    def edges(self, level: int) -> tuple[Tensor, Tensor, float, float]:
        """Of the roots at a level: left edges (W,), upper edges (H,), width and height, pixels."""
        cell, (height, width) = cell_of(level), self.component.shape
        rows, columns = self.maps[level].shape
        left = (torch.arange(columns) - self.component.margin) * cell
        upper = (torch.arange(rows) - self.component.margin) * cell
        return left, upper, width * cell, height * cell

    def places(self, level: int, rows: Tensor, columns: Tensor) -> Places:
        """The roots at these rows and columns (K,) of a level."""
        left, upper, width, height = self.edges(level)
        x, y = left[columns], upper[rows]
        boxes = torch.stack([x, y, x + width, y + height], 1)
        scores = self.maps[level][rows, columns]
        return Places(torch.full_like(rows, level), rows, columns, scores, boxes)

    def best(self, least: float, most: int, allowed: dict[int, Tensor] | None = None) -> Places:
        """The places with a score of `least` or more, best first, `most` at the highest.

        Args:
            allowed: by level, (H, W) bool: which places are meant; None: all.
        """
        found = [none()]
        for level, scores in self.maps.items():
            good = scores >= least
            if allowed is not None:
                good &= allowed[level]
            rows, columns = good.nonzero(as_tuple=True)
            found.append(self.places(level, rows, columns))
        every = joined(found)
        order = every.scores.argsort(descending=True, stable=True)
        return every.take(order[:most])

    def displaced(self, level: int, rows: Tensor, columns: Tensor) -> Tensor:
        """Where each part of these roots is best: (K, P, 2) dx and dy in cells of its level."""
        one = self.component
        raw = self._seen[level].parts
        if raw is None:
            return torch.zeros(len(rows), 0, 2, dtype=torch.int64)
        steps = torch.arange(-REACH, REACH + 1)
        x, y = (one.anchors + REACH).unbind(1)  # from the margin of the finer level
        down = (2 * rows[:, None] + y)[:, :, None] + steps  # (K, P, 2 R + 1)
        across = (2 * columns[:, None] + x)[:, :, None] + steps
        number = torch.arange(len(one.parts))[:, None, None]
        windows = raw[number, down[:, :, :, None], across[:, :, None, :]]
        square = steps.float().square()
        way = one.costs[:, 1, None] * steps + one.costs[:, 3, None] * square  # (P, 2 R + 1)
        aside = one.costs[:, 0, None] * steps + one.costs[:, 2, None] * square
        windows = windows - way[:, :, None] - aside[:, None, :]
        best = windows.flatten(2).argmax(2)
        span = len(steps)
        return torch.stack([best % span, best // span], 2) - REACH

    def outlined(self, places: Places) -> Tensor:
        """(K, 4): the boxes of the things themselves, told from roots and parts; one that would be
        turned over is as its root."""
        told = torch.zeros(len(places), 4)
        for level in places.levels.unique().tolist():
            mine = (places.levels == level).nonzero().flatten()
            moves = self.displaced(level, places.rows[mine], places.columns[mine]).flatten(1)
            known = torch.cat([torch.ones(len(mine), 1), moves.float()], 1)
            told[mine] = known @ self.component.outline.T
        sides = (places.boxes[:, 2:] - places.boxes[:, :2]).repeat(1, 2)
        boxes = places.boxes + told * sides
        whole = (boxes[:, 2:] > boxes[:, :2]).all(1, keepdim=True)
        return torch.where(whole, boxes, places.boxes)

    def vectors(self, places: Places) -> Tensor:
        """(K, D): what the weights of the component are multiplied with at each place."""
        out = torch.zeros(len(places), len(self.component.weights))
        for level in places.levels.unique().tolist():
            mine = (places.levels == level).nonzero().flatten()
            out[mine] = self._vectors(level, places.rows[mine], places.columns[mine])
        return out

    def _vectors(self, level: int, rows: Tensor, columns: Tensor) -> Tensor:
        one = self._seen[level]
        moves = self.displaced(level, rows, columns)
        return vectors_at(self.component, one.wide, one.finer, rows, columns, moves)


class Answer(NamedTuple):
    """What the filters of a component answer at a level: `planes`, and their maps."""

    wide: Tensor
    finer: Tensor | None
    roots: Tensor
    parts: Tensor | None


Answers = dict[int, Answer]  # by level


def answers_of(components: Sequence[Component], picture: Pyramid) -> list[Answers]:
    """The answers of each of several components of one form, read together: a few filters more cost
    a processor next to nothing."""
    one, count = components[0], len(components[0].parts)
    roots = torch.stack([each.root for each in components])
    parts = torch.cat([each.parts for each in components])
    found: list[Answers] = [{} for _ in components]
    for level in one.levels(picture.every):
        if level not in picture.levels or (count and level - OCTAVE not in picture.levels):
            continue
        wide, finer = planes(one, picture, level)
        rough = convolved(wide, roots)
        fine = None if finer is None else convolved(finer, parts)
        for number, mine in enumerate(found):
            own = None if fine is None else fine[number * count : (number + 1) * count]
            mine[level] = Answer(wide, finer, rough[number], own)
    return found


def planes(component: Component, picture: Pyramid, level: int) -> tuple[Tensor, Tensor | None]:
    """What the root of a component reads at a level, and what its parts read, with the cells beyond
    the picture that they may reach."""
    margin = component.margin
    wide = picture.padded(level, margin)
    if not len(component.parts):
        return wide, None
    height, width = picture.levels[level].shape[1:]
    twice = (2 * height, 2 * width)
    return wide, picture.padded(level - OCTAVE, 2 * margin + REACH, twice)


def vectors_at(
    one: Component,
    wide: Tensor,
    finer: Tensor | None,
    rows: Tensor,
    columns: Tensor,
    moves: Tensor,
) -> Tensor:
    """(K, D): what the weights of a component are multiplied with where its root is at these rows
    and columns (K,) of `planes` and its parts have moved by (K, P, 2)."""
    height, width = one.shape
    values = [crops(wide, rows, columns, height, width).flatten(1)]
    if finer is not None:
        place = moves + one.anchors + REACH
        x, y = place.unbind(2)
        down, across = (2 * rows[:, None] + y).flatten(), (2 * columns[:, None] + x).flatten()
        side = one.parts.shape[2]
        values.append(crops(finer, down, across, side, side).reshape(len(rows), -1))
        values.append(-torch.cat([moves, moves**2], 2).flatten(1).float())
    return torch.cat([*values, torch.ones(len(rows), 1)], 1)


def moves_in(one: Component, vectors: Tensor) -> Tensor:
    """(K, P, 2): by how much the parts of a component have moved in its vectors (K, D)."""
    count, end = one.costs.numel(), vectors.shape[1] - 1
    ways = -vectors[:, end - count : end]
    return ways.reshape(len(vectors), len(one.costs), BENDS)[:, :, :2]


def convolved(features: Tensor, filters: Tensor) -> Tensor:
    """Features (32, H, W) under filters (P, 32, h, w): (P, H - h + 1, W - w + 1); what no filter
    fits into is padded by the caller."""
    return F.conv2d(features[None], filters)[0]


def crops(features: Tensor, rows: Tensor, columns: Tensor, height: int, width: int) -> Tensor:
    """(K, 32, height, width): features (32, H, W) from these upper left cells on."""
    down = rows[:, None, None] + torch.arange(height)[:, None]
    across = columns[:, None, None] + torch.arange(width)
    return features[:, down, across].permute(1, 0, 2, 3)


def none() -> Places:
    """No place."""
    numbers = torch.zeros(0, dtype=torch.int64)
    return Places(numbers, numbers, numbers, torch.zeros(0), torch.zeros(0, 4))


def joined(places: list[Places]) -> Places:
    """All of them, in order."""
    names = ("levels", "rows", "columns", "scores", "boxes")
    return Places(*(torch.cat([getattr(one, name) for one in places]) for name in names))
