"""VGG: Tables 1 and 2 of the paper."""

import pytest
from torch import nn

from striate.models import create
from striate.models.skeletons import skeleton
from striate.models.vgg import CONFIGURATIONS, Pointwise


def on_meta(name, **options):
    with skeleton():
        return create(name, **options).eval()


def weighted(model):
    return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize(
    ("name", "millions", "layers"),
    [
        ("vgg11", 133, 11),
        ("vgg11_lrn", 133, 11),
        ("vgg13", 133, 13),
        ("vgg16_c", 134, 16),
        ("vgg16", 138, 16),
        ("vgg19", 144, 19),
    ],
)
def test_vgg_tables_1_and_2(name, millions, layers):
    model = on_meta(name)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == millions
    assert len(weighted(model)) == layers


def test_vgg_column_c_has_three_kernels_of_1x1():
    assert sum(isinstance(w, Pointwise) for stage in CONFIGURATIONS["C"] for w in stage) == 3
    kernels = [m.kernel_size for m in on_meta("vgg16_c").modules() if isinstance(m, nn.Conv2d)]
    assert kernels.count((1, 1)) == 3


def test_batch_norm_is_behind_every_convolution_of_vgg_bn():
    model = on_meta("vgg13_bn")
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == 10
    assert [type(m).__name__ for m in model.conv1_1] == ["Conv2d", "BatchNorm2d", "ReLU"]
