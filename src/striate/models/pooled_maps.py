"""A picture as a few vectors: means over parts of the last feature maps of a network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.backbone import Backbone, network_stages
from striate.models.networks import create
from striate.models.stages import Stages

LEAST = 1e-6  # deviation of a feature that never changes


class PooledMaps(nn.Module):
    """Images (N, 3, H, W), normalized, to (N, grid * grid * channels): the last maps of a network
    before its classifier, the mean of each over the cells of a grid, cell after cell, brought to
    mean 0 and deviation 1 on the pictures that `standardize` was given.

    Args:
        network: a name of `striate.models`.
        grid: cells each way; 1 is the whole picture.

    Raises:
        ModelError: if the network has no maps.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: str, *, grid: int = 1):
        super().__init__()
        whole, stages = create(network), network_stages(network)
        if not isinstance(whole, Stages) or not stages:
            raise ModelError(f"{network} has no feature maps")
        self.network, self.grid = network, grid
        self.backbone = Backbone(whole, [stages[-1].name])
        self.size = grid * grid * stages[-1].channels
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("deviation", torch.ones(self.size))

    def standardize(self, features: Tensor) -> None:
        """Takes mean and deviation of plain features (M, F)."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp_min(LEAST))

    def plain(self, images: Tensor) -> Tensor:
        """The features as they are."""
        pooled = F.adaptive_avg_pool2d(self.backbone(images)[0], self.grid)
        return pooled.flatten(2).transpose(1, 2).flatten(1)

    def scaled(self, features: Tensor) -> Tensor:
        """Plain features, standardized."""
        return (features - self.mean) / self.deviation

    def forward(self, images: Tensor) -> Tensor:
        return self.scaled(self.plain(images))
