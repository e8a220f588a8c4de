"""Trainable subsampling: LeNet-5's parameter counts, a pencil's numbers."""

import torch

from striate.layers import Subsampling


def test_parameters_of_s2_and_s4() -> None:
    assert sum(p.numel() for p in Subsampling(6).parameters()) == 12
    assert sum(p.numel() for p in Subsampling(16).parameters()) == 32


def test_a_hand_worked_window() -> None:
    layer = Subsampling(2)
    with torch.no_grad():
        layer.coefficient.copy_(torch.tensor([0.5, -1.0]))
        layer.bias.copy_(torch.tensor([1.0, 2.0]))
    maps = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 2, 2, 2)
    torch.testing.assert_close(layer(maps), torch.tensor([6.0, -8.0]).reshape(1, 2, 1, 1))


def test_it_starts_as_the_average() -> None:
    maps = torch.randn(2, 3, 6, 6)
    for size in (2, 3):
        expected = torch.nn.functional.avg_pool2d(maps, size)
        torch.testing.assert_close(Subsampling(3, size=size)(maps), expected)


def test_the_gradient_is_the_slope() -> None:
    layer = Subsampling(2).double()
    maps = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    inputs = (maps, layer.coefficient, layer.bias)
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), inputs)
