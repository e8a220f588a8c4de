"""Four approaches on few photographs, on many pictures, and far from photographs: in which order do
they come (the lectures' three tables)?
"""

from dataclasses import replace
from typing import Any

import numpy as np

from striate.data import Dataset
from striate.experiments.material import opened
from striate.experiments.ordering import Order, Trial

TITLES = {
    "finetune": "fine-tuning", "transfer": "transfer", "handcrafted": "BoW", "scratch": "scratch",
}  # fmt: skip


def xrays(seed: int) -> Dataset[Any]:
    """Pneumonia against no finding; the third class can be told by its other source alone."""
    data = opened("chest_xray", seed=seed)
    named = np.array(data.classes)[data.targets.single()]
    data = data.take(np.flatnonzero(np.isin(named, ("no_findings", "pneumonia"))))
    return replace(data, targets=data.targets.compact())


SMALL = Trial(  # some hundred photographs of clothes
    lambda seed: opened("clothing", seed=seed),
    [
        Order(
            {"finetune": 85.70, "transfer": 83.22, "handcrafted": 61.6, "scratch": 39.79},
            "mAP, VOC'07",
            why={("finetune", "transfer"): "the lecture's own difference is 2.5 points"},
        )
    ],
    quick=(200, ("epochs=2",)),
    seeds=3,
    titles=TITLES,
)
MEDIUM = Trial(  # CIFAR-10, 2,500 pictures a class, a fifth of them to choose on
    lambda seed: opened("cifar10", seed=seed),
    [
        Order(
            {"finetune": 65.71, "scratch": 53.62, "transfer": 40.21, "handcrafted": 23.96},
            "top-1, Food, VGG-16",
            why={
                ("scratch", "transfer"): (
                    "ImageNet, on which the kept network has learned, has these animals and "
                    "vehicles, too, but hardly any of the lecture's 101 dishes; and the lecture "
                    "had 100,000 pictures"
                ),
            },
        )
    ],
    quick=(1_000, ("epochs=2",)),
    seeds=2,
    titles=TITLES,
)
SHIFTED = Trial(  # chest X-rays
    xrays,
    [
        Order(
            {"finetune": 79.06, "scratch": 69.13, "transfer": 59.27},
            "top-1, M2CAI",
            why={
                ("scratch", "transfer"): (
                    "there are 200 X-rays to learn from, where the lecture had some 600,000 frames"
                ),
            },
        )
    ],
    quick=(180, ("epochs=2",)),
    seeds=5,
    titles=TITLES,
)
