"""A picture as a few vectors: means over parts of the last feature maps of a network."""

import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.backbone import Backbone, network_stages
from striate.models.networks import create


class PooledMaps(nn.Module):
    """Images (N, 3, H, W), normalized, to (N, grid * grid * channels): the last maps of a network
    before its classifier, the mean of each over the cells of a grid, cell after cell.

    Args:
        network: a name of `striate.models`.
        grid: cells each way; 1 is the whole picture.
    """

    def __init__(self, network: str, *, grid: int = 1):
        super().__init__()
        last = network_stages(network)[-1]
        self.network, self.grid = network, grid
        self.backbone = Backbone(create(network), [last.name])
        self.size = grid * grid * last.channels

    def forward(self, images: Tensor) -> Tensor:
        maps = self.backbone(images)[0]
        pooled = F.adaptive_avg_pool2d(maps, self.grid)
        return pooled.flatten(2).transpose(1, 2).flatten(1)
