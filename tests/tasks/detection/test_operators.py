"""The operators as torch computes them; test_exported has them by ONNX Runtime."""

import torch

from striate.layers.roi_align import roi_align
from striate.ops.boxes import non_maximum_suppression
from striate.tasks.detection import operators


def test_suppression_by_pencil():
    """Two boxes that share 8 of 12 pixels, one apart, a row that is not a box; two groups."""
    boxes = torch.tensor([[0.0, 0, 10, 1], [2, 0, 12, 1], [20, 0, 30, 1], [50, 0, 60, 1]])
    scores = torch.tensor([[0.5, 0.6, 0.1, -torch.inf], [0.6, 0.6, 0.1, 0.2]])
    stays = operators.kept(boxes.expand(2, 4, 4), scores, 0.6)
    assert stays.tolist() == [[False, True, True, False], [True, False, True, True]]
    assert operators.kept(boxes.expand(2, 4, 4), scores, 0.7)[1].all()


def test_each_group_is_suppressed_alone():
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(3, 30, 2, generator=generator) * 10
    boxes = torch.cat([corner, corner + 1 + 4 * torch.rand(3, 30, 2, generator=generator)], -1)
    scores = torch.rand(3, 30, generator=generator)
    stays = operators.kept(boxes, scores, 0.4)
    for stay, box, score in zip(stays, boxes, scores, strict=True):
        assert set(torch.nonzero(stay).flatten().tolist()) == set(
            non_maximum_suppression(box, score, 0.4).tolist()
        )
    assert 3 < stays.sum() < 80


def test_regions_are_read_from_their_level():
    maps = torch.randn(2, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[0.0, 0, 4, 4], [1, 2, 11, 9], [3, 3, 5, 8.5]])
    read = operators.aligned(maps, boxes, torch.tensor([1, 0, 1]), 4)
    assert torch.equal(read[[0, 2]], roi_align(maps[1:], [boxes[[0, 2]]], size=4))
    assert torch.equal(read[1:2], roi_align(maps[:1], [boxes[1:2]], size=4))
