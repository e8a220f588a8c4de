"""What a network says of aligned faces: the map of one of its stages, as means in the fields of a
coarse grid, and perhaps an embedding that was learned on it; or DeepFace's F7."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate.inference import device_of, evaluating
from striate.models import Normalization, create
from striate.models.backbone import Backbone, stage_of
from striate.models.deepface import F7, DeepFace
from striate.models.networks import NETWORKS
from striate.models.skeletons import skeleton
from striate.ops.memory import channels_last
from striate.tasks.faces.descriptions import INNER, seen
from striate.tasks.faces.metric import Cosine
from striate.tensors import same_form

WIDEST = 4096  # numbers of an embedding
LARGEST = 512  # pixels a side
DEEPFACE = "deepface"


@dataclass(frozen=True)
class Reading:
    """How a network reads a face.

    Attributes:
        network: a name of `striate.models`, or DEEPFACE.
        stride: of the stage whose map is taken, the deepest one.
        size: pixels a side.
        grid: fields a side, of each of which the map has a mean.
        embedding: numbers of a linear layer on them; 0: none.
        share: of the face's side that is seen.
        factor: what DeepFace's widths are divided by.
    """

    network: str
    stride: int = 16
    size: int = 160
    grid: int = 5
    embedding: int = 0
    share: float = INNER
    factor: int = 1


class Embedder(nn.Module):
    """Normalized faces (N, 3, S, S) to numbers (N, D): `upper` of what `lower` gives.

    Args:
        network: that has the stage; built without weights where None.

    Attributes:
        frozen: how many of the first stages `lower` computes; they do not learn.
    """

    frozen = 0

    def __init__(self, reading: Reading, network: nn.Module | None = None):
        super().__init__()
        self.reading = reading
        self.last: nn.Module = nn.Identity()
        if reading.network == DEEPFACE:
            deepface = DeepFace(classes=1, factor=reading.factor, image_size=reading.size)
            del deepface.head  # who is who is not asked of it
            self.trunk: nn.Module = deepface
            self.width = F7 // reading.factor
            return
        stage = stage_of(reading.network, reading.stride)
        if stage is None:
            raise ValueError(f"{reading.network} has no stage of stride {reading.stride}")
        self.trunk = Backbone(network or create(reading.network), [stage.name])  # type: ignore[arg-type]
        self.width = stage.channels * reading.grid**2
        if reading.embedding:
            self.last = nn.Linear(self.width, reading.embedding)
            self.width = reading.embedding

    def forward(self, images: Tensor) -> Tensor:
        return self.upper(self.lower(images))

    def freeze(self) -> None:
        """Keeps the stages up to half the stride that is read as they are, if there are such."""
        stage = stage_of(self.reading.network, self.reading.stride // 2)
        assert isinstance(self.trunk, Backbone)
        names = list(self.trunk.stages)
        self.frozen = names.index(stage.name) + 1 if stage and stage.name in names else 0
        for name in names[: self.frozen]:
            self.trunk.stages[name].requires_grad_(False)

    def lower(self, images: Tensor) -> Tensor:
        """Maps of the last frozen stage; the images where none is frozen."""
        if not self.frozen:
            return images
        assert isinstance(self.trunk, Backbone)
        x = images
        with torch.no_grad():
            for stage in list(self.trunk.stages.values())[: self.frozen]:
                x = stage(x)
        return x

    def upper(self, maps: Tensor) -> Tensor:
        """(N, D) of what `lower` gives."""
        if isinstance(self.trunk, DeepFace):
            return self.trunk.dropout(self.trunk.features(maps)["F7"])
        assert isinstance(self.trunk, Backbone)
        x = maps
        for stage in list(self.trunk.stages.values())[self.frozen :]:
            x = stage(x)
        found: Tensor = self.last(F.adaptive_avg_pool2d(x, self.reading.grid).flatten(1))
        return found

    def embed(self, metric: Cosine) -> None:
        """Adds a linear layer that gives what a metric projects numbers to."""
        assert metric.projection is not None
        rows, width = metric.projection.shape
        linear = nn.Linear(rows, width)
        with torch.no_grad():
            linear.weight.copy_(metric.projection.T)
            linear.bias.copy_(-metric.mean @ metric.projection)
        self.last, self.width = linear.to(device_of(self.trunk)), width
        self.reading = replace(self.reading, embedding=width)


class Deep:
    """A network as what describes a face."""

    def __init__(self, model: Embedder, normalization: Normalization):
        channels_last(model.eval())  # in place
        self.model, self.normalization = model, normalization

    @property
    def reading(self) -> Reading:
        """How its network reads a face."""
        return self.model.reading

    @property
    def parameters(self) -> int:
        """Of the network."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def __call__(self, faces: Tensor) -> Tensor:
        with evaluating(self.model):
            found: Tensor = self.model(self.images(faces))
        return found.float().cpu()

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
            "normalization": self.normalization.to_json(),
        }  # fmt: skip

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any]) -> "Deep":
        """The one of which these were stored.

        Raises:
            ValueError, LookupError, TypeError: if they do not belong together.
        """
        values = header["reading"]
        reading = Reading(**values)
        if header["name"] != "network" or reading.network not in (*NETWORKS, DEEPFACE):
            raise ValueError(f"faces are described by {header['name']!r}")
        if not (
            1 <= reading.size <= LARGEST and 1 <= reading.grid <= 16 and 1 <= reading.factor <= 32
            and 0 <= reading.embedding <= WIDEST and 0 < reading.share <= 1
        ):  # fmt: skip
            raise ValueError(f"it reads faces as {values}")
        with skeleton():
            same_form(Embedder(reading).state_dict(), tensors)
            model = Embedder(reading)
        model.load_state_dict(tensors, assign=True)
        return cls(model, Normalization.from_json(header["normalization"]))
