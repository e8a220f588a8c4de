"""DeepLab (Chen, Papandreou, Kokkinos, Murphy & Yuille, ICLR 2015, arXiv:1412.7062).

A classifier that keeps a map of stride 8 by convolutions with holes, and classifies it with a large
field of view: fc6 has 3 x 3 weights 12 places apart and 1,024 filters (Section 4.2, LargeFOV). The
fully connected CRF that makes its answer sharp is `layers.dense_crf`.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.atrous import atrous
from striate.models.backbone import Backbone, Stage, stages_of
from striate.models.dense import cropped, grown
from striate.models.networks import create
from striate.models.stages import Stages

STRIDE, HIDDEN, RATE = 8, 1024, 12
STRIDES = (8, 16, 32)


class DeepLab(nn.Module):
    """Images (N, 3, H, W), normalized, to logits (N, classes, H, W), of any size.

    Args:
        network: with stages of strides 8, 16 and 32; changed in place.
        level: the last of its stages that is read.
        hidden: filters of fc6 and fc7.
        rate: places between the weights of fc6.
        published: VGG-16 to the letter of the authors' program: poolings of 3 x 3, a mean of 3 x 3
            before fc6, and places of the map on every eighth pixel, the first on the first.
    """

    multiple = 8
    outermost = True  # the layout of channels in which it learns faster
    margin = 224  # pixels around a place beyond which its answer hardly depends on anything

    def __init__(
        self,
        network: Stages,
        level: Stage,
        classes: int,
        *,
        hidden: int = HIDDEN,
        rate: int = RATE,
        published: bool = False,
    ):
        super().__init__()
        self.published = published
        self.backbone = Backbone(atrous(network, STRIDE), [level.name])
        if published:
            overlapping(self.backbone)
        self.mean = nn.AvgPool2d(3, 1, 1) if published else nn.Identity()
        self.head = nn.Sequential(
            nn.Conv2d(level.channels, hidden, 3, padding=rate, dilation=rate),
            nn.ReLU(inplace=True), nn.Dropout(0.5),
            nn.Conv2d(hidden, hidden, 1), nn.ReLU(inplace=True), nn.Dropout(0.5),
            nn.Conv2d(hidden, classes, 1),
        )  # fmt: skip
        last = self.head[-1]
        nn.init.normal_(last.weight, std=0.01)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        images = grown(images, STRIDE, 1 if self.published else 0)
        scores = self.head(self.mean(self.backbone(images)[0]))
        whole = (images.shape[2], images.shape[3])
        large = F.interpolate(scores, whole, mode="bilinear", align_corners=self.published)
        return cropped(large, size)


def overlapping(backbone: Backbone) -> None:
    """Poolings of 3 x 3 in the place of 2 x 2."""
    for name, layer in list(backbone.stages.items()):
        if isinstance(layer, nn.MaxPool2d):
            backbone.stages[name] = nn.MaxPool2d(3, layer.stride, 1)


def deeplab(classes: int, *, backbone: str = "vgg16", hidden: int = HIDDEN) -> DeepLab:
    """DeepLab on a network of `striate.models` with stages of strides 8, 16 and 32.

    Raises:
        UnknownName: if there is no such network, or it has no such stages.
    """
    level = stages_of(backbone, STRIDES, pooled=True)[-1]
    network = create(backbone, channels=3)
    assert isinstance(network, Stages)
    published = "fc6" in network.stage_names
    return DeepLab(network, level, classes, hidden=hidden, published=published)
