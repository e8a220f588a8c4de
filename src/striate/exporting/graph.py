"""All of a recognizer as one network: decoded pixels of any size in, its answer out."""

import torch
from torch import Tensor, nn

from striate.exporting.viewing import Viewing
from striate.recognizer import Recognizer
from striate.recognizer.conversion import settled

EXAMPLES = (torch.zeros(2, 300, 400, 3, dtype=torch.uint8), torch.zeros(4))
SHAPES: dict[str, dict[int, str]] = {"image": {0: "N", 1: "H", 2: "W"}, "box": {}}
OUTPUTS = ["probabilities", "label", "known"]


class Graph(nn.Module):
    """Pictures (N, H, W, 3) RGB uint8 and the box they show to three answers for each.

    - probabilities (N, classes) float32, calibrated;
    - label (N,) int64, the number of the most probable class;
    - known (N,) bool, False for "none of these".

    The box (4,) float32 is left, top, right, bottom in pixels, for JPEGs decoded at a scale, whose
    last row and column may be filled by half only; zeros mean all of the picture.

    Args:
        single: for a runtime that knows no double precision, OpenVINO.
    """

    def __init__(self, recognizer: Recognizer, *, single: bool = False):
        super().__init__()
        view = recognizer.preprocessing.view
        self.viewing, self.recognizer = Viewing(view, single=single), recognizer
        example = torch.zeros(1, view.channels, view.size, view.size)
        self.network = settled(recognizer.network().cpu().eval(), example)

    def forward(self, image: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ours = self.recognizer
        outputs = self.network(ours.preprocessing(self.viewing(image, box)))
        count = len(ours.classes)
        probabilities = ours.calibration(outputs[:, :count])
        known = ours.knows(probabilities, outputs[:, count:])
        return probabilities, probabilities.argmax(1), known
