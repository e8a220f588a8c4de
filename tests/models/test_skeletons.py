"""Networks without their numbers have the shapes of those with them."""

import pytest
import torch
from torch import nn

from striate.models import create
from striate.models.skeletons import hollow, skeleton, undrawn


def test_undrawn_weights_draw_nothing_and_a_file_fills_them() -> None:
    drawn = create("resnet20")
    before = torch.get_rng_state()
    with undrawn():
        model = create("resnet20")
    assert torch.equal(torch.get_rng_state(), before)
    model.load_state_dict(drawn.state_dict())
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.eval()(images), drawn.eval()(images))
    nn.Linear(2, 2)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["lenet5_1998", "alexnet", "googlenet", "efficientnet_lite0"])
def test_no_image_is_enough_for_the_shape(name: str) -> None:
    with skeleton():
        model = create(name)
    assert all(each.is_meta for each in model.parameters())
    side = model.image_size
    with torch.no_grad():
        found = hollow(model)(torch.empty(0, model.channels, side, side))
        assert found.shape == (
            0,
            *create(name).eval()(torch.zeros(1, model.channels, side, side)).shape[1:],
        )
    assert all(each.is_meta for each in model.parameters())
    assert model.training
