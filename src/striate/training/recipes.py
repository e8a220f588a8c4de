"""How to learn: frozen values that print, compare and save, each published one a named constant."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from striate.augment import NONE, Augmentation, Spread


@dataclass(frozen=True)
class Recipe:
    """How a network learns from batches; rates are per step, `epochs` counts views of the data."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Literal["sgd", "adamw"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine", "one_cycle", "steps"] = "cosine"
    warmup: float = 0.0  # share of all steps in which the rate rises from 0
    # "steps": (share of the run, share of the rate from there on), in order
    steps: tuple[tuple[float, float], ...] = ()
    kept_rate: float = 1.0  # rate of all but the classifier, as a share of learning_rate
    freeze_statistics: bool = False  # batch normalization keeps its means and variances
    label_smoothing: float = 0.0
    clip: float | None = None  # largest norm of the gradient; longer ones are shortened to it
    average: float = 0.0  # decay of the moving average of the weights that is kept; 0: the weights
    keep_start: bool = False  # the weights it begins with may turn out to be the best
    patience: int | None = None  # epochs without a better validation score before it stops
    augmentation: Augmentation = NONE
    parts: int = 1  # in how many parts a batch goes through the network; memory may ask for more
    precision: Literal["float32", "bfloat16", "float16"] = "float32"  # of products
    compile: Literal["no", "yes", "measured"] = "no"  # "measured" is not repeatable bit for bit
    threads: int | None = None  # of the CPU, for one step; None: all of them

    def but(self, **changes: Any) -> "Recipe":
        """This recipe with some values changed: `SCRATCH.but(epochs=5)`."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns back into an equal recipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_json` wrote."""
        augmentation = Augmentation.from_json(values["augmentation"])
        steps = tuple((share, rate) for share, rate in values.get("steps", ()))
        return cls(**{**values, "augmentation": augmentation, "steps": steps})


# Views of characters: nothing that turns one letter into another, so no mirror.
CHARACTERS = Augmentation(Spread(rotation=8, zoom=0.08, stretch=0.08, shear=6, shift=0.06))
# Views of photographs: the mirror image of a thing is the same thing.
PHOTOGRAPHS = Augmentation(
    Spread(mirror=0.5, rotation=8, zoom=0.15, stretch=0.1, shift=0.05),
    brightness=0.15,
    contrast=0.15,
    saturation=0.15,
)

# From scratch, small images and few parameters: LeNet-5. One thread does a step of so little work
# sooner than two that wait for each other.
SCRATCH_SMALL = Recipe(
    epochs=30,
    batch_size=32,
    learning_rate=0.05,
    weight_decay=5e-4,
    warmup=0.05,
    patience=15,
    augmentation=CHARACTERS,
    threads=1,
)

# From scratch, photographs: ResNet-18, with He et al. 2016's momentum and weight decay.
SCRATCH = Recipe(
    epochs=15,
    batch_size=32,
    learning_rate=0.02,
    weight_decay=5e-4,
    warmup=0.1,
    label_smoothing=0.1,
    patience=8,
    augmentation=PHOTOGRAPHS,
)

# From scratch, small pictures in color: airbench, after Jordan 2024, with few epochs.
AIRBENCH = Recipe(
    epochs=10,
    batch_size=256,
    learning_rate=0.4,
    weight_decay=5e-4,
    warmup=0.2,
    label_smoothing=0.2,
    augmentation=Augmentation(Spread(mirror=0.5, shift=2 / 32)),
)

# The upper layers of a pretrained network whose new classifier is already solved: small steps, kept
# statistics, and the mean of the weights on the way.
FINETUNE = Recipe(
    epochs=6,
    batch_size=16,
    learning_rate=0.01,
    kept_rate=0.4,
    weight_decay=1e-4,
    warmup=0.05,
    label_smoothing=0.1,
    freeze_statistics=True,
    clip=5.0,  # twice what photographs ask for; solved classifiers of drawings ask for more
    average=0.97,
    keep_start=True,
    augmentation=PHOTOGRAPHS,
)

# LeNet-5 on MNIST, three views of the data.
LENET5_MNIST = Recipe(
    epochs=3, batch_size=32, learning_rate=0.05, weight_decay=1e-4, warmup=0.05, threads=1
)

# What the papers say, and nothing else: plain momentum, rates dropped in steps. A rate dropped
# "when validation stops improving" drops here at equal parts of the run, since none says when.
THIRDS = ((1 / 4, 0.1), (2 / 4, 0.01), (3 / 4, 0.001))

# LeCun, Bottou, Bengio and Haffner 1998, Section III.C: 20 passes over single images, global rates
# 0.0005 (2 passes), 0.0002 (3), 0.0001 (3), 0.00005 (4), 0.00001 (8). The paper divides them by
# an estimated curvature for each weight; here they are taken as they are.
LENET5_1998 = Recipe(
    epochs=20,
    batch_size=1,
    learning_rate=0.0005,
    momentum=0.0,
    schedule="steps",
    steps=((2 / 20, 0.4), (5 / 20, 0.2), (8 / 20, 0.1), (12 / 20, 0.02)),
    threads=1,
)

# Krizhevsky, Sutskever and Hinton 2012, Section 5; 90 passes, the rate divided by 10 three times.
ALEXNET_2012 = Recipe(
    epochs=90,
    batch_size=128,
    learning_rate=0.01,
    nesterov=False,
    weight_decay=5e-4,
    schedule="steps",
    steps=THIRDS,
    augmentation=PHOTOGRAPHS,
)

# Simonyan and Zisserman 2015, Section 3.1; 74 passes, the rate divided by 10 three times.
VGG_2015 = ALEXNET_2012.but(epochs=74, batch_size=256)

# He, Zhang, Ren and Sun 2016, Section 3.4: 600,000 steps of 256, the rate divided by 10 when the
# error stands still. Section 4.2, CIFAR-10: 64,000 steps of 128, divided at 32,000 and 48,000.
RESNET_2016 = Recipe(
    epochs=120,
    batch_size=256,
    learning_rate=0.1,
    nesterov=False,
    weight_decay=1e-4,
    schedule="steps",
    steps=((1 / 3, 0.1), (2 / 3, 0.01)),
    augmentation=PHOTOGRAPHS,
)
RESNET_CIFAR_2016 = RESNET_2016.but(
    epochs=182,
    batch_size=128,
    steps=((0.5, 0.1), (0.75, 0.01)),
    augmentation=Augmentation(Spread(mirror=0.5, shift=0.125)),
)

# Szegedy et al. 2015, Section 6: momentum 0.9, the rate 4 % smaller every 8 passes, the weights
# averaged. First rate, batch and number of passes are not given; these are chosen here.
GOOGLENET_2015 = Recipe(
    epochs=80,
    batch_size=128,
    learning_rate=0.01,
    nesterov=False,
    schedule="steps",
    steps=tuple((k / 10, 0.96**k) for k in range(1, 10)),
    average=0.9999,
    augmentation=PHOTOGRAPHS,
)
