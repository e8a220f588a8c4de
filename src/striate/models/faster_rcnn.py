"""Faster R-CNN (Ren et al. 2015, arXiv:1506.01497): one network proposes regions, one classifies
them.

Both read the same feature maps. With `pyramid`, these are those of a feature pyramid (Lin et al.
2017, arXiv:1612.03144) and regions are read by RoI align; without, it is the form of 2015: the one
map of stride 16 as it is, a 3 x 3 convolution of 512 channels to propose from it, RoI pooling, and
two full connections of 4096 with dropout, as VGG-16 has them.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.backbone import Backbone, frozen_stage, stages_of
from striate.models.fpn import Pyramid
from striate.models.matching import Detections, Targets
from striate.models.networks import create
from striate.models.regions import BoxHead, ProposalNetwork, Settings
from striate.models.stages import Stages

STRIDES = (8, 16)  # of the maps of a pyramid
SINGLE = (16,)  # of the one map of 2015
SINGLE_WIDTH, SINGLE_HIDDEN = 512, 4096  # Section 3.1, and VGG-16's fc6 and fc7
WIDTH, HIDDEN = 128, 512  # with a pyramid; 256 and 1024 in the paper on pyramids


class FasterRCNN(nn.Module):
    """Images (N, 3, H, W), normalized, of any size, to the detections in each (Figure 2)."""

    def __init__(
        self, backbone: Backbone, neck: nn.Module, proposals: ProposalNetwork, head: BoxHead
    ):
        super().__init__()
        self.backbone, self.neck, self.proposals, self.head = backbone, neck, proposals, head

    def forward(self, images: Tensor) -> list[Detections]:
        size = (images.shape[2], images.shape[3])
        maps = self.neck(self.backbone(images))
        logits, deltas, places = self.proposals(maps)
        regions = self.proposals.best(logits, deltas, places, size)
        return self.head.detections(maps, regions, size)

    def losses(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """`objectness`, `proposal_offsets`, `class_scores`, `box_offsets`: joint training."""
        size = (images.shape[2], images.shape[3])
        maps = self.neck(self.backbone(images))
        logits, deltas, places = self.proposals(maps)
        regions = self.proposals.best(logits, deltas, places, size)
        proposed = self.proposals.losses(logits, deltas, places, targets, size)
        return proposed | self.head.losses(maps, regions, targets)


def faster_rcnn(
    backbone: str,
    *,
    classes: int,
    pyramid: bool = True,
    weights: str | Path | None = None,
    width: int | None = None,
    hidden: int | None = None,
    smallest: Sequence[float] | None = None,
    settings: Settings | None = None,
) -> FasterRCNN:
    """The one place where the parts are joined.

    Args:
        backbone: any network with stages of stride 8 and 16, or of 16 alone without `pyramid`.
        classes: without background.
        pyramid: maps of strides 8 and 16 instead of the form of 2015.
        weights: of the backbone: a name in its entry ("imagenet"), or the path of a file.
        width: channels of the maps that are proposed from.
        hidden: width of the two full connections that classify.
        smallest: side in pixels of the smallest anchor of each map, finest first; None: four
            strides.

    Raises:
        UnknownName: if there is no such backbone.
        ModelError: if there is no class.
    """
    strides = STRIDES if pyramid else SINGLE
    stages = stages_of(backbone, strides)
    if classes < 1:
        raise ModelError(f"a detector needs at least one class, not {classes}")
    if settings is None:  # one map stands for all sizes: three, an octave apart (Section 3.3)
        settings = Settings() if pyramid else Settings(sizes=(0.5, 1.0, 2.0))
    width = width or (WIDTH if pyramid else SINGLE_WIDTH)
    hidden = hidden or (HIDDEN if pyramid else SINGLE_HIDDEN)
    bases = list(smallest or [4.0 * stride for stride in strides])
    if len(bases) != len(strides):
        raise ModelError(f"{len(strides)} maps want as many smallest anchors, not {len(bases)}")
    network = create(backbone, weights=weights)
    assert isinstance(network, Stages)
    trunk = Backbone(network, [stage.name for stage in stages], frozen_stage(backbone))
    channels = [stage.channels for stage in stages]
    if pyramid:
        neck: nn.Module = Pyramid(channels, width=width)
        channels = [width]
    else:
        neck = nn.Identity()
    return FasterRCNN(
        trunk,
        neck,
        ProposalNetwork(channels[0], strides, bases, settings, width=width),
        BoxHead(
            channels[0], strides, classes, settings, hidden=hidden,
            pooling="align" if pyramid else "max",
        ),
    )  # fmt: skip
