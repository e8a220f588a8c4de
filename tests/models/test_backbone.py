"""Stages by stride and channels: measured, and the same as their papers and our files have them."""

import pytest
import torch

from striate.errors import ModelError, UnknownName
from striate.models import NETWORKS, create
from striate.models.backbone import (
    Backbone,
    NetworksWith,
    Stage,
    frozen_stage,
    network_stages,
    stage_of,
    stages_of,
)

# network: stages of stride 8, 16 and 32 with their widths, the last that stays as it is
# fmt: off
KNOWN = {
    "efficientnet_lite0": (("stage3", 40), ("stage5", 112), ("stage7", 320), "stage2"),
    "resnet18": (("stage2", 128), ("stage3", 256), ("stage4", 512), "stage1"),
    "resnet34": (("stage2", 128), ("stage3", 256), ("stage4", 512), "stage1"),
    "resnet50": (("stage2", 512), ("stage3", 1024), ("stage4", 2048), "stage1"),
    "vgg16": (("conv4_3", 512), ("conv5_3", 512), ("pool5", 512), "conv2_2"),
}
# fmt: on


@pytest.mark.parametrize("name", KNOWN)
def test_stages_of_known_networks(name: str) -> None:
    *expected, frozen = KNOWN[name]
    found = stages_of(name, (8, 16, 32))
    assert [(stage.name, stage.channels) for stage in found] == expected
    assert [stage.stride for stage in found] == [8, 16, 32]
    assert frozen_stage(name) == frozen


def test_where_blocks_end_in_a_pooling_it_is_the_end_of_a_block() -> None:
    names = [stage.name for stage in stages_of("vgg16", (16, 32), pooled=True)]
    assert names == ["pool4", "pool5"]
    names = [stage.name for stage in stages_of("resnet18", (16, 32), pooled=True)]
    assert names == ["stage3", "stage4"]


@pytest.mark.parametrize("name", ["alexnet_single", "googlenet_bn", "vgg11_bn", "resnet20"])
def test_strides_are_those_of_real_maps(name: str) -> None:
    network = create(name).eval()
    x = torch.zeros(1, 3, 256, 256)
    with torch.no_grad():
        for (stage, module), measured in zip(network.stages(), network_stages(name), strict=False):
            x = module(x)
            assert (measured.name, measured.channels) == (stage, x.shape[1])
            assert abs(x.shape[2] - 256 / measured.stride) <= 3


def test_layers_of_one_size_and_of_one_place_are_no_maps() -> None:
    assert [stage.name for stage in network_stages("lenet5")] == ["pad", "c1", "s2", "c3", "s4"]
    assert network_stages("resnet18")[-1] == Stage("stage4", 32, 512)
    assert "head_conv" not in {stage.name for stage in network_stages("efficientnet_lite0")}


def test_without_padding_maps_are_not_aligned() -> None:
    assert stage_of("alexnet", 16) is None
    assert stage_of("alexnet", 16, aligned=False) == Stage("conv5", 16, 256, aligned=False)
    assert "alexnet" not in NetworksWith(16)
    assert "alexnet" in NetworksWith(16, aligned=False)


def test_networks_with_strides_are_found_one_by_one() -> None:
    network_stages.cache_clear()
    names = NetworksWith(8, 16, first="resnet18")
    assert names
    assert names[0] == "resnet18"
    assert network_stages.cache_info().currsize == 0  # nothing is measured yet
    assert "vgg16" in names
    assert "lenet5" not in names
    assert "resnet19" not in names
    assert network_stages.cache_info().currsize == 2
    assert names[:2] == ("resnet18", "vgg11")
    assert set(names) == {name for name in NETWORKS if name in names}
    assert len(names) == len(list(names)) > 15


def test_wrong_names() -> None:
    with pytest.raises(UnknownName, match="no network is called 'resnet19'; did you mean"):
        stage_of("resnet19", 8)
    with pytest.raises(UnknownName, match="of stride 8 and 16 is called 'resnet20'"):
        stages_of("resnet20", (8, 16))
    network = create("resnet20")
    with pytest.raises(ModelError, match="resnet20 has no stage 'stage9'"):
        Backbone(network, ["stage9"])
