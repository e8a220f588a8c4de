"""Anchors: their places by hand, their shapes as the paper has them."""

import torch

from striate.layers.anchors import anchor_shapes, anchors


def test_nine_shapes_of_the_paper() -> None:
    shapes = anchor_shapes((128.0, 256.0, 512.0), (0.5, 1.0, 2.0))
    sides = shapes[:, 2:] - shapes[:, :2]
    assert torch.allclose(
        sides.prod(1).sqrt(), torch.tensor([128.0, 256, 512]).repeat_interleave(3)
    )
    assert torch.allclose(sides[:, 1] / sides[:, 0], torch.tensor([0.5, 1.0, 2.0]).repeat(3))
    assert torch.allclose(shapes.sum(1), torch.zeros(9), atol=1e-4)


def test_places_row_by_row() -> None:
    shapes = torch.tensor([[-1.0, -1, 1, 1], [-2, -1, 2, 1]])
    placed = anchors(shapes, (2, 3), 4)
    assert placed.shape == (12, 4)
    assert placed[:4].tolist() == [[1, 1, 3, 3], [0, 1, 4, 3], [5, 1, 7, 3], [4, 1, 8, 3]]
    assert placed[6].tolist() == [1, 5, 3, 7]
