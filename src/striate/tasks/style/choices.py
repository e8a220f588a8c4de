"""What can be set of a style and of the network that learns it."""

from dataclasses import dataclass

from striate.models.image_transformation import BLOCKS

MOST = 512  # channels and blocks


@dataclass(frozen=True)
class Choices:
    """Of every method.

    Attributes:
        style: what the painting weighs, where the photograph weighs 1.
        variation: of total variation, over pixels in [0, 1]: more gives smoother areas.
    """

    style: float = 5.0
    variation: float = 1.0

    def __post_init__(self) -> None:
        if not self.style > 0:
            raise ValueError(f"style is above 0, not {self.style:g}")
        if self.variation < 0:
            raise ValueError(f"variation is 0 or more, not {self.variation:g}")


@dataclass(frozen=True)
class Network(Choices):
    """Of methods that learn a network.

    Attributes:
        width: channels at full size.
        blocks: residual ones, at a quarter of it.
    """

    width: int = 16
    blocks: int = BLOCKS

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "blocks"):
            if not 1 <= getattr(self, name) <= MOST:
                raise ValueError(f"{name} is from 1 to {MOST}, not {getattr(self, name)}")
