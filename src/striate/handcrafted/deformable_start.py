"""How a deformable part model begins (Felzenszwalb et al. 2010, Section 5.2): the shape of its root
from the boxes, the places of its parts from the root."""

from dataclasses import replace
from math import log

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.handcrafted.deformable import Component
from striate.handcrafted.pyramid import DEPTH, OCTAVE, cell_of

ENOUGH = 20  # boxes of a shape, for a component of their own
SQUARE = 1.5  # sides that differ by less are one shape
LONGEST = 16  # cells of a root's longer side
THINNEST = 3  # and of the shorter
SLACK = 1.1  # sizes that are looked for, beyond those of nearly all boxes
FIRST_COST = 0.1  # of dx² and dy² before anything is learned


def begun(boxes: Tensor, kind: int, *, cells: tuple[int, int]) -> list[Component]:
    """The empty components of a class with these boxes (N, 4), N above 0: one, or one for those
    that are rather tall and one for those that are rather wide (Section 5.2, phase 1).

    A root has the shape of the middle box; its size, that of the smaller boxes, so that most are
    seen at full resolution, but between `cells`, the fewest and the most.
    """
    width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
    shape = torch.log(height / width)
    groups = [torch.ones_like(shape, dtype=torch.bool)]
    if float(shape.abs().quantile(0.9)) > log(SQUARE):
        tall = shape > shape.median()
        if min(int(tall.sum()), int((~tall).sum())) >= ENOUGH:
            groups = [tall, ~tall]
    components = []
    for group in groups:
        area, stretch = (height * width)[group], float(shape[group].median().exp())
        low, high = area.sqrt().quantile(torch.tensor([0.03, 0.97])).tolist()
        small = float(area.quantile(0.2)) / cell_of(OCTAVE) ** 2
        count = min(max(small, cells[0]), cells[1])
        sides = ((count * stretch) ** 0.5, (count / stretch) ** 0.5)
        rows, columns = (min(max(round(side), THINNEST), LONGEST) for side in sides)
        root = torch.zeros(DEPTH, rows, columns)
        components.append(Component(kind, root, 0.0, (low / SLACK, high * SLACK)))
    return components


def with_parts(component: Component, *, count: int, covered: float) -> Component:
    """The component with parts where its root is strong (Section 5.2, phase 3): one after the
    other, each where the positive weights that no part covers yet are largest.

    A part lies in the middle between left and right, or beside it with another in the mirrored
    place; the two then learn by themselves. All are squares of one size, where the paper chooses
    among a few shapes. They are the root at twice the resolution; the two then share the root's
    score.

    Args:
        covered: cells of all parts beside the cells of the root at their level.
    """
    rows, columns = component.shape
    area = covered * 4 * rows * columns / count
    side = max(2, min(2 * round(area**0.5 / 2), 2 * rows, 2 * columns))  # even, as the root is here
    finer = F.interpolate(component.root[None], scale_factor=2, mode="bilinear")[0]
    energy = finer[:-1].clamp(min=0).square().sum(0)
    energy = (energy + energy.flip(1)) / 2
    middle = columns - side // 2
    anchors: list[tuple[int, int]] = []
    while len(anchors) < count:
        sums = F.avg_pool2d(energy[None, None], side, 1)[0, 0]
        beside = columns - side + 1 if count - len(anchors) > 1 else 0  # not across the middle
        allowed = [*range(max(0, beside)), middle]
        y, place = divmod(int(sums[:, allowed].argmax()), len(allowed))
        x = allowed[place]
        for left in dict.fromkeys((x, 2 * columns - side - x)):
            anchors.append((left, y))
            energy[y : y + side, left : left + side] = 0
    parts = [finer[:, y : y + side, x : x + side] / 8 for x, y in anchors]
    costs = torch.tensor([0.0, 0.0, FIRST_COST, FIRST_COST]).repeat(len(parts), 1)
    return replace(
        component,
        root=component.root / 2,
        parts=torch.stack(parts),
        anchors=torch.tensor(anchors),
        costs=costs,
        outline=torch.zeros(4, 1 + 2 * len(parts)),
    )
