"""Equation 3 by hand, against loops in float64, and its gradient."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from striate.models.matching import Targets
from striate.models.yolo_loss import corners, errors, losses, responsible, split

NAMES = ["centers", "sides", "confidences", "nothing", "class_shares"]
NONE = torch.zeros(0, 4)


def things(*boxes: tuple[float, float, float, float], classes: list[int]) -> Targets:
    return Targets(torch.tensor(boxes).view(-1, 4), torch.tensor(classes), NONE)


def cell(*boxes: tuple[float, ...], shares: tuple[float, ...]) -> Tensor:
    return torch.tensor([number for box in boxes for number in box] + list(shares))


def test_one_thing_by_hand() -> None:
    # 100 x 100 pixels in 2 x 2 cells; the thing 60 10 100 26: center (80, 18), so row 0, column 1,
    # there (0.6, 0.36); sides 0.4 and 0.16 of the picture, their roots 0.632 and 0.4.
    predicted = torch.zeros(1, 2, 2, 12)
    fits = (0.5, 0.36, math.sqrt(0.4), 0.4, 0.7)  # 0.1 cell = 5 pixels too far left
    predicted[0, 0, 1] = cell((0.5, 0.5, 0.2, 0.2, 0.3), fits, shares=(0.1, 0.8))
    predicted[0, 1, 0] = cell((0, 0, 0, 0, 0.4), (0, 0, 0, 0, 0), shares=(1, 1))
    got = losses(predicted, [things((60, 10, 100, 26), classes=[1])], (100, 100), 2)
    overlap = 35 / 45  # moved by 5 of 40 pixels
    assert list(got) == NAMES
    assert got["centers"] == pytest.approx(5 * 0.1**2)
    assert got["sides"] == pytest.approx(0, abs=1e-10)
    assert got["confidences"] == pytest.approx((0.7 - overlap) ** 2)
    assert got["nothing"] == pytest.approx(0.5 * (0.3**2 + 0.4**2))
    assert got["class_shares"] == pytest.approx(0.1**2 + 0.2**2)  # in its cell alone


def test_sides_are_compared_by_their_roots() -> None:
    predicted = torch.zeros(1, 1, 1, 6)
    predicted[0, 0, 0] = torch.tensor([0.5, 0.5, 0.5, 0.7, 0, 1])
    got = losses(predicted, [things((0, 0, 64, 36), classes=[0])], (100, 100), 1)
    assert got["centers"] == pytest.approx(5 * (0.18**2 + 0.32**2))
    assert got["sides"] == pytest.approx(5 * (0.3**2 + 0.1**2))


def test_told_boxes_are_where_they_should_be() -> None:
    predicted = torch.tensor([[0.5, 0.25, 0.5, math.sqrt(0.5)]])
    # cell 5 of 4 x 4 is row 1, column 1: center (1.5, 1.25) / 4, sides 0.25 and 0.5
    assert corners(predicted, torch.tensor([5]), 4)[0].tolist() == pytest.approx(
        [0.25, 0.0625, 0.5, 0.5625]
    )


def test_two_things_of_a_cell_take_a_box_each() -> None:
    large, small = (10.0, 10, 90, 90), (40.0, 40, 60, 60)
    boxes = torch.tensor([[[0.5, 0.5, math.sqrt(0.8), math.sqrt(0.8)], [0.5, 0.5, 0.9, 0.9]]])
    answer = responsible(boxes, things(small, large, classes=[0, 1]), (100, 100), 3)
    assert list(zip(answer.boxes.tolist(), answer.wanted[:, 2].tolist(), strict=True)) == [
        (0, pytest.approx(math.sqrt(0.8))),  # the large one: it overlaps box 0 wholly
        (1, pytest.approx(math.sqrt(0.2))),  # what is left for the small one
    ]
    assert answer.overlap[0] == pytest.approx(1)
    assert answer.occupied.tolist() == [0]
    assert answer.shares.tolist() == [[0.5, 0.5, 0]]


def test_a_third_thing_of_a_cell_has_no_box() -> None:
    many = things(*[(40.0, 40.0, 60.0 + k, 60.0) for k in range(3)], classes=[0, 0, 1])
    answer = responsible(torch.rand(1, 2, 4), many, (100, 100), 2)
    assert len(answer.cells) == 2
    assert answer.shares[0].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_nobody_overlaps_then_the_closer_numbers_answer() -> None:
    boxes = torch.tensor([[[0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 0.4]]])
    answer = responsible(boxes, things((20, 20, 80, 80), classes=[0]), (100, 100), 1)
    assert answer.boxes.tolist() == [1]
    assert answer.overlap.tolist() == [0]


def test_nothing_is_asked_where_things_are_ignored() -> None:
    predicted = torch.zeros(1, 4, 4, 6)
    predicted[..., 4] = 1  # sure of a box everywhere
    nothing = torch.zeros(0, dtype=torch.long)
    # the middles of cells 0 and 1 of both axes; then a small one in the last cell, off its middle
    ignored = torch.tensor([[0.0, 0, 40, 40], [90, 90, 99, 99]])
    got = losses(predicted, [Targets(NONE, nothing, ignored)], (100, 100), 1)
    assert got["nothing"] == pytest.approx(0.5 * (16 - 4 - 1))
    assert all(not got[name] for name in NAMES if name != "nothing")


def test_a_thing_beside_something_ignored_is_learned() -> None:
    predicted = torch.zeros(1, 1, 1, 11)
    target = replace(
        things((20, 20, 80, 80), classes=[0]), ignored=torch.tensor([[0.0, 0, 99, 99]])
    )
    got = losses(predicted, [target], (100, 100), 1)
    assert float(got["sides"]) > 0
    assert float(got["nothing"]) == 0  # also of the box that does not answer


def test_a_thing_on_the_far_border_belongs_to_the_last_cell() -> None:
    answer = responsible(
        torch.zeros(9, 1, 4), things((99.99999, 99.99999, 100, 100), classes=[0]), (100, 100), 1
    )
    assert answer.cells.tolist() == [8]
    assert (answer.wanted[0, :2] <= 1).all()


def by_loops(
    predicted: Tensor, targets: list[Targets], size: tuple[int, int], classes: int
) -> dict[str, float]:
    """Equation 3, sum by sum; predicted (N, S, S, 5 B + C)."""
    total = dict.fromkeys(NAMES, 0.0)
    images, grid, _, numbers = predicted.shape
    count = (numbers - classes) // 5
    for image, target in enumerate(targets):
        truth = [[v / size[1 - k % 2] for k, v in enumerate(box)] for box in target.boxes.tolist()]
        for row in range(grid):
            for column in range(grid):
                cell = predicted[image, row, column].tolist()
                boxes = [cell[5 * j : 5 * j + 5] for j in range(count)]
                here = [
                    k
                    for k, box in enumerate(truth)
                    if min(grid - 1, math.floor((box[1] + box[3]) / 2 * grid)) == row
                    and min(grid - 1, math.floor((box[0] + box[2]) / 2 * grid)) == column
                ]
                free, waiting, answers = set(range(count)), set(here), {}
                while free and waiting:
                    choices = []
                    for k in waiting:
                        for j in free:
                            overlap = overlap_of(box_of(boxes[j], row, column, grid), truth[k])
                            want = wanted(truth[k], row, column, grid)
                            far = sum((a - b) ** 2 for a, b in zip(want, boxes[j], strict=False))
                            choices.append((-overlap, far, k, j))
                    overlap, _, k, j = min(choices)
                    answers[j] = (k, -overlap)
                    free.remove(j)
                    waiting.remove(k)
                silent = any(
                    (
                        box[0] / size[1] <= (column + 0.5) / grid <= box[2] / size[1]
                        and box[1] / size[0] <= (row + 0.5) / grid <= box[3] / size[0]
                    )
                    or (
                        math.floor((box[0] + box[2]) / 2 / size[1] * grid) == column
                        and math.floor((box[1] + box[3]) / 2 / size[0] * grid) == row
                    )
                    for box in target.ignored.tolist()
                )
                for j, (x, y, a, b, sure) in enumerate(boxes):
                    if j in answers:
                        k, overlap = answers[j]
                        u, v, c, d = wanted(truth[k], row, column, grid)
                        total["centers"] += 5 * ((x - u) ** 2 + (y - v) ** 2) / images
                        total["sides"] += 5 * ((a - c) ** 2 + (b - d) ** 2) / images
                        total["confidences"] += (sure - overlap) ** 2 / images
                    elif not silent:
                        total["nothing"] += 0.5 * sure**2 / images
                if here:
                    for label in range(classes):
                        share = sum(int(target.classes[k]) == label for k in here) / len(here)
                        total["class_shares"] += (cell[5 * count + label] - share) ** 2 / images
    return total


def wanted(box: list[float], row: int, column: int, grid: int) -> list[float]:
    x, y = (box[0] + box[2]) / 2 * grid - column, (box[1] + box[3]) / 2 * grid - row
    return [x, y, math.sqrt(box[2] - box[0]), math.sqrt(box[3] - box[1])]


def box_of(predicted: list[float], row: int, column: int, grid: int) -> list[float]:
    x, y = (predicted[0] + column) / grid, (predicted[1] + row) / grid
    w, h = predicted[2] ** 2, predicted[3] ** 2
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def overlap_of(a: list[float], b: list[float]) -> float:
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
    return wide * high / both if both > 0 else 0.0


def drawn(generator: torch.Generator, count: int, size: tuple[int, int]) -> Tensor:
    corner = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 0.9
    side = 0.02 + torch.rand(count, 2, generator=generator, dtype=torch.float64) * 0.5
    return torch.cat([corner, (corner + side).clamp(max=1)], 1) * torch.tensor(
        [size[1], size[0]] * 2, dtype=torch.float64
    )


def example(
    seed: int, images: int, grid: int, boxes: int, classes: int, most: int
) -> tuple[Tensor, list[Targets]]:
    generator = torch.Generator().manual_seed(seed)
    shape = (images, grid, grid, 5 * boxes + classes)
    predicted = torch.rand(*shape, generator=generator, dtype=torch.float64)
    targets = []
    for _ in range(images):
        count, ignored = torch.randint(0, most + 1, (2,), generator=generator).tolist()
        labels = torch.randint(0, classes, (count,), generator=generator)
        targets.append(
            Targets(
                drawn(generator, count, (60, 90)), labels, drawn(generator, ignored // 2, (60, 90))
            )
        )
    return predicted, targets


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 5), st.integers(1, 3),
    st.integers(1, 4), st.integers(0, 8),
)  # fmt: skip
def test_equals_the_loops(
    seed: int, images: int, grid: int, boxes: int, classes: int, most: int
) -> None:
    predicted, targets = example(seed, images, grid, boxes, classes, most)
    got = losses(predicted, targets, (60, 90), classes)
    slow = by_loops(predicted, targets, (60, 90), classes)
    assert {name: float(loss) for name, loss in got.items()} == pytest.approx(slow, abs=1e-12)


def test_gradients() -> None:
    predicted, targets = example(3, 1, 3, 2, 2, 6)
    assert len(targets[0].boxes)
    boxes = split(predicted, 2)[0][0]
    answer = responsible(boxes, targets[0], (60, 90), 2)  # the overlap is a target, so it stays

    def total(predicted: Tensor) -> Tensor:
        boxes, confidences, shares = split(predicted, 2)
        return torch.stack(list(errors(boxes[0], confidences[0], shares[0], answer).values()))

    assert torch.autograd.gradcheck(total, (predicted.requires_grad_(),))


def test_nothing_at_all_has_a_gradient() -> None:
    predicted = torch.rand(2, 3, 3, 11, requires_grad=True)
    none = Targets(NONE, torch.zeros(0, dtype=torch.long), NONE)
    got = losses(predicted, [none, none], (64, 64), 1)
    torch.stack(list(got.values())).sum().backward()
    assert predicted.grad is not None
    assert predicted.grad[..., [4, 9]].all()  # confidences fall
    assert not predicted.grad[..., [0, 1, 2, 3, 10]].any()
