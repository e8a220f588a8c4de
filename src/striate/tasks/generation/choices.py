"""What can be set of a method beside its recipe: `--set width=32`."""

from dataclasses import dataclass

from striate.models.adversarial import GeneratorLoss
from striate.tasks.generation.networks import MOST

LARGEST = 1024  # pixels of a side, of which a batch still fits a usual memory


@dataclass(frozen=True)
class Choices:
    """Of every method.

    Attributes:
        side: pixels of a side; where None, the pictures' own, at most 64.
        noise: numbers that a picture is made of.
        conditional: whether the class of a picture is told, so that one may be asked for.
    """

    side: int | None = None
    noise: int = 100
    conditional: bool = False

    def __post_init__(self) -> None:
        if self.side is not None and not 8 <= self.side <= LARGEST:
            raise ValueError(f"side is from 8 to {LARGEST} pixels, not {self.side}")
        if not 1 <= self.noise <= MOST:
            raise ValueError(f"noise is from 1 to {MOST} numbers, not {self.noise}")


@dataclass(frozen=True)
class Adversarial(Choices):
    """Of methods with two players.

    Attributes:
        width: of the networks (`striate.models.adversarial`, `striate.models.dcgan`).
        loss: of the generator.
    """

    width: int = 64
    loss: GeneratorLoss = "non-saturating"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.width <= MOST:
            raise ValueError(f"width is from 1 to {MOST}, not {self.width}")


@dataclass(frozen=True)
class Machines(Choices):
    """Of Boltzmann machines, whose noise has a number for each unit that the topmost one sees.

    Attributes:
        hidden: units of each layer.
        chains: of the topmost machine, that go on while it learns.
        steps: of Gibbs sampling, for a picture.
    """

    hidden: tuple[int, ...] = (500, 500, 2000)
    chains: int = 100
    steps: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.hidden or not all(1 <= units <= 100_000 for units in self.hidden):
            raise ValueError("hidden is one or more numbers from 1 to 100,000")
        if not 0 <= self.chains <= 100_000:
            raise ValueError(f"chains is from 0 to 100,000, not {self.chains}")
        if not 1 <= self.steps <= 100_000:
            raise ValueError(f"steps is from 1 to 100,000, not {self.steps}")
