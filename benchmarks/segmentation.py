"""Segmentation: a step of learning beside segmentation_models.pytorch, and the fully connected CRF.

    python benchmarks/segmentation.py [--quick] [--json]

FCN-8s and the peer's network have the same encoder (ResNet-18, fresh weights) and read the same
pictures; theirs is the form nearest to an FCN. U-Net of 2015 has no such encoder: it stands beside
the peer's U-Net by its arithmetic, in billions of products and sums a second; so does a step of
FCN-8s beside a product of matrices. The CRF has the kernels and rounds of pydensecrf, or of its
fork pydensecrf2. One thread. Where torchvision is missing the peer does not load.
"""

import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from _rows import (
    Row,
    absent,
    compared,
    in_turns,
    let_torchvision_in,
    main,
    paired,
    peer_module,
)
from sklearn.datasets import load_sample_images
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from striate.images import resized
from striate.layers.dense_crf import CRFSettings, marginals
from striate.models.fcn import fcn
from striate.models.unet import UNet
from striate.ops.memory import channels_last

CLASSES, SIDE, BATCH = 11, 256, 4
HEIGHT, WIDTH, LABELS = 375, 500, 21


def step(model: nn.Module, images: Tensor, labels: Tensor) -> Any:
    """Forward and backward, as work to be timed."""

    def work() -> None:
        model.zero_grad()
        F.cross_entropy(model(images), labels).backward()

    return work


def measure(quick: bool) -> Iterator[Row]:
    """The rows."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rounds = 1 if quick else 9
    images = torch.randn(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, CLASSES, (BATCH, SIDE, SIDE))
    where = f"step of {BATCH} x {SIDE} x {SIDE}"
    ours = step(channels_last(fcn(CLASSES, backbone="resnet18")), images, labels)
    case, name = f"FCN-8s, ResNet-18, {where}", "segmentation_models.pytorch FPN"
    unet = step(UNet(CLASSES, width=32), images.contiguous(), labels)  # as `learning_layout` has it
    rate = f"U-Net, 32 channels, {where}, arithmetic"
    let_torchvision_in()
    try:
        peer = peer_module("segmentation_models_pytorch")
    except ImportError as error:
        yield absent(case, "ms", name, error, 1.15, ours=milliseconds(ours, rounds))
        speed = billions(unet) / milliseconds(unet, rounds) * 1000
        yield absent(rate, "GFLOP/s", "its U-Net", error, 1.15, ours=speed)
    else:
        theirs = peer.FPN("resnet18", encoder_weights=None, classes=CLASSES)
        other = step(theirs, images, labels)
        yield paired(case, ours, other, peer=name, rounds=rounds, target=1.15)
        other = step(peer.Unet("resnet18", encoder_weights=None, classes=CLASSES), images, labels)
        yield by_arithmetic(rate, unet, other, "its U-Net on ResNet-18", rounds, 1.15)
    a = torch.randn(2048, 2048)
    product = "the largest matrix product"
    share = f"FCN-8s, ResNet-18, {where}, share of the peak"
    yield by_arithmetic(share, ours, lambda: torch.mm(a, a), product, rounds, 0.65)
    yield from field(rounds)


def by_arithmetic(case: str, ours: Any, theirs: Any, peer: str, rounds: int, target: float) -> Row:
    """Two sides that compute different things, by what each computes in a second."""
    times = in_turns({"ours": ours, "theirs": theirs}, rounds)
    speeds = [
        billions(work) / statistics.median(times[name])
        for name, work in (("ours", ours), ("theirs", theirs))
    ]
    return compared(case, "GFLOP/s", speeds[0], peer, speeds[1], target=target)


def billions(work: Any) -> float:
    """Floating-point operations of a run, in 10^9."""
    with FlopCounterMode(display=False) as counted:
        work()
    return counted.get_total_flops() / 1e9


def milliseconds(work: Any, rounds: int) -> float:
    """The median of some runs, after one that does not count."""
    return 1000 * statistics.median(in_turns({"ours": work}, rounds)["ours"])


def field(rounds: int) -> Iterator[Row]:
    """The CRF on a photograph with unsure beliefs."""
    pixels = resized(load_sample_images().images[0], HEIGHT, WIDTH)
    beliefs = torch.softmax(torch.randn(LABELS, HEIGHT, WIDTH), 0)
    settings = CRFSettings()
    case = f"CRF, {WIDTH} x {HEIGHT} x {LABELS}, {settings.rounds} rounds"

    def ours() -> Tensor:
        return marginals(beliefs, pixels, settings)

    try:
        peer = peer_module("pydensecrf.densecrf")
    except ImportError as error:
        yield absent(case, "ms", "pydensecrf", error, 1.0, ours=milliseconds(ours, rounds))
        return
    unary = np.ascontiguousarray(-beliefs.clamp(min=1e-8).log().flatten(1).numpy())

    def theirs() -> Any:
        made = peer.DenseCRF2D(WIDTH, HEIGHT, LABELS)
        made.setUnaryEnergy(unary)
        made.addPairwiseGaussian(settings.smooth_place, settings.smooth_weight)
        made.addPairwiseBilateral(settings.place, settings.color, np.array(pixels), settings.weight)
        return made.inference(settings.rounds)

    yield paired(case, ours, theirs, peer="pydensecrf", rounds=rounds, target=1.0)


if __name__ == "__main__":
    main(measure, __doc__)
