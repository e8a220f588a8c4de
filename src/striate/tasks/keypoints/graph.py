"""What finds points as one graph: from a decoded picture of any size to a place for each part."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.viewing import Viewing
from striate.models import folded
from striate.tasks.keypoints.finder import Finder
from striate.tasks.keypoints.sureness import LEAST
from striate.tasks.pictures.graph import ABOUT as IMAGE
from striate.tasks.pictures.graph import WHOLE

ABOUT = {
    **IMAGE,
    "places": "(N, parts, 2) float32, x and y in pixels from the upper left corner of what is "
    "meant; the center of the first pixel is 0.5, 0.5",
    "scores": "(N, parts) float32, the probability of each place to be right",
}


class Whole(nn.Module):
    """Pictures (N, H, W, 3) RGB uint8 and the box they show to places (N, K, 2) and scores (N, K).

    Args:
        single: for a runtime that knows no double precision, OpenVINO.
    """

    def __init__(self, finder: Finder, *, single: bool = False):
        super().__init__()
        preprocessing = finder.preprocessing
        self.viewing = Viewing(preprocessing.view, single=single)
        self.preprocessing, self.sureness = preprocessing, finder.sureness
        side = preprocessing.view.size
        self.network = settled(
            folded(deepcopy(finder.model)).cpu().eval(), torch.zeros(1, 3, side, side)
        )

    def forward(self, image: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        found = self.network.places(self.preprocessing(self.viewing(image, box)))  # type: ignore[operator]
        rows, columns = self.viewing.axes(image, box)
        lines = []
        for line, axis in ((found[..., 0], columns), (found[..., 1], rows)):
            span = axis.end - axis.start
            place = (line - axis.corner.float()) * (span / axis.wanted.float())
            lines.append(torch.minimum(place.clamp(min=0.0), span))
        share = found[..., 2].clamp(LEAST, 1 - LEAST)
        logits = self.sureness.slope * torch.log(share / (1 - share)) + self.sureness.shift
        return torch.stack(lines, 2), torch.sigmoid(logits.clamp(-40.0, 40.0))


def graph_of(finder: Finder, *, single: bool = False) -> Graph:
    """The graph, and what other runtimes need to know of it."""
    return Graph(
        Whole(finder, single=single),
        examples=(torch.zeros(2, 300, 400, 3, dtype=torch.uint8), WHOLE),
        shapes={"image": {0: "N", 1: "H", 2: "W"}, "box": {}},
        outputs=("places", "scores"),
        defaults={"box": WHOLE},
        about=ABOUT,
    )
