"""What is deployed: a straight line over the mean pixel, or a tiny network."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images
from striate.images import View
from striate.inference import evaluating
from striate.inference.program import Graph
from striate.inference.runtimes import Runtime
from striate.inference.viewing import Viewing
from striate.tasks.contract import Input, Predictor

VIEW = View(8, channels=1, fit="squash")


def seen(item: Input) -> NDArray[np.uint8]:
    """A picture as the predictors see it: (8, 8, 1) uint8."""
    if isinstance(item, np.ndarray):
        return images.apply(images.to_rgb(item), VIEW)
    data = item if isinstance(item, bytes) else images.load(item)
    return images.render(data, [VIEW])[0]


def tiny() -> nn.Sequential:
    """Two layers."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1)
    )


class Module(Predictor):
    """Anything that takes pixels (N, 1, 8, 8) in [0, 1] and gives (N, 1)."""

    size = VIEW.size

    def __init__(self, model: nn.Module):
        self.model = model.eval()

    @staticmethod
    @abstractmethod
    def build() -> nn.Module:
        """The model with any weights."""

    @property
    def parameters(self) -> int:
        return sum(each.numel() for each in self.model.parameters())

    def prepare(self, item: Input) -> NDArray[np.uint8]:
        return seen(item)

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[float]:
        device = next(self.model.parameters()).device
        pixels = torch.from_numpy(np.stack(batch)).to(device).permute(0, 3, 1, 2)
        with evaluating(self.model):
            answers: list[float] = self.model(pixels / 255)[:, 0].tolist()
        return answers

    def tensors(self) -> dict[str, Tensor]:
        return self.model.state_dict()

    def header(self) -> dict[str, Any]:
        return {}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        model = cls.build()
        model.load_state_dict(tensors)
        return cls(model)

    def to(self, device: str) -> None:
        self.model.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        return Graph(
            Whole(self.model.cpu(), single=single).eval(),
            examples=(torch.zeros(2, 30, 40, 3, dtype=torch.uint8),),
            shapes={"image": {0: "N", 1: "H", 2: "W"}},
            outputs=("brightness",),
            about={"image": "(N, H, W, 3) uint8, RGB", "brightness": "(N,) float32 in [0, 1]"},
        )


class Line(Module):
    """Brightness is a + b times the mean pixel."""

    kind: ClassVar[str] = "line"

    @staticmethod
    def build() -> nn.Module:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1))


class Tiny(Module):
    """The network."""

    kind: ClassVar[str] = "tiny"

    @staticmethod
    def build() -> nn.Module:
        return tiny()


class Whole(nn.Module):
    """From decoded pictures of any size to their brightness."""

    def __init__(self, model: nn.Module, *, single: bool):
        super().__init__()
        self.viewing, self.model = Viewing(VIEW, single=single), model
        self.register_buffer("box", torch.zeros(4))

    def forward(self, image: Tensor) -> Tensor:
        return self.model(self.viewing(image, self.box) / 255)[:, 0]


class Exported(Predictor):
    """The graph in an exported file."""

    kind = "exported"

    def __init__(self, runtime: Runtime):
        self.runtime = runtime

    @property
    def parameters(self) -> int:
        return self.runtime.parameters

    def prepare(self, item: Input) -> NDArray[np.uint8]:
        return images.to_rgb(item) if isinstance(item, np.ndarray) else images.read(item)

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[float]:
        found = [self.runtime.run({"image": one[None]})["brightness"] for one in batch]
        return [float(one[0]) for one in found]

    def tensors(self) -> dict[str, Tensor]:
        raise NotImplementedError  # an export is a file already

    def header(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def restored(cls, *_: Any) -> Self:
        raise NotImplementedError
