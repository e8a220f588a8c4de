"""What a network says of aligned faces: one of its stages, pooled on a coarse grid, and perhaps an
embedding that was learned on it."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate.inference import device_of, evaluating
from striate.models import Normalization, create
from striate.models.networks import NETWORKS
from striate.ops.memory import channels_last
from striate.tasks.faces.descriptions import INNER, seen
from striate.tensors import same_form

WIDEST = 4096  # numbers of an embedding
LARGEST = 512  # pixels a side


@dataclass(frozen=True)
class Reading:
    """How a network reads a face.

    Attributes:
        network: a name of `striate.models`.
        stage: whose feature maps are taken.
        size: pixels a side.
        grid: (rows, columns are as many) of means of the feature maps.
        embedding: numbers of a linear layer on them; 0: none.
        share: of the face's side that is seen.
    """

    network: str
    stage: str
    size: int
    grid: int
    embedding: int = 0
    share: float = INNER


class Embedder(nn.Module):
    """Normalized faces (N, 3, S, S) to numbers (N, D)."""

    def __init__(self, reading: Reading, trunk: nn.Module):
        super().__init__()
        self.reading, self.trunk = reading, trunk
        self.last: nn.Module = nn.Identity()
        if reading.embedding:
            self.last = nn.Linear(width_of(trunk, reading), reading.embedding)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(pooled(self.trunk, self.reading, images))


def pooled(trunk: nn.Module, reading: Reading, images: Tensor) -> Tensor:
    """(N, D): the maps of a stage, the mean in each field of a grid."""
    maps = trunk.features(images)[reading.stage]  # type: ignore[operator]
    return F.adaptive_avg_pool2d(maps, reading.grid).flatten(1)


def width_of(trunk: nn.Module, reading: Reading) -> int:
    """How many numbers `pooled` gives."""
    if next(trunk.parameters()).is_meta:
        with torch.no_grad(), evaluating(trunk):
            blank = torch.empty(1, 3, reading.size, reading.size, device="meta")
            return pooled(trunk, reading, blank).shape[1]
    with torch.no_grad(), evaluating(trunk):
        return pooled(trunk, reading, torch.zeros(1, 3, reading.size, reading.size)).shape[1]


class Deep:
    """A network as what describes a face."""

    def __init__(self, model: Embedder, normalization: Normalization):
        self.model, self.normalization = channels_last(model.eval()), normalization
        self.reading = model.reading

    @property
    def parameters(self) -> int:
        """Of the network."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def __call__(self, faces: Tensor) -> Tensor:
        with torch.no_grad(), evaluating(self.model):
            return self.model(self.images(faces)).float().cpu()

    def images(self, faces: Tensor) -> Tensor:
        """(N, 3, size, size) as the network reads faces (N, S, S, 3) uint8."""
        x = seen(faces.to(device_of(self.model)), self.reading.size, self.reading.share)
        return self.normalization(x)

    def to(self, device: str) -> None:
        """Moves the network."""
        self.model.to(device)

    def tensors(self) -> dict[str, Tensor]:
        """Of the network."""
        return dict(self.model.state_dict())

    def header(self) -> dict[str, Any]:
        """How it is built and how it reads a face."""
        return {
            "name": "network", "reading": asdict(self.reading),
            "normalization": asdict(self.normalization),
        }  # fmt: skip

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any]) -> "Deep":
        """The one of which these were stored.

        Raises:
            ValueError, LookupError, TypeError: if they do not belong together.
        """
        values = header["reading"]
        reading = Reading(**values)
        if header["name"] != "network" or reading.network not in NETWORKS:
            raise ValueError(f"faces are described by {header['name']!r}")
        if not (
            1 <= reading.size <= LARGEST and 1 <= reading.grid <= 16
            and 0 <= reading.embedding <= WIDEST and 0 < reading.share <= 1
        ):  # fmt: skip
            raise ValueError(f"it reads faces as {values}")
        with torch.device("meta"):
            same_form(Embedder(reading, create(reading.network)).state_dict(), tensors)
        model = Embedder(reading, create(reading.network))
        model.load_state_dict(tensors)
        return cls(model, Normalization.from_json(header["normalization"]))
