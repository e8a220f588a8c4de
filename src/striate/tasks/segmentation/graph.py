"""A segmenter as one graph: from a picture of any size, decoded, to the class of each pixel."""

from typing import cast

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.resampling import Axis, resampled, weights
from striate.models import folded
from striate.tasks.segmentation.reading import DEVIATION, MEAN, Reading
from striate.tasks.segmentation.segmenter import Segmenter

SHAPE = (96, 128)  # of the picture that is traced
ANY = ("unet", "fcn", "deeplab", "hypercolumns", "frrn_a", "frrn_b", "weldon")
"""Networks that read pictures of any size in a graph, grown to multiples of a number."""
MOST = 2**14  # multiples of it that a side may have


class Whole(nn.Module):
    """An image (H, W, 3) uint8 to its class numbers (H, W) uint8."""

    scale: Tensor
    shift: Tensor
    one: Tensor

    def __init__(self, model: nn.Module, reading: Reading):
        super().__init__()
        self.model, self.reading = model, reading
        self.step = int(model.multiple)  # type: ignore[arg-type]
        normalization = reading.normalization
        std = torch.tensor(normalization.std)
        self.register_buffer("one", torch.tensor(1))  # `ones` would be a node OpenVINO refuses
        self.register_buffer("scale", (1 / std)[:, None, None])
        self.register_buffer("shift", (-torch.tensor(normalization.mean) / std)[:, None, None])

    def forward(self, image: Tensor) -> Tensor:
        given = [self.one * length for length in image.shape[:2]]
        wanted = given if self.reading.side is None else self.wanted(*given)
        sides = [self.grown(each) for each in wanted]
        pixels = image.permute(2, 0, 1).float()
        if self.reading.evened:
            pixels = evened(pixels)
        pixels = self.resized(pixels, 1, given, wanted, sides)  # columns first
        pixels = self.resized(pixels, 0, given, wanted, sides)
        images = torch.addcmul(self.shift, pixels, self.scale)
        if self.reading.normalization.bgr:
            images = images.flip(0)
        scores = self.model(images[None])[0]
        for axis, length in ((1, image.shape[0]), (2, image.shape[1])):
            scores = enlarged(scores, axis, length, wanted[axis - 1], given[axis - 1])
        return scores.argmax(0).to(torch.uint8)

    def wanted(self, height: Tensor, width: Tensor) -> list[Tensor]:
        """Height and width after scaling: `Reading.size`."""
        side = cast(int, self.reading.side)
        scale = side / torch.maximum(height, width).double()
        return [torch.round(each.double() * scale).long().clamp(min=1) for each in (height, width)]

    def grown(self, side: Tensor) -> int:
        """The side that a picture grows to, a multiple of what the network needs."""
        count = torch.div(side + self.step - 1, self.step, rounding_mode="floor").item()
        torch._check(count >= 1)
        torch._check(count <= MOST)
        return cast(int, count) * self.step

    def resized(
        self, x: Tensor, axis: int, given: list[Tensor], wanted: list[Tensor], sides: list[int]
    ) -> Tensor:
        """Maps (3, H, W) at the wanted length of an axis; beyond it, to the side, the edge goes
        on."""
        if self.reading.side is None:
            place = torch.minimum(torch.arange(sides[axis]), given[axis] - 1)
            return x.index_select(axis + 1, place)
        zero = torch.zeros((), dtype=torch.int64)
        line = Axis(x.shape[axis + 1], zero.float(), given[axis].float(), wanted[axis], zero)
        matrix = weights(line, sides[axis])
        if axis:
            return resampled(x, matrix)
        return resampled(x.transpose(1, 2), matrix).transpose(1, 2)


def evened(pixels: Tensor) -> Tensor:
    """Pixels (3, H, W) as `reading.even` brings them to one mean and deviation."""
    flat = pixels.double().flatten(1)
    mean = flat.mean(1)[:, None, None]
    deviation = (flat - mean[:, 0]).square().mean(1).sqrt().clamp(min=1)[:, None, None]
    return ((pixels - mean) * (DEVIATION / deviation) + MEAN).round().clamp(0, 255).float()


def enlarged(scores: Tensor, axis: int, length: int, wanted: Tensor, given: Tensor) -> Tensor:
    """Scores at the picture's own pixels along an axis, between those of the network's."""
    places = torch.arange(length)
    at = (places.double() + 0.5) * wanted / given - 0.5
    at = torch.minimum(at.clamp(min=0), (wanted - 1).double())
    low = at.floor().long()
    high = torch.minimum(low + 1, wanted - 1)
    shape = (1, -1, 1) if axis == 1 else (1, 1, -1)
    share = (at - low).float().view(shape)
    first, second = scores.index_select(axis, low), scores.index_select(axis, high)
    return first + share * (second - first)


def graph_of(segmenter: Segmenter) -> Graph:
    """The graph of a segmenter.

    Raises:
        ModelError: if more than its network answers, or that takes pictures of one size in a graph.
    """
    name = segmenter.architecture["network"]
    if type(segmenter) is not Segmenter:
        raise ModelError(
            f"{segmenter.kind} is a network and a field behind it, which is not a graph; export "
            "what the same method learns without the field"
        )
    if name not in ANY or getattr(segmenter.model, "valid", False):
        raise ModelError(f"{name} cannot be exported; those that can are {', '.join(ANY)}")
    model = folded(segmenter.model).cpu().eval()
    settled(model, torch.zeros(1, 3, 64, 64))  # any multiple of what it needs is alike
    whole = Whole(model, segmenter.reading).eval()
    return Graph(
        whole,
        examples=(torch.zeros(*SHAPE, 3, dtype=torch.uint8),),
        shapes={"image": {0: "H", 1: "W"}},
        outputs=("labels",),
        about={
            "image": "(H, W, 3) uint8, RGB, upright",
            "labels": "(H, W) uint8, the class number of each pixel",
        },
    )
