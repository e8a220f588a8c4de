"""A painter as one graph: from a picture of any size, decoded, to the painted one."""

from typing import cast

import torch
from torch import Tensor, nn

from striate.inference.program import Graph
from striate.models.image_transformation import SMALLEST, STEP, ImageTransformation
from striate.tasks.style.painter import Painter

SHAPE = (48, 64)  # of the picture that is traced
MOST = 2**14  # multiples of STEP that a side may have


class Whole(nn.Module):
    """An image (H, W, 3) uint8 to a painted one."""

    one: Tensor

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model, self.grows = model, isinstance(model, ImageTransformation)
        self.register_buffer("one", torch.tensor(1))  # `ones` would be a node OpenVINO refuses

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[:2]
        x = image.permute(2, 0, 1).float()
        if self.grows:  # here, for the network would ask by how much
            for axis, length in ((1, height), (2, width)):
                place = torch.arange(self.grown(length)).clamp(max=length - 1)
                x = x.index_select(axis, place)
        found = self.model(x[None])[0, :, :height, :width]
        return found.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)

    def grown(self, length: int) -> int:
        """A side that the network does not have to grow."""
        count = torch.div(self.one * length + STEP - 1, STEP, rounding_mode="floor").item()
        torch._check(count >= SMALLEST // STEP)
        torch._check(count <= MOST)
        return cast(int, count) * STEP


def graph_of(painter: Painter) -> Graph:
    """The graph of a painter."""
    return Graph(
        Whole(painter.model).cpu().eval(),
        examples=(torch.zeros(*SHAPE, 3, dtype=torch.uint8),),
        shapes={"image": {0: "H", 1: "W"}},
        outputs=("painted",),
        least={"H": SMALLEST, "W": SMALLEST},
        about={
            "image": "(H, W, 3) uint8, RGB, upright",
            "painted": "(H, W, 3) uint8, RGB, the picture in the style that was learned",
        },
    )
