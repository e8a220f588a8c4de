"""Hypercolumns (Hariharan, Arbelaez, Girshick & Malik 2015, arXiv:1411.5752): a pixel described by
what all layers say at its place, and a linear classifier on that."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.backbone import Backbone, stages_of
from striate.models.dense import cropped, grown
from striate.models.networks import create
from striate.models.stages import Stages

STRIDES = (4, 8, 16, 32)
FINEST = STRIDES[0]


class Hypercolumns(nn.Module):
    """Images (N, 3, H, W), normalized, to logits (N, classes, H, W), of any size.

    A linear classifier on maps that are enlarged is the sum of one on each, enlarged afterwards:
    that is what is computed.
    """

    multiple = 32
    margin = 224  # pixels around a place beyond which its answer hardly depends on anything

    def __init__(self, classes: int, *, backbone: str):
        super().__init__()
        levels = stages_of(backbone, STRIDES)
        network = create(backbone, channels=3)
        assert isinstance(network, Stages)
        self.backbone = Backbone(network, [level.name for level in levels])
        self.heads = nn.ModuleList(
            nn.Conv2d(level.channels, classes, 1, bias=not number)
            for number, level in enumerate(levels)
        )
        self.widths = [level.channels for level in levels]

    def forward(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        images = grown(images, 32)
        fine = (images.shape[2] // FINEST, images.shape[3] // FINEST)
        maps = self.backbone(images)
        each = [
            F.interpolate(head(x), fine, mode="bilinear")
            for head, x in zip(self.heads, maps, strict=True)
        ]
        scores = torch.stack(each).sum(0)
        scores = F.interpolate(scores, scale_factor=float(FINEST), mode="bilinear")
        return cropped(scores, size)

    def columns(self, images: Tensor, places: Tensor) -> Tensor:
        """(n, sum of widths) features at some pixels of one image (1, 3, H, W).

        Args:
            places: (n, 2) rows and columns.
        """
        grid = (2 * (places + 0.5) / torch.tensor(grown(images, 32).shape[2:]) - 1).flip(1)
        read = [
            F.grid_sample(x, grid[None, None].to(x), padding_mode="border", align_corners=False)
            for x in self.backbone(grown(images, 32))
        ]
        return torch.cat(read, 1)[0, :, 0].T

    @torch.no_grad()
    def solved(self, weight: Tensor, bias: Tensor) -> None:
        """Takes a linear classifier (classes, sum of widths) on `columns`."""
        for head, part in zip(self.heads, weight.split(self.widths, 1), strict=True):
            head.get_parameter("weight").copy_(part[:, :, None, None])
        self.heads[0].get_parameter("bias").copy_(bias)
