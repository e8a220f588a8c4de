"""What every way of finding things owes a person who wants to use it."""

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.models.matching import Detections


class Finder(Protocol):
    """Something that finds things in one picture and can be kept in a file without code."""

    @property
    def kind(self) -> str:
        """Which finder this is: a key of `striate.tasks.detection.detector.FINDERS`."""

    @property
    def parameters(self) -> int:
        """How many numbers were learned, here or before."""

    def find(self, pixels: NDArray[np.uint8]) -> Detections:
        """What is in a picture (H, W, 3), RGB, of any size; boxes in its pixels, best first."""

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it, by name."""

    def header(self) -> dict[str, Any]:
        """The rest of it, as plain JSON values."""

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any], classes: int) -> Self:
        """The finder of which `tensors` and `header` were stored.

        Raises:
            ValueError, LookupError, TypeError, RuntimeError: if they do not belong together; sizes
                are looked at before memory is taken.
        """
