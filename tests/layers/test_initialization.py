"""First weights: the papers' variances, orthonormal rows, and signals that keep their size."""

from math import sqrt

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.layers import (
    INITIALIZATIONS,
    LENET5_C3,
    LocallyConnected2d,
    TableConv2d,
    initialize,
)

LAYERS = {  # layer, fan-in, fan-out
    "full": (lambda: nn.Linear(300, 200), 300, 200),
    "convolution": (lambda: nn.Conv2d(64, 96, 3), 576, 864),
    "groups": (lambda: nn.Conv2d(64, 96, 3, groups=2), 288, 432),
    "transposed": (lambda: nn.ConvTranspose2d(64, 96, 3), 576, 864),
    "local": (lambda: LocallyConnected2d(16, 24, 3, input_size=(7, 7)), 144, 216),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_standard_deviations(kind: str) -> None:
    build, fan_in, fan_out = LAYERS[kind]
    expected = {
        "glorot": sqrt(2 / (fan_in + fan_out)),
        "he": sqrt(2 / fan_in),
        "lecun": 2.4 / fan_in / sqrt(3),
    }
    for name, deviation in expected.items():
        layer = initialize(build(), name)
        assert float(layer.weight.detach().std()) == pytest.approx(deviation, rel=0.02)
        assert abs(float(layer.weight.detach().mean())) < 0.05 * deviation
        assert not layer.bias.detach().any()


def test_uniform_bounds() -> None:
    largest = initialize(nn.Linear(300, 200), "glorot").weight.detach().abs().max()
    assert 0.99 * sqrt(6 / 500) < largest <= sqrt(6 / 500)
    largest = initialize(nn.Linear(300, 200), "lecun").weight.detach().abs().max()
    assert 0.99 * 2.4 / 300 < largest <= 2.4 / 300


@pytest.mark.parametrize("shape", [(20, 50), (50, 20)])
def test_orthogonal_rows_or_columns(shape: tuple[int, int]) -> None:
    weight = initialize(nn.Linear(*shape[::-1]), "orthogonal", gain=2.0).weight.detach()
    gram = weight @ weight.T if shape[0] < shape[1] else weight.T @ weight
    torch.testing.assert_close(gram, 4 * torch.eye(20), rtol=0, atol=1e-5)


def test_orthogonal_filters_of_a_convolution() -> None:
    weight = initialize(nn.Conv2d(8, 16, 3, groups=2), "orthogonal").weight.detach()
    for group in weight.flatten(1).chunk(2):
        torch.testing.assert_close(group @ group.T, torch.eye(8), rtol=0, atol=1e-5)


def test_each_map_of_a_table_by_its_own_fan_in() -> None:
    torch.manual_seed(1)
    table = LENET5_C3 * 40
    layer = initialize(TableConv2d(table, kernel_size=5), "he")
    three = torch.cat([k.flatten() for k in layer.kernels() if len(k) == 3])
    six = torch.cat([k.flatten() for k in layer.kernels() if len(k) == 6])
    assert float(three.std()) == pytest.approx(sqrt(2 / 75), rel=0.02)
    assert float(six.std()) == pytest.approx(sqrt(2 / 150), rel=0.03)


def deep(activation: type[nn.Module]) -> nn.Sequential:
    layers = [layer for _ in range(20) for layer in (nn.Linear(256, 256), activation())]
    return nn.Sequential(*layers)


def test_signals_keep_their_size_through_twenty_rectified_layers_by_he_but_not_by_glorot() -> None:
    x = torch.randn(200, 256)
    energy = {
        name: float(initialize(deep(nn.ReLU), name)(x).square().mean().detach())
        for name in ("he", "glorot")
    }
    assert 0.2 < energy["he"] < 5
    assert energy["glorot"] < 1e-4


def test_lengths_are_exact_through_twenty_orthogonal_linear_layers() -> None:
    x = torch.randn(5, 256)
    y = initialize(deep(nn.Identity), "orthogonal")(x).detach()
    torch.testing.assert_close(y.norm(dim=1), x.norm(dim=1), rtol=1e-4, atol=0)


def test_a_generator_decides() -> None:
    drawn = [
        initialize(nn.Linear(5, 5), name, generator=torch.Generator().manual_seed(7)).weight
        for name in ("he", "kaiming")
    ]
    assert torch.equal(*drawn)


def test_normalization_is_left_alone_and_every_name_works() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))
    with torch.no_grad():
        network[1].weight.fill_(3.0)
    for name in INITIALIZATIONS:
        assert initialize(network, name) is network
    assert torch.equal(network[1].weight.detach(), torch.full((4,), 3.0))


def test_mistakes() -> None:
    with pytest.raises(UnknownName, match="no initialization is called 'hee'; did you mean he"):
        initialize(nn.Linear(2, 2), "hee")
    with pytest.raises(ModelError, match="no convolution"):
        initialize(nn.ReLU(), "he")
