"""How networks lie in memory while they learn."""

import pytest
import torch

from striate.ops.memory import learning_layout


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("alexnet", torch.contiguous_format),
        ("vgg16", torch.contiguous_format),
        ("lenet5", torch.contiguous_format),
        ("vgg11_bn", torch.channels_last),
        ("googlenet", torch.channels_last),
        ("resnet18", torch.channels_last),
        ("efficientnet_lite0", torch.channels_last),
    ],
)
def test_plain_chains_learn_with_their_channels_outermost(name, layout):
    from striate.models import create

    with torch.device("meta"):
        assert learning_layout(create(name)) is layout
