"""Faster R-CNN (Ren et al. 2015, arXiv:1506.01497): one network proposes, one decides.

Both read the same maps. With `pyramid`, the maps are those of a feature pyramid (Lin et al. 2017,
arXiv:1612.03144), else the one of stride 16 as published.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from striate.errors import ModelError, UnknownName
from striate.models.fpn import Pyramid
from striate.models.matching import Detections, Targets
from striate.models.networks import create
from striate.models.regions import BoxHead, ProposalNetwork, Settings
from striate.models.stages import Stages

# network: the stages of stride 8 and 16 with their widths, and the last that stays as it is
# (Section 3.3 keeps VGG-16 up to conv2_2).
# fmt: off
BACKBONES: dict[str, tuple[dict[str, int], str]] = {
    "efficientnet_lite0": ({"stage3": 40, "stage5": 112}, "stage2"),
    "resnet18": ({"stage2": 128, "stage3": 256}, "stage1"),
    "resnet34": ({"stage2": 128, "stage3": 256}, "stage1"),
    "resnet50": ({"stage2": 512, "stage3": 1024}, "stage1"),
    "vgg16": ({"conv4_3": 512, "conv5_3": 512}, "conv2_2"),
}
# fmt: on
STRIDES = (8, 16)


class Backbone(nn.Module):
    """The stages of a network that a detector reads: (N, 3, H, W) to one map a level."""

    def __init__(self, network: Stages, levels: Sequence[str], frozen: str):
        super().__init__()
        self.levels = list(levels)
        names = network.stage_names
        self.stages = nn.ModuleDict()
        self.frozen = names[: names.index(frozen) + 1]
        for name, stage in network.stages():
            self.stages[name] = stage
            if name == self.levels[-1]:
                break
        for name in self.frozen:
            self.stages[name].requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        x, maps = images, []
        for name, stage in self.stages.items():
            x = stage(x)
            if name in self.levels:
                maps.append(x)
        return maps


class FasterRCNN(nn.Module):
    """Images (N, 3, H, W), normalized, of any size, to what was found in each (Figure 2)."""

    def __init__(
        self, backbone: Backbone, neck: nn.Module, proposals: ProposalNetwork, head: BoxHead
    ):
        super().__init__()
        self.backbone, self.neck, self.proposals, self.head = backbone, neck, proposals, head

    def forward(self, images: Tensor) -> list[Detections]:
        size = (images.shape[2], images.shape[3])
        maps = self.neck(self.backbone(images))
        logits, told, places = self.proposals(maps)
        regions = self.proposals.best(logits, told, places, size)
        return self.head.detections(maps, regions, size)

    def losses(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """`objectness`, `proposal_offsets`, `class_scores`, `box_offsets`: joint training."""
        size = (images.shape[2], images.shape[3])
        maps = self.neck(self.backbone(images))
        logits, told, places = self.proposals(maps)
        regions = self.proposals.best(logits, told, places, size)
        proposed = self.proposals.losses(logits, told, places, targets)
        return proposed | self.head.losses(maps, regions, targets)


def faster_rcnn(
    backbone: str,
    *,
    classes: int,
    pyramid: bool = True,
    weights: str | Path | None = None,
    width: int = 128,
    hidden: int = 512,
    smallest: Sequence[float] | None = None,
    settings: Settings | None = None,
) -> FasterRCNN:
    """The one place where the parts are joined.

    Args:
        backbone: a name of BACKBONES.
        classes: without background.
        pyramid: maps of strides 8 and 16 instead of 16 alone.
        weights: of the backbone: a name in its entry ("imagenet"), or the path of a file.
        width: channels of the maps that are proposed from; 256 in the paper on pyramids, 512 for
            VGG-16's.
        hidden: of the two layers that decide; 1024 and 4096 there.
        smallest: side in pixels of the smallest anchor of each map, finest first; None: four
            strides.

    Raises:
        UnknownName: if there is no such backbone.
        ModelError: if there is no class.
    """
    if backbone not in BACKBONES:
        raise UnknownName("backbone of a detector", backbone, BACKBONES)
    if classes < 1:
        raise ModelError(f"a detector needs at least one class, not {classes}")
    if settings is None:  # one map stands for all sizes: three, an octave apart (Section 3.3)
        settings = Settings() if pyramid else Settings(sizes=(0.5, 1.0, 2.0))
    levels, frozen = BACKBONES[backbone]
    strides: tuple[int, ...] = STRIDES
    if not pyramid:
        levels, strides = dict([list(levels.items())[1]]), STRIDES[1:2]
    network = create(backbone, weights=weights)
    assert isinstance(network, Stages)
    trunk = Backbone(network, list(levels), frozen)
    neck = Pyramid(list(levels.values()), width=width)
    bases = list(smallest or [4.0 * stride for stride in strides])
    if len(bases) != len(strides):
        raise ModelError(f"{len(strides)} maps want as many smallest anchors, not {len(bases)}")
    return FasterRCNN(
        trunk,
        neck,
        ProposalNetwork(width, strides, bases, settings),
        BoxHead(width, strides, classes, settings, hidden=hidden),
    )
