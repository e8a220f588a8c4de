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
    milestones: tuple[float, ...] = ()  # "steps": shares of the run after which the rate drops
    drop: float = 0.1  # "steps": by what it is multiplied there
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
        augmentation = dict(values["augmentation"])
        augmentation["geometry"] = Spread(**augmentation["geometry"])
        milestones = tuple(values.get("milestones", ()))
        return cls(
            **{**values, "augmentation": Augmentation(**augmentation), "milestones": milestones}
        )


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
    average=0.97,
    keep_start=True,
    augmentation=PHOTOGRAPHS,
)

# LeNet-5 on MNIST, three views of the data.
LENET5_MNIST = Recipe(
    epochs=3, batch_size=32, learning_rate=0.05, weight_decay=1e-4, warmup=0.05, threads=1
)
