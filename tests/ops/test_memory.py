"""How networks lie in memory while they learn, and what a process keeps of what it frees."""

import platform
import subprocess
import sys
from pathlib import Path

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


GAPS = """
import sys
from striate.ops.memory import return_memory
if sys.argv[1] == "return":
    assert return_memory()
def held():
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) // 1024
del (first := [bytearray(b"x" * 2**24)])[0]  # the library takes note of its size
before = held()
blocks = [bytearray(b"x") * 2**24 for _ in range(15)]
del blocks[::2]
print(held() - before)
"""


def test_networks_of_wide_maps_learn_with_their_channels_outermost():
    from striate.models.deeplab import deeplab
    from striate.models.fcn import fcn
    from striate.models.unet import UNet

    with torch.device("meta"):
        assert learning_layout(UNet(2)) is torch.contiguous_format
        assert learning_layout(deeplab(2, backbone="resnet18")) is torch.contiguous_format
        assert learning_layout(fcn(2, backbone="resnet18")) is torch.channels_last


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries are left alone")
@pytest.mark.parametrize(("how", "least", "most"), [("keep", 200, 260), ("return", 100, 130)])
def test_blocks_between_others_are_given_back(how: str, least: int, most: int) -> None:
    """Of 15 blocks of 16 MiB every other one is freed: 112 MiB are held, or all 240."""
    found = subprocess.run(
        [sys.executable, "-c", GAPS, how], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )  # fmt: skip
    assert least <= int(found.stdout) <= most
