"""AlexNet without some of its layers (R. Fergus's experiment in the lectures; Zeiler & Fergus 2013,
Section 5.1): how many parameters go, and how many points of accuracy.

A network of AlexNet's form, small enough for 32 x 32 pixels: five convolutions, overlapping pooling
behind the first, second and fifth, three full connections, which hold nearly all parameters as they
do there. Every network learns from random weights.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import nn

from striate.augment import Augmentation, named
from striate.experiments.judging import Lead, percent
from striate.experiments.learning import Pictures, fewer
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row
from striate.layers import initialize
from striate.models import Stages, without
from striate.training import Recipe, seeded

WIDTHS = (16, 32, 48, 48, 32)
HIDDEN = 384
OUT = {  # what is left out: what it says of parameters dropped and points lost
    ("fc7",): ("16 million of 60, 1.1 points", 1.1),
    ("fc6", "fc7"): ("about 50 million of 60, 5.7 points", 5.7),
    ("conv3", "conv4"): (
        "about 1 million of 60, 3.0 points (Fergus's slides, not the lectures)",
        3.0,
    ),
    ("conv3", "conv4", "fc6", "fc7"): ("33.5 points", 33.5),
}
RECIPE = Recipe(
    epochs=6, batch_size=64, learning_rate=0.02, nesterov=False, weight_decay=5e-4, warmup=0.05,
    clip=5.0, augmentation=Augmentation(named.MIRROR), threads=1,
)  # fmt: skip
IMAGES = {True: (1_200, 300, 1_000), False: (20_000, 1_000, 10_000)}
SEEDS = {True: 1, False: 2}
LEARNED = 0.4  # accuracy, ten classes


def alexnet_form(*, classes: int = 10) -> Stages:
    """Images (N, 3, 32, 32) to logits."""
    first, second, third, fourth, fifth = WIDTHS

    def rectified(layer: nn.Module) -> nn.Sequential:
        return nn.Sequential(layer, nn.ReLU())

    layers: dict[str, nn.Module] = {
        "conv1": rectified(nn.Conv2d(3, first, 5, padding=2)),
        "pool1": nn.MaxPool2d(3, 2),  # 32 to 15 pixels
        "conv2": rectified(nn.Conv2d(first, second, 5, padding=2)),
        "pool2": nn.MaxPool2d(3, 2),  # to 7
        "conv3": rectified(nn.Conv2d(second, third, 3, padding=1)),
        "conv4": rectified(nn.Conv2d(third, fourth, 3, padding=1)),
        "conv5": rectified(nn.Conv2d(fourth, fifth, 3, padding=1)),
        "pool5": nn.MaxPool2d(3, 2),  # to 3
        "flatten": nn.Flatten(),
        "fc6": rectified(nn.Linear(fifth * 3 * 3, HIDDEN)),
        "fc7": rectified(nn.Linear(HIDDEN, HIDDEN)),
        "fc8": nn.Linear(HIDDEN, classes),
    }
    return Stages(layers, channels=3)


def fresh(layers: tuple[str, ...], seed: int) -> nn.Module:
    """The network without these layers, with He's weights."""
    with seeded(seed):
        network = without(alexnet_form(), *layers, image_size=32) if layers else alexnet_form()
        return initialize(network, "he")


def run(quick: bool, seed: int) -> Result:
    """The whole network and every smaller one."""
    pictures = Pictures.of(fewer(opened("cifar10"), *IMAGES[quick], seed=seed))
    recipe = RECIPE.but(epochs=2) if quick else RECIPE
    right: dict[tuple[str, ...], NDArray[np.float64]] = {}  # of the networks, (seeds, N)
    for layers in ((), *OUT):
        networks = [
            pictures.learn(fresh(layers, each), recipe, seed=each)
            for each in range(seed, seed + SEEDS[quick])
        ]
        right[layers] = np.stack([pictures.right(network) for network in networks]).astype(float)
    sizes = {layers: parameters(fresh(layers, 0)) for layers in right}
    return Result([*rows(right, sizes), order(right)], [panel(right, sizes)])


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def words(layers: tuple[str, ...]) -> str:
    """What is left out, as the slides number it."""
    return ", ".join(layer[-1] for layer in layers) if layers else "nothing"


def rows(
    right: Mapping[tuple[str, ...], NDArray[np.float64]], sizes: Mapping[tuple[str, ...], int]
) -> list[Row]:
    """Each network beside the whole one: points lost, with the 95 % interval over pictures."""
    whole, why = sizes[()], reason(right, "ten classes of 32 x 32 pixels ask for other depths")
    found = [
        Row(
            "CIFAR-10, the whole small network: test accuracy",
            "ImageNet, AlexNet: 81.8 % (top-5)",
            f"{percent(right[()].mean())} (top-1), {whole:,} parameters",
            "not reachable here",
            "other pictures, classes and sizes: only what is lost is compared",
        )
    ]
    for layers, (said, points) in OUT.items():
        lost = Lead.of(right[()], right[layers])
        same = lost.low <= points <= lost.high or abs(lost.points - points) <= 1.0
        gone = whole - sizes[layers]
        found.append(
            Row(
                f"CIFAR-10, without {words(layers)}: parameters dropped, points lost",
                said,
                f"{gone:,} of {whole:,} ({percent(gone / whole, 0)}), {lost}",
                "same" if same else "different",
                "" if same else why,
            )
        )
    return found


def order(right: Mapping[tuple[str, ...], NDArray[np.float64]]) -> Row:
    """Whether depth is key: all four layers gone cost more than two and two together."""
    lost = {layers: Lead.of(right[()], right[layers]).points for layers in OUT}
    convolutions, connections, both = (
        lost[layers] for layers in (("conv3", "conv4"), ("fc6", "fc7"), tuple(OUT)[-1])
    )
    same = both > convolutions + connections
    return Row(
        "CIFAR-10: points lost without 3 and 4; without 6 and 7; without all four",
        "3.0; 5.7; 33.5: depth is key",
        f"{convolutions:.1f}; {connections:.1f}; {both:.1f}",
        "same" if same else "different",
        "" if same else reason(right, "all four cost no more than two and two"),
    )


def reason(right: Mapping[tuple[str, ...], NDArray[np.float64]], learned: str) -> str:
    """Why it is another, where the whole network has learned."""
    return learned if right[()].mean() > LEARNED else "the networks have hardly begun to learn"


def panel(
    right: Mapping[tuple[str, ...], NDArray[np.float64]], sizes: Mapping[tuple[str, ...], int]
) -> Panel:
    """Accuracy against parameters, a dot for each network and seed."""
    lines = [
        Line(f"without {words(layers)}", np.full(len(each), sizes[layers] / 1e3),
             100 * each.mean(1), dots=True)
        for layers, each in right.items()
    ]  # fmt: skip
    y = np.concatenate([line.y for line in lines])
    limits = (0.0, 1.05 * sizes[()] / 1e3, float(y.min()) - 2, float(y.max()) + 2)
    return Panel("What layers are worth", "thousand parameters", "% right", lines, limits)
