"""Boxes go where their pixels go."""

import torch

from striate.augment import Spread
from striate.augment.boxes import warped
from striate.augment.geometry import affine_matrices
from striate.augment.sampling import warp


def test_by_hand() -> None:
    boxes = torch.tensor([[2.0, 3, 6, 5], [0, 0, 1, 1]])
    mirror = torch.tensor([[-1.0, 0, 0], [0, 1, 0]])
    moved, rows = warped(boxes, mirror, (10, 20), (10, 20))
    assert torch.allclose(moved, torch.tensor([[14.0, 3, 18, 5], [19, 0, 20, 1]]))
    assert rows.tolist() == [0, 1]
    right = torch.tensor([[1.0, 0, -0.5], [0, 1, 0]])  # reads 5 pixels to the left
    moved, rows = warped(torch.tensor([[2.0, 3, 6, 5], [14, 0, 19, 2]]), right, (10, 20), (10, 20))
    assert torch.allclose(moved, torch.tensor([[7.0, 3, 11, 5]]))
    assert rows.tolist() == [0]  # of the other, a fifth is left


def test_as_the_pixels_go() -> None:
    image = torch.zeros(1, 1, 60, 80)
    image[..., 20:40, 30:60] = 255.0
    generator = torch.Generator().manual_seed(3)
    spread = Spread(mirror=0.5, zoom=0.2, stretch=0.1, shift=0.1)
    for _ in range(8):
        matrix = affine_matrices(spread, 1, generator, aspect=80 / 60)
        bright = warp(image, matrix)[0, 0] > 127
        y, x = torch.nonzero(bright, as_tuple=True)
        seen = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1]).float()
        (moved,), _ = warped(torch.tensor([[30.0, 20, 60, 40]]), matrix[0], (60, 80), (60, 80))
        assert (moved - seen).abs().max() <= 1
