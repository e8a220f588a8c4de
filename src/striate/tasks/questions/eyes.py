"""What sees a picture: a network and how a picture comes to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.inference import Preprocessing
from striate.inference.outputs import outputs_of
from striate.models.pooled_maps import PooledMaps
from striate.models.skeletons import skeleton
from striate.tasks.pictures.predictor import same_kinds, whole
from striate.tasks.questions.inputs import Prepared

TOGETHER = 32  # pictures that are seen at a time
LARGEST_GRID = 16


@dataclass(frozen=True, eq=False)
class Eye:
    """From pixels to features (N, F)."""

    network: PooledMaps
    preprocessing: Preprocessing

    def __call__(self, batch: Sequence[Prepared]) -> Tensor:
        """Each different picture is seen once, however many questions there are about it."""
        place: dict[bytes, int] = {}
        pixels: list[NDArray[np.uint8]] = []
        places = []
        for one in batch:
            assert one.pixels is not None
            places.append(place.setdefault(one.pixels.tobytes(), len(pixels)))
            if places[-1] == len(pixels):
                pixels.append(one.pixels)
        found = outputs_of(self.network, self.preprocessing, np.stack(pixels), batch_size=TOGETHER)
        return found[places]

    @property
    def parameters(self) -> int:
        """How many numbers it has."""
        return sum(tensor.numel() for tensor in self.network.state_dict().values())

    def header(self) -> dict[str, Any]:
        """Beside its tensors, as plain JSON values."""
        return {
            "network": self.network.network,
            "grid": self.network.grid,
            "preprocessing": self.preprocessing.to_json(),
        }

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: Mapping[str, Any]) -> Self:
        """The one of which tensors and header were stored.

        Raises:
            ValueError, LookupError, TypeError: if they do not belong together.
        """
        preprocessing = Preprocessing.from_json(header["preprocessing"])
        with skeleton():
            network = PooledMaps(str(header["network"]), grid=size_of(header["grid"], LARGEST_GRID))
        same_kinds(network.state_dict(), tensors)
        network.load_state_dict(tensors, assign=True)
        return cls(network.eval(), preprocessing)


def size_of(value: object, most: int) -> int:
    """A size of a header, at least 1.

    Raises:
        TypeError, ValueError: if it is none.
    """
    found = whole(value)
    if not 0 < found <= most:
        raise ValueError(f"it has a size of {found}")
    return found


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, without that; they are taken out."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The same tensors with that before their names."""
    return {prefix + name: tensor for name, tensor in tensors.items()}
