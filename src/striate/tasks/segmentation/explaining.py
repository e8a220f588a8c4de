"""What the class of a pixel, or of a region, depends on: a square hides each part of the picture in
turn, and what the region's probability loses is noted (Zeiler & Fergus 2014, Section 4.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ImageError, ModelError, UserError
from striate.inference.reading import pixels_of
from striate.models import folded
from striate.ops.memory import channels_last
from striate.tasks.contract import Predictor
from striate.tasks.segmentation.segmenter import Segmenter, logits
from striate.tasks.segmentation.tiles import TILE
from striate.visualize import heat, occlusion
from striate.visualize.drawing import Legend, Tile, boxed, sheet
from striate.visualize.masks import overlaid
from striate.visualize.reading import class_number

PARTS, STEPS = 7, 10  # of the shorter side: the square's side, and the step from place to place
BATCH = 4
AROUND = 4  # pixels on each side of a single one that a frame is drawn


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked about, in a picture as the network reads it.

    Attributes:
        region: (H, W) bool, the pixels.
        frame: top, left, bottom, right of what is drawn around them; None for those of a class.
        words: for people.
    """

    region: NDArray[np.bool_]
    frame: tuple[int, int, int, int] | None
    words: str


class RegionScores(nn.Module):
    """A segmenting network asked about a region: images (N, 3, H, W) to the logarithm of each
    class's mean probability there, (N, classes).

    Args:
        region: (H, W) bool, at least one pixel.
    """

    def __init__(self, network: nn.Module, region: Tensor):
        super().__init__()
        self.network = network
        self.register_buffer("region", region)

    def forward(self, images: Tensor) -> Tensor:
        shares = self.network(images).float().softmax(1)
        found: Tensor = shares[:, :, self.region].mean(2)
        return found.clamp(min=1e-30).log()


def page(
    predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
    at: tuple[float, ...] = (),
) -> tuple[NDArray[np.uint8], dict[str, Any]]:  # fmt: skip
    """The picture with what its region depends on, and that in numbers.

    Args:
        item: the path of a picture.
        name: of the class asked about; what most of the region is found as where None.
        at: x, y of a pixel of the picture, or left, top, right, bottom of a part; () means all
            pixels that are found as the class.

    Raises:
        ModelError: if the predictor is an export.
        UnknownName: if there is no such class.
        UserError: if there is no such part of the picture, or it is too large.
        ImageError: if the picture cannot be read.
    """
    if not isinstance(predictor, Segmenter):
        raise ModelError("an export has no layers to look into")
    try:
        whole = pixels_of(item)
    except ImageError as error:
        raise ImageError(f"{item}: {error}") from error
    pixels = np.array(predictor.reading.scaled(whole))
    if max(pixels.shape) > TILE:
        raise UserError(
            f"{item} has {whole.shape[1]} x {whole.shape[0]} pixels; cut out a part of at most "
            f"{TILE} x {TILE} to be explained"
        )
    network = channels_last(folded(predictor.model))
    labels = logits(network, predictor.reading, pixels).argmax(0).cpu().numpy()
    wanted = None if name is None else class_number(names, name)
    asked = region_of(labels, whole.shape[:2], at, names, wanted)
    target = wanted
    if target is None:
        target = int(np.bincount(labels[asked.region]).argmax())
    model = RegionScores(network, torch.from_numpy(asked.region))
    shorter = min(pixels.shape[:2])
    images = predictor.reading.normalization(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    found = occlusion(
        model, images, target, size=max(1, shorter // PARTS), stride=max(1, shorter // STEPS),
        incremental=False, batch=BATCH,
    )  # fmt: skip
    lost = np.nan_to_num(found.over_pixels())
    row, column = np.unravel_index(found.probability.argmin(), found.probability.shape)
    scale = whole.shape[0] / pixels.shape[0]
    top, left = (
        scale * float(places[n]) for places, n in ((found.tops, row), (found.lefts, column))
    )
    facts: dict[str, Any] = {
        "class": names[target],
        "region": asked.words,
        "pixels": int(asked.region.sum()),
        "probability": found.clean_probability,
        "smallest": float(found.probability.min()),
        "hidden_then": [round(left), round(top), round(left + scale * found.size),
                        round(top + scale * found.size)],
    }  # fmt: skip
    shown = np.asarray(overlaid(pixels, labels.astype(np.uint8), ()))
    if asked.frame is None:
        only = np.where(labels == target, target, 0).astype(np.uint8) if target else None
        shown = shown if only is None else np.asarray(overlaid(pixels, only, ()))
        framed = pixels
    else:
        framed, shown = boxed(pixels, asked.frame), boxed(shown, asked.frame)
    high = max(float(lost.max()), 1e-6)
    heated = heat(pixels, lost, low=0.0, high=high)
    tiles = [
        Tile(framed, "the picture"),
        Tile(shown, "what is found"),
        Tile(heated if asked.frame is None else boxed(heated, asked.frame), "what it depends on"),
    ]
    caption = (
        f"A square of a seventh of the shorter side hid each part in turn. {names[target]} has "
        f"{100 * found.clean_probability:.1f} % on the mean of {asked.words}, and "
        f"{100 * facts['smallest']:.1f} % where the most is lost."
    )
    legend = Legend(0.0, high, "probability lost", "ember")
    return sheet(f"Why {names[target]}?", [tiles], caption=caption, side=320, legend=legend), facts


def region_of(
    labels: NDArray[np.int64], size: tuple[int, int], at: tuple[float, ...],
    names: tuple[str, ...], wanted: int | None,
) -> Asked:  # fmt: skip
    """The pixels that are asked about.

    Args:
        labels: (H, W) what is found, as the network reads the picture.
        size: height and width of the picture itself, in whose pixels `at` counts.

    Raises:
        UserError: if there are none.
    """
    height, width = labels.shape
    region = np.zeros((height, width), bool)
    if not at:
        if wanted is None:
            counts = np.bincount(labels.ravel(), minlength=len(names))
            wanted = int(counts[1:].argmax()) + 1 if counts[1:].any() else 0
        region = labels == wanted
        if not region.any():
            raise UserError(
                f"{names[wanted]} is found nowhere in this picture; ask about a place with --at X,Y"
            )
        return Asked(region, None, f"all pixels found as {names[wanted]}")
    places = "x, y of a pixel or left, top, right, bottom of a part"
    if len(at) not in (2, 4):
        raise UserError(f"--at takes {places}, not {len(at)} numbers")
    left, top, right, bottom = at if len(at) == 4 else (*at, at[0] + 1, at[1] + 1)
    if not (0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]):
        given = ",".join(f"{number:g}" for number in at)
        raise UserError(
            f"--at {given} is no part of a picture of {size[1]} x {size[0]} pixels; it takes "
            f"{places}"
        )
    down, across = height / size[0], width / size[1]
    y0, x0 = min(height - 1, int(top * down)), min(width - 1, int(left * across))
    y1 = max(y0 + 1, min(height, round(bottom * down)))
    x1 = max(x0 + 1, min(width, round(right * across)))
    if len(at) == 2:
        y1, x1 = y0 + 1, x0 + 1
        frame = (y0 - AROUND, x0 - AROUND, y1 + AROUND, x1 + AROUND)
        words = f"the pixel at {left:g}, {top:g}"
    else:
        frame, words = (y0, x0, y1, x1), f"the part {left:g}, {top:g} to {right:g}, {bottom:g}"
    region[y0:y1, x0:x1] = True
    return Asked(region, frame, words)
