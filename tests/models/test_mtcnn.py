"""MTCNN's parts by pencil: squares, crops, the pyramid's windows, box regression, suppression."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from striate.errors import WeightsError
from striate.models import mtcnn
from striate.models.mtcnn import FACTOR, MTCNN, Net, cut, load_mtcnn, square

BLACK = (0 - 127.5) / 128


class Says(nn.Module):
    """A net that gives of a batch what a function makes of it."""

    def __init__(self, answer: Callable[[Tensor], tuple[Tensor, ...]]):
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return self.answer(images)


def test_the_three_nets_are_as_large_as_published():
    model = MTCNN()
    sizes = [sum(p.numel() for p in net.parameters()) for net in
             (model.pnet, model.rnet, model.onet)]  # fmt: skip
    assert sizes == [6632, 100178, 389040]


def test_the_first_net_reads_windows_of_12_every_2_pixels():
    probability, offsets = MTCNN().pnet(torch.zeros(1, 3, 30, 20))
    assert probability.shape == (1, (30 - 12) // 2 + 1, (20 - 12) // 2 + 1)
    assert offsets.shape == (1, 4, 10, 5)


def test_maps_come_to_the_dense_layer_with_columns_first():
    net = Net(((1, 1, 0),), (6, 6), {"face": 2})
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net.conv1.weight[0, 0] = 1
        net.dense2.weight.copy_(torch.eye(6))
        net.face.weight[1] = torch.tensor([0.0, 1, 0, 0, 0, 0])  # the second number that comes
    image = torch.zeros(1, 3, 2, 3)
    image[0, 0, 1, 0] = 5.0  # second row of the first column
    assert net(image)[0].item() == pytest.approx(1 / (1 + np.exp(-5.0)))


def test_squares_keep_their_middle():
    assert square(torch.tensor([[10.0, 20, 30, 60]])).tolist() == [[0, 20, 40, 60]]


def test_crops_count_from_one_and_are_black_beyond_the_picture():
    picture = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, 3, 4, 4)
    inside, corner, far = cut(
        picture, torch.tensor([[2.0, 2, 3, 3], [0, 0, 1, 1], [9, 9, 12, 12]]), 2
    )
    assert inside[0].tolist() == [[5, 6], [9, 10]]
    assert corner[0].tolist() == [[BLACK, BLACK], [BLACK, 0]]
    assert far.unique().tolist() == [BLACK]


def test_windows_of_the_pyramid_are_moved_by_their_offsets():
    """One window of the smallest scale is a face, at row 1 and column 2 of its map."""
    model, sizes = MTCNN(), []

    def propose(images: Tensor) -> tuple[Tensor, Tensor]:
        sizes.append(tuple(images.shape[2:]))
        rows, columns = ((side - 12) // 2 + 1 for side in sizes[-1])
        probability, offsets = torch.zeros(1, rows, columns), torch.zeros(1, 4, rows, columns)
        if len(sizes) == 1:
            probability[0, 1, 2] = 0.9
            offsets[0, :, 1, 2] = torch.tensor([0.0, 0.5, 0.0, 0.5])
        return probability, offsets

    model.pnet = Says(propose)
    boxes = model._proposed(torch.zeros(1, 3, 60, 48), 24.0)
    # scale 1/2: from (2 * 2 + 1) * 2 to (2 * 2 + 12) * 2, and half of its 22 pixels further down
    assert boxes.tolist() == [[10, 6 + 11, 32, 28 + 11]]
    scales = [0.5 * FACTOR**k for k in range(len(sizes))]
    assert sizes == [(int(60 * s + 1), int(48 * s + 1)) for s in scales]
    assert 48 * scales[-1] >= 12 > 48 * scales[-1] * FACTOR


def test_boxes_are_judged_moved_and_suppressed():
    """Three boxes: one is no face, of two that nearly cover each other the surer one stays."""
    boxes = torch.tensor([[10.0, 10, 29, 29], [11, 10, 30, 29], [60, 60, 79, 79]])
    offsets = torch.tensor([[0.1, 0.0, 0.1, 0.0]]).expand(3, 4)
    marks = torch.tensor([[0.0, 1, 0.5, 0, 1, 0, 0, 0.5, 1, 1]]).expand(3, 10)
    net = Says(lambda images: (torch.tensor([0.8, 0.9, 0.3]), offsets, marks))
    found, scores, points = MTCNN()._judged(net, torch.zeros(1, 3, 90, 90), boxes, 48, 0.7)
    assert scores.tolist() == pytest.approx([0.9])
    assert found[0].tolist() == pytest.approx([13, 10, 32, 29])  # a tenth of 20 pixels to the right
    # shares of the box as it was, x of all five and then y, counted from one
    assert points[0].tolist() == [[10, 9], [30, 9], [20, 19], [10, 29], [30, 29]]


def test_of_a_picture_without_windows_nothing_is_found():
    model = MTCNN()
    model.pnet = Says(lambda images: (torch.zeros(1, 1, 1), torch.zeros(1, 4, 1, 1)))
    found = model(np.zeros((1, 1, 3), np.uint8))
    assert (found.boxes.shape, found.scores.shape, found.landmarks.shape) == (
        (0, 4), (0,), (0, 5, 2)
    )  # fmt: skip
    assert len(model(np.zeros((40, 40, 3), np.uint8)).boxes) == 0


def test_weights_of_another_net_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(mtcnn.FOLDER, str(tmp_path))
    for part in mtcnn.PARTS:
        torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / f"{part}.pt")
    with pytest.raises(WeightsError, match=r"pnet\.pt does not hold MTCNN's pnet"):
        load_mtcnn()
