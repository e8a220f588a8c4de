"""What paints: a network from a picture to a picture of the same size."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import psutil
import torch
from torch import Tensor, nn

from striate.errors import InputError
from striate.inference import evaluating
from striate.inference.program import Graph
from striate.inference.reading import pixels_of
from striate.models.image_transformation import SMALLEST, ImageTransformation
from striate.models.skeletons import skeleton, undrawn
from striate.ops.memory import channels_last
from striate.style import pictures
from striate.tasks.contract import Input, Predictor
from striate.tasks.style.answers import Answer, Pixels
from striate.tasks.style.judging import Judging
from striate.tasks.style.reinhard import ColorStatistics
from striate.tensors import same_form

COPIES = 4  # maps of full size at once: of the first layer, padded, and what lays them out
PAINTING = "painting"  # among the tensors, of which the others are the network's


class Painter(Predictor):
    """A network with the painting whose style it has learned.

    Args:
        architecture: plain JSON values from which `network` builds the model again.
        painting: (h, w, 3) uint8, as it was learned from.
    """

    kind: ClassVar[str] = "painter"
    largest_batch = 1  # prepared pictures may be large, and each is painted alone

    def __init__(
        self,
        model: nn.Module,
        architecture: dict[str, Any],
        painting: Pixels,
        judging: Judging,
    ):
        self.model, self.architecture = model.eval(), architecture
        self.painting, self.judging = painting, judging
        self.device = torch.device("cpu")

    @property
    def parameters(self) -> int:
        learned = self.model.state_dict()
        return sum(one.numel() for one in learned.values() if one.is_floating_point())

    @cached_property
    def _placed(self) -> nn.Module:
        return channels_last(self.model).to(self.device)

    def prepare(self, item: Input) -> Pixels:
        pixels = read(item)
        if self.device.type == "cpu":
            height, width = pixels.shape[:2]
            see_room(height, width, 4 * COPIES * self.architecture.get("width", 3))
        return pixels

    def predict(self, batch: Sequence[Pixels]) -> list[Answer]:
        return [Answer(self.painted(one)) for one in batch]

    def painted(self, pixels: Pixels) -> Pixels:
        """A picture (H, W, 3) uint8, painted."""
        return painted(self._placed, pixels)

    def to(self, device: str) -> None:
        self.device = torch.device(device)
        self.__dict__.pop("_placed", None)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.style.graph import graph_of

        return graph_of(self)

    def tensors(self) -> dict[str, Tensor]:
        return {**self.model.state_dict(), PAINTING: torch.from_numpy(np.array(self.painting))}

    def header(self) -> dict[str, Any]:
        return {"architecture": self.architecture, "judging": self.judging.to_json()}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        architecture, judging = header["architecture"], Judging.from_json(header["judging"])
        if not isinstance(architecture, dict):
            raise ValueError("its architecture is not an object")
        learned = {name: one for name, one in tensors.items() if name != PAINTING}
        painting = tensors[PAINTING]
        if painting.ndim != 3 or painting.dtype != torch.uint8:
            raise ValueError("its painting is no picture")
        with skeleton():  # sizes first, memory later
            same_form(network(architecture).state_dict(), learned)
        with undrawn():
            model = network(architecture)
        model.load_state_dict(learned)
        return cls(model, architecture, painting.numpy(), judging)


def read(item: Input) -> Pixels:
    """(H, W, 3) uint8 of a picture that is large enough.

    Raises:
        InputError: if it cannot be read, or is smaller.
    """
    pixels = pixels_of(item)
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise InputError(f"{width} x {height} px; painted are {SMALLEST} px a side and more")
    return pixels


def see_room(height: int, width: int, bytes_a_pixel: float) -> None:
    """Refuses a picture that there is no memory for.

    Raises:
        InputError: with the size that there is memory for.
    """
    needed, free = height * width * bytes_a_pixel, psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"{width} x {height} px need about {needed / 2**30:.1f} GB of memory to be painted, "
            f"and {free / 2**30:.1f} are free; make the longer side "
            f"{int(max(height, width) * (free / needed) ** 0.5) // 16 * 16} px at most"
        )


def painted(model: nn.Module, pixels: Pixels) -> Pixels:
    """A picture (H, W, 3) uint8 as a network paints it."""
    device = next(iter(model.state_dict().values())).device
    with evaluating(model):
        found: Tensor = model(pictures.tensor_of(pixels).to(device))
    return pictures.pixels_of(found)


def network(architecture: dict[str, Any]) -> nn.Module:
    """The module that plain values describe.

    Raises:
        LookupError, TypeError, ValueError: if there is no such.
    """
    values = dict(architecture)
    name = values.pop("network")
    if name == "colors":
        return ColorStatistics()
    if name != "image_transformation":
        raise ValueError(f"there is no network {name!r} that paints")
    width, blocks, published = values["width"], values["blocks"], values["published"]
    if type(width) is not int or type(blocks) is not int or not 0 < width * blocks < 4096:
        raise ValueError(f"it has {blocks!r} blocks of {width!r} channels")
    return ImageTransformation(width=width, blocks=blocks, published=bool(published))
