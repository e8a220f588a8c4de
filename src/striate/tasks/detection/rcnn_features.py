"""What R-CNN reads (Girshick et al. 2014, arXiv:1311.2524): regions, warped crops, deep features.

A region is cut out with some context and warped to a square, whatever its shape (Appendix A); a
network that was trained for whole pictures looks at every one of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.handcrafted.selective_search import Strategies, selective_search
from striate.models import Normalization, create, folded
from striate.models.faster_rcnn import Backbone
from striate.models.stages import Stages
from striate.ops.boxes import without_doubles
from striate.tasks.detection.networks import fill, normalization_for
from striate.training import fastest_device

# network: the maps that are read, their widths, and into how many cells a side each is averaged.
# The map of stride 16 tells where in the crop things lie, the last one what they are.
# fmt: off
READ: dict[str, tuple[tuple[str, int, int], ...]] = {
    "efficientnet_lite0": (("stage5", 112, 4), ("stage7", 320, 2)),
    "resnet18": (("stage3", 256, 4), ("stage4", 512, 2)),
    "resnet34": (("stage3", 256, 4), ("stage4", 512, 2)),
    "resnet50": (("stage3", 1024, 2), ("stage4", 2048, 1)),
    "vgg16": (("conv5_3", 512, 3),),  # the published file has no more
}
# fmt: on
CONTEXT = 16 / 227  # of a crop's side, at each edge (Appendix A)
BATCH = 32  # crops that are looked at together
AMONG = 4  # times as many regions are asked for as are looked at: most are near doubles
# Of what a file may ask for.
LIMITS: dict[str, tuple[float, float]] = {
    "side": (16, 512),
    "largest": (16, 4096),
    "regions": (1, 10_000),
    "learned": (1, 10_000),
    "doubles": (0.0, 1.0),
    "search": (16, 4096),
}
CHOICES: dict[str, Sequence[Any]] = {
    "colors": ("hsv", "lab", "rgb"),
    "likenesses": ("CTSF", "TSF", "CT", "C", "T", "S", "F"),
    "scales": range(1, 10_001),
}


@dataclass(frozen=True)
class Looking:
    """How a picture is looked at.

    Attributes:
        side: of a crop, in pixels; 227 in the paper.
        largest: longer side of a picture beyond which it is scaled down before crops are cut.
        regions: of a picture, at most; about 2,000 in the paper.
        learned: of them, of a training picture.
        doubles: regions that overlap a likelier one by more than this are not looked at.
    """

    side: int = 64
    largest: int = 1000
    regions: int = 2000
    learned: int = 300
    doubles: float = 0.9
    strategies: Strategies = field(
        default_factory=lambda: Strategies(scales=(25, 50, 100), side=320)
    )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, after JSON.

        Raises:
            TypeError, KeyError, ValueError: if it is not of that form.
        """
        plan = values["strategies"]
        lists = {name: tuple(plan[name]) for name in ("colors", "likenesses", "scales")}
        looking = cls(**{**values, "strategies": Strategies(**{**plan, **lists})})
        numbers = {**vars(looking), "search": looking.strategies.side}
        for name, (low, high) in LIMITS.items():
            value = numbers[name]
            if type(value) is not type(low) or not low <= value <= high:
                raise ValueError(f"its {name} is {value!r}")
        for name, known in CHOICES.items():
            if not lists[name] or len(lists[name]) > 8 or not set(lists[name]) <= set(known):
                raise ValueError(f"its {name} are {lists[name]!r}")
        return looking


class Eye(nn.Module):
    """A network as R-CNN reads it: crops (K, 3, S, S), normalized, to features (K, D).

    Args:
        name: a key of READ.

    Raises:
        LookupError: if it is none.
    """

    def __init__(self, name: str):
        super().__init__()
        network = create(name)
        assert isinstance(network, Stages)
        levels = [level for level, _, _ in READ[name]]
        self.cells = [cells for _, _, cells in READ[name]]
        self.trunk = Backbone(network, levels, levels[-1])
        self.width = sum(width * cells**2 for _, width, cells in READ[name])
        """D, how many numbers a crop gives."""

    def forward(self, crops: Tensor) -> Tensor:
        maps = zip(self.trunk(crops), self.cells, strict=True)
        return torch.cat([F.adaptive_avg_pool2d(one, cells).flatten(1) for one, cells in maps], 1)


@dataclass(frozen=True, eq=False)
class Reader:
    """Regions of pictures and what a network makes of them.

    Attributes:
        backbone: a key of READ.
        eye: its network, trained.
    """

    backbone: str
    eye: Eye
    normalization: Normalization
    looking: Looking = field(default_factory=Looking)

    def __post_init__(self) -> None:
        quick = folded(self.eye.eval()).to(fastest_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
        object.__setattr__(self, "_quick", quick)

    @classmethod
    def of(cls, backbone: str, weights: str | Path | None, looking: Looking) -> Self:
        """The reader of a backbone with these weights, as `striate.models.create` takes them."""
        eye = Eye(backbone)
        if weights is not None:
            fill(eye.trunk.stages, backbone, weights)
        return cls(backbone, eye, normalization_for(backbone, weights), looking)

    def regions(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(K, 4) x0 y0 x1 y1: where something may be, likelier first, without near doubles."""
        plan, most = self.looking.strategies, AMONG * self.looking.regions
        found = torch.from_numpy(selective_search(pixels, strategies=plan, most=most))
        places = -torch.arange(len(found), dtype=torch.float32)
        return found[without_doubles(found, places, self.looking.doubles)][: self.looking.regions]

    def features(self, pixels: NDArray[np.uint8], boxes: Tensor) -> Tensor:
        """(K, D) of the regions `boxes` (K, 4) of a picture."""
        parts, device = [], fastest_device()
        with torch.inference_mode():
            for crops in warped(pixels, boxes.tolist(), self.looking, self.normalization.mean):
                images = self.normalized(torch.from_numpy(crops).permute(0, 3, 1, 2)).to(device)
                parts.append(self._quick(images).cpu())  # type: ignore[attr-defined]
        return torch.cat(parts).clone() if parts else torch.zeros(0, self.eye.width)

    def normalized(self, crops: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 255] as the network reads them."""
        told = (self.normalization.mean, self.normalization.std)
        mean, std = (torch.tensor(values)[:, None, None] for values in told)
        images = (crops - mean) / std
        images = images.flip(1) if self.normalization.bgr else images
        return images.contiguous(memory_format=torch.channels_last)

    def header(self) -> dict[str, Any]:
        """All but the weights, as plain JSON values."""
        return {
            "backbone": self.backbone,
            "normalization": asdict(self.normalization),
            "looking": asdict(self.looking),
        }


def warped(
    pixels: NDArray[np.uint8],
    boxes: Sequence[Sequence[float]],
    looking: Looking,
    gray: Sequence[float],
) -> Iterator[NDArray[np.uint8]]:
    """(B, S, S, 3), B at most BATCH: each box and its context, warped to a square; `gray` beyond
    the picture."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = min(1.0, looking.largest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grow = CONTEXT / (1 - 2 * CONTEXT)  # of a box's side, at each edge
    around = [int(grow * side) + 2 for side in size]
    ground = tuple(round(value) for value in gray)
    canvas = Image.new("RGB", (size[0] + 2 * around[0], size[1] + 2 * around[1]), ground)
    picture = Image.fromarray(pixels)
    if size != (width, height):
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    canvas.paste(picture, (around[0], around[1]))
    for first in range(0, len(boxes), BATCH):
        batch = boxes[first : first + BATCH]
        crops = np.empty((len(batch), looking.side, looking.side, 3), np.uint8)
        for crop, (x0, y0, x1, y1) in zip(crops, batch, strict=True):
            left, right = (x * size[0] / width + around[0] for x in (x0, x1))
            top, bottom = (y * size[1] / height + around[1] for y in (y0, y1))
            across, down = grow * (right - left), grow * (bottom - top)
            edges = (left - across, top - down, right + across, bottom + down)
            one = canvas.resize(crop.shape[:2], Image.Resampling.BILINEAR, box=edges)
            crop[:] = np.asarray(one)
        yield crops
