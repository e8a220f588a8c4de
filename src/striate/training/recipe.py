"""How a network learns: one frozen value that prints, compares and saves."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from numpy.typing import NDArray

from striate.augment import AUGMENTATIONS, NONE, Augmentation
from striate.errors import UserError
from striate.training.settings import changed


@dataclass(frozen=True)
class Recipe:
    """How a network learns from batches; rates are per step; an epoch shows every training
    example once."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Literal["sgd", "adamw", "adadelta"] = "sgd"
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
    balance: float = 0.0  # of pictures' classes: 1 shows all equally often, 0 each picture once
    clip: float | None = None  # largest norm of the gradient; longer ones are shortened to it
    average: float = 0.0  # decay of the moving average of the weights that is kept; 0: the weights
    keep_start: bool = False  # the weights it begins with may turn out to be the best
    patience: int | None = None  # epochs without a better validation score before it stops
    augmentation: Augmentation = NONE
    parts: int = 1  # in how many parts a batch goes through the network; memory may ask for more
    # of products; "auto": bfloat16 where the hardware multiplies it
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    compile: Literal["no", "yes", "measured"] = "no"  # "measured" is not repeatable bit for bit
    threads: int | None = None  # of the CPU, for one step; None: all of them
    # what weight_decay shrinks: matrices and kernels, or biases and normalization weights as well
    decayed: Literal["weights", "all"] = "weights"
    # batch normalization measures over the batches of all processes of a group
    synchronize_statistics: bool = False
    # each process of a group holds its share of weights, gradients and optimizer states
    shard_parameters: bool = False

    def but(self, **changes: Any) -> "Recipe":
        """This recipe with some values changed: `SCRATCH.but(epochs=5)`."""
        return replace(self, **changes)

    def longer(self, times: int) -> "Recipe":
        """This recipe with `times` as many epochs."""
        patience = None if self.patience is None else self.patience * times
        return self.but(epochs=self.epochs * times, patience=patience)

    def set(self, *assignments: str) -> "Recipe":
        """This recipe with values changed by text: `SCRATCH.set("mirror=0", "epochs=5")`.

        A key is a field of the recipe, of its augmentation or of what is in that; "augmentation"
        itself takes a name of `augment.AUGMENTATIONS`.

        Raises:
            UnknownName: if there is no such key; it names the closest.
            UserError: if it does not take such a value.
        """
        recipe = changed(self, assignments, kind="a recipe", named=AUGMENTATIONS)
        recipe.check()
        return recipe

    def check(self) -> None:
        """Refuses values with which nothing can be learned.

        Raises:
            UserError: naming the first of them.
        """
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                above = f"from {least:g} to {most:g}" if most < MANY else f"{least:g} or more"
                raise UserError(f"{name} must be {above}, not {value:g}")
        if self.shard_parameters and (self.precision == "float16" or self.compile != "no"):
            raise UserError("shard_parameters goes with neither precision=float16 nor compile")

    def fitted(self, pixels: NDArray[Any]) -> "Recipe":
        """This recipe with PCA colors measured on training pixels (..., 3), if it varies them."""
        return self.but(augmentation=self.augmentation.fitted(pixels))

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns back into an equal recipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_json` wrote."""
        augmentation = Augmentation.from_json(values["augmentation"])
        steps = tuple((share, rate) for share, rate in values.get("steps", ()))
        return cls(**{**values, "augmentation": augmentation, "steps": steps})


MANY = 10**9
BOUNDS: dict[str, tuple[float, float]] = {  # least and largest value
    "epochs": (1, MANY), "batch_size": (1, MANY), "learning_rate": (1e-9, 1000),
    "momentum": (0, 0.9999), "weight_decay": (0, 10), "warmup": (0, 1), "kept_rate": (0, 1000),
    "label_smoothing": (0, 0.99), "balance": (0, 1), "clip": (1e-9, MANY), "average": (0, 0.999999),
    "patience": (1, MANY), "parts": (1, MANY), "threads": (1, 4096),
}  # fmt: skip
