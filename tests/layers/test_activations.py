"""Non-linearities by name: the papers' constants, and what a randomized slope does when."""

import pytest
import torch
from torch import nn

from striate.errors import UnknownName
from striate.layers import ACTIVATIONS, ScaledTanh, activation

X = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", [0.119203, 0.268941, 0.5, 0.731059, 0.880797]),
        ("tanh", [-0.964028, -0.761594, 0.0, 0.761594, 0.964028]),
        ("scaled_tanh", [-1.492936, -1.0, 0.0, 1.0, 1.492936]),
        ("relu", [0.0, 0.0, 0.0, 1.0, 2.0]),
        ("leaky_relu", [-0.02, -0.01, 0.0, 1.0, 2.0]),
        ("prelu", [-0.5, -0.25, 0.0, 1.0, 2.0]),
        ("rrelu", [-11 / 24, -11 / 48, 0.0, 1.0, 2.0]),
        ("elu", [-0.864665, -0.632121, 0.0, 1.0, 2.0]),
    ],
)
def test_values_in_testing(name: str, expected: list[float]) -> None:
    layer = activation(name).eval()
    torch.testing.assert_close(layer(X), torch.tensor(expected), rtol=0, atol=2e-5)


def test_every_name_is_tried_above() -> None:
    tried = test_values_in_testing.pytestmark[0].args[1]
    assert [name for name, _ in tried] == list(ACTIVATIONS)


def test_the_scaled_tanh_is_one_at_one_and_bends_most_there() -> None:
    x = torch.tensor([1.0, -1.0], dtype=torch.float64)
    torch.testing.assert_close(ScaledTanh()(x), x, rtol=1e-5, atol=0)


def test_a_randomized_slope_is_drawn_in_training_and_fixed_in_testing() -> None:
    layer = activation("rrelu")
    x = -torch.ones(10_000)
    slopes = -layer.train()(x)
    assert 1 / 8 <= slopes.min() < 0.126
    assert 0.332 < slopes.max() <= 1 / 3
    assert not torch.equal(slopes, -layer(x))
    assert torch.equal(layer.eval()(x), layer(x))


def test_a_parametric_slope_is_learned_for_each_channel() -> None:
    layer = activation("prelu", channels=3)
    assert isinstance(layer, nn.PReLU)
    assert layer.weight.shape == (3,)
    layer(-torch.ones(2, 3, 4, 4)).sum().backward()
    torch.testing.assert_close(layer.weight.grad, torch.full((3,), -32.0))


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="no activation is called 'reluu'; did you mean relu"):
        activation("reluu")
