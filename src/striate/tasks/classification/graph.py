"""All of a network's answer as one graph: decoded pixels of any size in, its answer out."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.viewing import Viewing

if TYPE_CHECKING:
    from striate.tasks.classification.network import Network

WHOLE = torch.zeros(4)  # the box that means all of the picture
ABOUT = {
    "image": "(N, H, W, 3) uint8, RGB, upright, sRGB",
    "box": "(4,) float32: left, top, right, bottom in pixels of what is meant; zeros: all of it",
    "probabilities": "(N, classes) float32, calibrated",
    "label": "(N,) int64, the number of the most probable class",
    "known": '(N,) bool, False for "none of these"',
}


class Whole(nn.Module):
    """Pictures (N, H, W, 3) RGB uint8 and the box they show to three answers for each.

    - probabilities (N, classes) float32, calibrated;
    - label (N,) int64, the number of the most probable class;
    - known (N,) bool, False for "none of these".

    The box (4,) float32 is left, top, right, bottom in pixels, for JPEGs decoded at a scale, whose
    last row and column may be filled by half only; zeros mean all of the picture.

    Args:
        single: for a runtime that knows no double precision, OpenVINO.
    """

    def __init__(self, predictor: "Network", *, single: bool = False):
        super().__init__()
        view = predictor.preprocessing.view
        self.viewing, self.predictor = Viewing(view, single=single), predictor
        example = torch.zeros(1, view.channels, view.size, view.size)
        self.network = settled(predictor.network().cpu().eval(), example)

    def forward(self, image: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.network(self.predictor.preprocessing(self.viewing(image, box)))
        probabilities, known = self.predictor.decided(outputs)
        return probabilities, probabilities.argmax(1), known


def graph_of(predictor: "Network", *, single: bool = False) -> Graph:
    """The graph, and what other runtimes need to know of it."""
    return Graph(
        Whole(predictor, single=single),
        examples=(torch.zeros(2, 300, 400, 3, dtype=torch.uint8), WHOLE),
        shapes={"image": {0: "N", 1: "H", 2: "W"}, "box": {}},
        outputs=("probabilities", "label", "known"),
        defaults={"box": WHOLE},
        about=ABOUT,
    )
