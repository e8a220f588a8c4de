"""Class maps of pixels out of a classifier that learned from labels of whole pictures.

WELDON's map says where a class is, most strongly at what tells it from the others. What the
pictures of a set have in common says where any of them is: the first principal component of all
descriptors (Wei et al. 2019, Unsupervised object discovery and co-localization by deep descriptor
transforming, Section 3). Each is brought to [0, 1] in a picture, and their mean beyond a threshold
is the object.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.dense import cropped, grown
from striate.models.weldon import REGIONS, Weldon, weldon

SHARPNESS = 0.1  # of a map in [0, 1]: how far beyond the threshold the odds are e to 1
ABSENT = -10.0  # logit of a class that the labels say is not there


class WeldonMaps(nn.Module):
    """Images (N, 3, H, W), normalized, to logits (N, classes, H, W), of any size; class 0, the
    background, has 0 everywhere.

    Attributes:
        weldon: gives the maps of the labels.
        common: what pictures have in common, a 1 x 1 convolution.
        belongs: (labels, classes) 1 where a label speaks of a class of pixels.
        choice: (2,) the weight of `common` beside the class maps, in [0, 1], and the threshold.
        single: whether a picture has one label: only the classes of the surest are found.
    """

    belongs: Tensor
    choice: Tensor
    multiple = 32
    margin = 0  # a picture is read at once

    def __init__(self, network: Weldon, classes: int, labels: int, *, single: bool):
        super().__init__()
        self.weldon, self.single = network, single
        scores = network.get_submodule(f"{REGIONS}.scores")
        assert isinstance(scores, nn.Conv2d)
        self.common = nn.Conv2d(scores.in_channels, 1, 1)
        self.register_buffer("belongs", torch.zeros(labels, classes))
        self.register_buffer("choice", torch.tensor([0.5, 0.5]))

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What regions say: of each class (N, classes, rows, columns), in [0, 1], and of anything
        that the pictures have in common (N, 1, rows, columns), likewise."""
        read = list(self.weldon.features(grown(images, self.multiple)).values())[-1]
        return self.read(read)

    def read(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """The same from descriptors (N, D, rows, columns)."""
        scores, pooling = self.weldon.get_submodule(REGIONS).children()
        maps = scores(read)
        return self.of_classes(maps, self.there(pooling(maps))), stretched(self.common(read))

    def of_classes(self, maps: Tensor, there: Tensor) -> Tensor:
        """Maps of labels (N, labels, rows, columns) to those of classes of pixels: of each the
        surest of its labels, 0 to 1 over all classes that are there (N, classes), and 0 where one
        is not."""
        mine = self.belongs.T[None, :, :, None, None] > 0  # (1, classes, labels, 1, 1)
        found = torch.where(mine, maps[:, None], maps.amin((1, 2, 3), keepdim=True)[:, None])
        classes = found.amax(2)  # (N, classes, rows, columns)
        return stretched(classes) * there[:, :, None, None]

    def there(self, scores: Tensor) -> Tensor:
        """(N, classes) 1 where the labels' scores (N, labels) say that a class is in the picture:
        of one label a picture the surest, else all above 0, at least the surest."""
        surest = scores >= scores.amax(1, keepdim=True)
        shown = surest if self.single else surest | (scores > 0)
        return (shown.to(scores) @ self.belongs > 0).to(scores)

    def forward(self, images: Tensor) -> Tensor:
        classes, common = self.maps(images)
        height, width = (side + -side % self.multiple for side in images.shape[2:])
        found = self.decided(classes, common, (height, width))
        return cropped(found, (images.shape[2], images.shape[3]))

    def decided(self, classes: Tensor, common: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits of that height and width from what `maps` gives."""
        weight, threshold = self.choice.unbind()
        there = classes.amax((2, 3), keepdim=True) > 0
        mixed = torch.where(there, (1 - weight) * classes + weight * common, 0.0)
        mixed = F.interpolate(mixed, size=size, mode="bilinear", align_corners=False)
        logits = torch.where(there, (stretched(mixed) - threshold) / SHARPNESS, ABSENT)
        return torch.cat([torch.zeros_like(logits[:, :1]), logits[:, 1:]], 1)


def stretched(maps: Tensor) -> Tensor:
    """(N, C, H, W) from 0, the smallest of a picture's numbers in all its maps, to 1."""
    low, high = maps.amin((1, 2, 3), keepdim=True), maps.amax((1, 2, 3), keepdim=True)
    return (maps - low) / (high - low).clamp(min=1e-6)


def weldon_maps(
    classes: int, *, backbone: str, last: str, labels: int, single: bool, regions: int = 3
) -> WeldonMaps:
    """On a network of `striate.models`, up to the stage `last`.

    Args:
        labels: of whole pictures.
        regions: the strongest and as many of the weakest that teach.
    """
    network = weldon(
        labels, backbone=backbone, hidden=False, last=last, strongest=regions, weakest=regions
    )
    return WeldonMaps(network, classes, labels, single=single)
