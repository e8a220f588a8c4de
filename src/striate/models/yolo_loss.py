"""The loss of YOLO (Redmon et al. 2015, arXiv:1506.02640, Section 2.2): Equation 3.

What the network predicts for a cell is B boxes of five numbers, x, y, a, b and a confidence, then C
class probabilities: (x, y) is the center, in cells from the cell's upper left corner; a^2 and b^2
are width and height, as shares of the picture's. So a and b are the square roots that Equation 3
compares, and no box has a negative side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.models.matching import Targets
from striate.ops.boxes import areas

COORDINATES = 5.0  # lambda_coord
NOTHING = 0.5  # lambda_noobj


@dataclass(frozen=True)
class Responsible:
    """Which boxes of which cells are responsible for what, in one image of S x S cells.

    Attributes:
        cells, boxes: (R,) of each box that is responsible for an object: row * S + column, and its
            number.
        wanted: (R, 4) its target: x, y, a, b.
        overlap: (R,) with its object now, the target of its confidence.
        silent: (S * S,) bool, the cells where detecting something is no mistake.
        occupied: (O,) the cells with an object.
        shares: (O, C) of the objects in such a cell, the share that is of each class.
    """

    cells: Tensor
    boxes: Tensor
    wanted: Tensor
    overlap: Tensor
    silent: Tensor
    occupied: Tensor
    shares: Tensor


def split(predicted: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """(N, S, S, 5 B + C) to boxes as predicted (N, S S, B, 4), confidences (N, S S, B) and class
    probabilities (N, S S, C)."""
    cells = predicted.flatten(1, 2)
    each = cells[..., : cells.shape[-1] - classes].unflatten(-1, (-1, 5))
    return each[..., :4], each[..., 4], cells[..., cells.shape[-1] - classes :]


def corners(predicted: Tensor, cells: Tensor, grid: int) -> Tensor:
    """Boxes (..., 4) as predicted in `cells` (...) to x0 y0 x1 y1, in shares of the picture."""
    corner = torch.stack([cells % grid, cells // grid], -1).to(predicted)
    center, half = (predicted[..., :2] + corner) / grid, predicted[..., 2:] ** 2 / 2
    return torch.cat([center - half, center + half], -1)


def losses(
    predicted: Tensor, targets: Sequence[Targets], size: tuple[int, int], classes: int
) -> dict[str, Tensor]:
    """The five sums of Equation 3 by name, means over the images.

    Args:
        predicted: (N, S, S, 5 B + C).
        size: height and width of the pictures that `targets` lie in.
    """
    boxes, confidences, shares = split(predicted, classes)
    total: dict[str, Tensor] = {}
    for number, target in enumerate(targets):
        with torch.no_grad():
            answer = responsible(boxes[number], target, size, classes)
        for name, loss in errors(
            boxes[number], confidences[number], shares[number], answer
        ).items():
            total[name] = total.get(name, 0) + loss / len(targets)
    return total


def errors(
    boxes: Tensor, confidences: Tensor, shares: Tensor, answer: Responsible
) -> dict[str, Tensor]:
    """The five sums for one image: boxes (S S, B, 4), confidences (S S, B), shares (S S, C)."""
    error = (boxes[answer.cells, answer.boxes] - answer.wanted) ** 2
    nothing = ~answer.silent[:, None].expand_as(confidences)
    nothing = nothing.index_put((answer.cells, answer.boxes), nothing.new_zeros(()))
    sure = confidences[answer.cells, answer.boxes]
    return {
        "centers": COORDINATES * error[:, :2].sum(),
        "sides": COORDINATES * error[:, 2:].sum(),
        "confidences": ((sure - answer.overlap) ** 2).sum(),
        "nothing": NOTHING * (confidences[nothing] ** 2).sum(),
        "class_shares": ((shares[answer.occupied] - answer.shares) ** 2).sum(),
    }


def responsible(boxes: Tensor, target: Targets, size: tuple[int, int], classes: int) -> Responsible:
    """Each object belongs to the cell of its center and there to the box that overlaps it most.

    Where several objects share a cell, the pair that overlaps most comes first and takes both out
    of the choice; of equal ones (none overlaps, as at the beginning) the one whose four numbers are
    closer. Objects beyond B in a cell have no box.

    Args:
        boxes: (S S, B, 4), as predicted.
        size: height and width of the picture that `target` lies in.
    """
    grid, count = round(len(boxes) ** 0.5), boxes.shape[1]
    sides = boxes.new_tensor([size[1], size[0]] * 2)
    truth, ignored = target.boxes.to(boxes) / sides, target.ignored.to(boxes) / sides
    home, wanted = _coded(truth, grid)
    found = corners(boxes[home], home[:, None].expand(-1, count), grid)  # (K, B, 4)
    table = _overlaps(truth[:, None].expand_as(found), found)
    distance = ((boxes[home] - wanted[:, None]) ** 2).sum(-1)  # (K, B)
    pairs = _pairs(home.tolist(), table.tolist(), distance.tolist())
    number, box = torch.tensor(pairs, dtype=torch.long, device=boxes.device).view(-1, 2).unbind(1)
    occupied, place = home.unique(return_inverse=True)
    shares = boxes.new_zeros(len(occupied), classes)
    shares.index_put_((place, target.classes), boxes.new_ones(()), accumulate=True)
    return Responsible(
        home[number],
        box,
        wanted[number],
        table[number, box],
        _silent(ignored, grid),
        occupied,
        shares / shares.sum(1, keepdim=True),
    )


def _overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4) with those at their places: (...)."""
    shared = areas(
        torch.cat(
            [
                torch.maximum(first[..., :2], second[..., :2]),
                torch.minimum(first[..., 2:], second[..., 2:]),
            ],
            -1,
        )
    )
    union = areas(first) + areas(second) - shared
    return shared / union.clamp(min=torch.finfo(shared.dtype).tiny)


def _coded(truth: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """The cell (K,) of each box's center, and the four numbers (K, 4) that describe it there."""
    place = (truth[:, :2] + truth[:, 2:]) / 2 * grid
    corner = place.floor().clamp(0, grid - 1)
    roots = (truth[:, 2:] - truth[:, :2]).clamp(min=0).sqrt()
    return (corner[:, 1] * grid + corner[:, 0]).long(), torch.cat([place - corner, roots], 1)


def _pairs(
    home: list[int], table: list[list[float]], distance: list[list[float]]
) -> list[tuple[int, int]]:
    """(object, box) of all responsible boxes, the most overlapping pair first."""
    order = sorted(
        (-overlap, distance[number][box], number, box)
        for number, row in enumerate(table)
        for box, overlap in enumerate(row)
    )
    pairs: list[tuple[int, int]] = []
    settled: set[int] = set()
    taken: set[tuple[int, int]] = set()
    for _, _, number, box in order:
        if number not in settled and (home[number], box) not in taken:
            settled.add(number)
            taken.add((home[number], box))
            pairs.append((number, box))
    return pairs


def _silent(ignored: Tensor, grid: int) -> Tensor:
    """(S * S,) bool: the cells whose middle lies in an ignored region, or that hold its center."""
    silent = torch.zeros(grid * grid, dtype=torch.bool, device=ignored.device)
    middle = (torch.arange(grid, device=ignored.device, dtype=ignored.dtype) + 0.5) / grid
    x = (middle >= ignored[:, 0:1]) & (middle <= ignored[:, 2:3])  # (J, S)
    y = (middle >= ignored[:, 1:2]) & (middle <= ignored[:, 3:4])
    silent |= (y[:, :, None] & x[:, None]).any(0).flatten()
    silent[_coded(ignored, grid)[0]] = True
    return silent
