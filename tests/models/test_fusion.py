"""Fused networks: the same logits, the same gradients, the same parameters."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate.errors import ModelError
from striate.models import create
from striate.models.fusion import Fused, fused
from striate.models.lenet import PadTo
from striate.models.skeletons import skeleton
from striate.models.stages import Stages


def network(*layers: nn.Module, channels: int = 1) -> Stages:
    """Those layers in front of a flattening one, as stages, in double precision."""
    stages = {str(number): layer for number, layer in enumerate((*layers, nn.Flatten()), 1)}
    return Stages(stages, channels=channels).double()


def gradients(model: nn.Module, whose: nn.Module, images: Tensor) -> list[Tensor]:
    outputs = model(images)
    errors = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1)).to(outputs)
    return list(torch.autograd.grad(outputs, list(whose.parameters()), errors))


def gray(count: int = 3, size: int = 28) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 1, size, size, dtype=torch.float64, generator=generator)


CASES = {
    "lenet5": lambda: create("lenet5", classes=10, channels=1).double(),
    "a border that is not zero": lambda: network(
        PadTo(29, value=-0.5), nn.Conv2d(1, 3, 4), nn.Tanh(), nn.MaxPool2d(2)
    ),
    "padding": lambda: network(
        nn.Sequential(nn.Conv2d(1, 4, (3, 5), padding=(1, 2)), nn.ReLU()),
        nn.MaxPool2d(2, 2),
        nn.Sequential(nn.Conv2d(4, 5, 3, padding=1, bias=False), nn.ReLU()),
        nn.MaxPool2d(2),
    ),
    "pooled before its activation": lambda: network(
        nn.Conv2d(1, 2, 5), nn.MaxPool2d(2), nn.Sigmoid(), nn.Conv2d(2, 3, 3)
    ),
    "no activation": lambda: network(
        nn.Conv2d(1, 2, 5), nn.MaxPool2d(2), nn.Conv2d(2, 9, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(9, 4, 3), nn.MaxPool2d(2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_logits_and_gradients_are_the_networks_own(case) -> None:
    model = CASES[case]()
    quick, images = fused(model), gray()
    assert isinstance(quick, Fused)
    torch.testing.assert_close(quick(images), model(images), rtol=0, atol=1e-12)
    pairs = zip(gradients(quick, model, images), gradients(model, model, images), strict=True)
    for mine, own in pairs:
        torch.testing.assert_close(mine, own, rtol=0, atol=1e-10)


def test_layers_are_fused_as_far_as_channels_are_few() -> None:
    assert len(fused(CASES["lenet5"]()).pooled) == 2
    assert len(fused(CASES["no activation"]()).pooled) == 2  # the third reads nine channels
    assert len(fused(CASES["pooled before its activation"]()).pooled) == 1


@pytest.mark.parametrize(
    "model",
    [
        lambda: create("lenet5", channels=3),
        lambda: create("lenet5_1998"),
        lambda: create("resnet20", channels=1),
        lambda: nn.Linear(3, 2),
        lambda: network(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2)),
        lambda: network(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
        lambda: network(nn.Conv2d(1, 2, 3), nn.GELU(), nn.MaxPool2d(2)),
        lambda: network(nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2)),
        lambda: network(nn.Conv2d(1, 2, 3, padding_mode="reflect", padding=1), nn.MaxPool2d(2)),
    ],
)
def test_a_network_with_nothing_to_gain_is_returned_itself(model) -> None:
    with skeleton():
        built = model()
    assert fused(built) is built


def test_training_one_trains_the_other() -> None:
    model = create("lenet5")
    quick, images = fused(model), gray(8).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model(images)
    F.cross_entropy(quick(images), torch.arange(8)).backward()
    optimizer.step()
    assert not torch.allclose(model(images), before)
    torch.testing.assert_close(quick(images), model(images), rtol=1e-4, atol=1e-5)


def test_half_precision_goes_the_networks_own_way() -> None:
    model, images = create("lenet5"), gray().float()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(fused(model)(images), model(images))


@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (1, 28, 28), (2, 1, 64, 64)])
def test_images_that_do_not_fit_are_told_as_by_the_network(shape) -> None:
    model = create("lenet5")
    with pytest.raises(ModelError) as own:
        model(torch.zeros(shape))
    with pytest.raises(ModelError) as ours:
        fused(model)(torch.zeros(shape))
    assert str(ours.value) == str(own.value)
