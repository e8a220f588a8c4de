"""All of a picture network's answer as one graph: decoded pixels of any size in, its answer out."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.viewing import Viewing
from striate.tasks.pictures.predictor import PicturePredictor

WHOLE = torch.zeros(4)  # the box that means all of the picture
ABOUT = {
    "image": "(N, H, W, 3) uint8, RGB, upright, sRGB",
    "box": "(4,) float32: left, top, right, bottom in pixels of what is meant; zeros: all of it",
}


class Whole(nn.Module):
    """Pictures (N, H, W, 3) RGB uint8 and the box they show to what `exported` makes of them.

    The box (4,) float32 is left, top, right, bottom in pixels, for JPEGs decoded at a scale, whose
    last row and column may be filled by half only; zeros mean all of the picture.

    Args:
        single: for a runtime that knows no double precision, OpenVINO.
    """

    def __init__(self, predictor: PicturePredictor, *, single: bool = False):
        super().__init__()
        view = predictor.preprocessing.view
        self.viewing, self.predictor = Viewing(view, single=single), predictor
        example = torch.zeros(1, view.channels, view.size, view.size)
        self.network = settled(predictor.network().cpu().eval(), example)

    def forward(self, image: Tensor, box: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(self.predictor.preprocessing(self.viewing(image, box)))
        return self.predictor.exported(outputs)


def graph_of(
    predictor: PicturePredictor, about: Mapping[str, str], *, single: bool = False
) -> Graph:
    """The graph, and what other runtimes need to know of it.

    Args:
        about: what each output of `PicturePredictor.exported` is, by name, in order.
    """
    return Graph(
        Whole(predictor, single=single),
        examples=(torch.zeros(2, 300, 400, 3, dtype=torch.uint8), WHOLE),
        shapes={"image": {0: "N", 1: "H", 2: "W"}, "box": {}},
        outputs=tuple(about),
        defaults={"box": WHOLE},
        about={**ABOUT, **about},
    )
