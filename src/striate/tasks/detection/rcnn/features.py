"""What R-CNN computes of a picture (Girshick et al. 2014, arXiv:1311.2524): regions, and deep
features of each, by a network that was trained on whole pictures."""

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import UnknownName
from striate.handcrafted.selective_search import selective_search
from striate.models import Normalization, create, folded
from striate.models.backbone import Backbone, NetworksWith, Stage, stage_of
from striate.models.stages import Stages
from striate.ops.boxes import non_maximum_suppression
from striate.tasks.backbones import fill, normalization_for, trained_weights
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.rcnn.warping import warped_crops

STRIDE, DEEP_STRIDE = 16, 32  # of the maps that are read
CELLS = 4  # a side, into which the first is averaged at most; the other into half as many
WIDEST = 6144  # numbers that a crop gives at most, before there are fewer cells
AMONG = 4  # times as many regions are searched as are read: most nearly repeat others


def read_stages(name: str) -> list[tuple[Stage, int]]:
    """The stages of a network whose maps are read, and into how many cells a side each is averaged.

    The map of stride 16 has where in the crop something lies, that of stride 32 what it is; where
    the latter is only a pooling of the former, it is left out.

    Raises:
        UnknownName: if there is no such network, or it has no such stage.
    """
    first, second = (stage_of(name, each, aligned=False) for each in (STRIDE, DEEP_STRIDE))
    if first is None:
        known = NetworksWith(STRIDE, aligned=False)
        raise UnknownName(f"network with a stage of stride {STRIDE}", name, known)
    stages = [first] if second is None or second.pooling else [first, second]
    for cells in range(CELLS, 0, -1):
        read = list(zip(stages, (cells, max(1, cells // 2)), strict=False))
        if sum(stage.channels * side**2 for stage, side in read) <= WIDEST:
            break
    return read


class CropNetwork(nn.Module):
    """A network as R-CNN reads it: crops (K, 3, S, S), normalized, to features (K, D).

    Args:
        name: any network with a stage of stride 16.

    Raises:
        UnknownName: if it is not.
    """

    def __init__(self, name: str):
        super().__init__()
        read = read_stages(name)
        network = create(name)
        assert isinstance(network, Stages)
        levels = [stage.name for stage, _ in read]
        self.cells = [cells for _, cells in read]
        self.backbone = Backbone(network, levels, levels[-1])
        self.width = sum(stage.channels * cells**2 for stage, cells in read)
        """D, how many numbers a crop gives."""

    def forward(self, crops: Tensor) -> Tensor:
        maps = zip(self.backbone(crops), self.cells, strict=True)
        return torch.cat([F.adaptive_avg_pool2d(one, cells).flatten(1) for one, cells in maps], 1)


class RegionFeatures:
    """Regions of pictures and their features.

    Args:
        name: of the network.
        network: trained.
    """

    def __init__(
        self,
        name: str,
        network: CropNetwork,
        normalization: Normalization,
        settings: RegionSettings | None = None,
    ):
        self.name, self.network, self.normalization = name, network.eval(), normalization
        self.settings = settings or RegionSettings()
        self.device = torch.device("cpu")

    @classmethod
    def of(cls, name: str, weights: str | Path | None, settings: RegionSettings) -> Self:
        """Those of a network with these weights, as `Ask.weights` has them."""
        network = CropNetwork(name)
        if trained_weights(name, weights) is not None:
            fill(network, name, weights)
        return cls(name, network, normalization_for(name, weights), settings)

    @cached_property
    def _folded(self) -> nn.Module:
        """The form in which the network is used: normalization is part of its convolutions."""
        copy = folded(self.network).to(self.device)
        return copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def to(self, device: str | torch.device) -> Self:
        """Moves what computes to a device; returns itself."""
        self.device = torch.device(device)
        self.__dict__.pop("_folded", None)
        return self

    def regions(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(K, 4) x0 y0 x1 y1: where something may be, the best first, without near repetitions."""
        plan, most = self.settings.strategies, AMONG * self.settings.regions
        found = torch.from_numpy(selective_search(pixels, strategies=plan, most=most))
        ranks = -torch.arange(len(found), dtype=torch.float32)
        kept = non_maximum_suppression(found, ranks, self.settings.nms_overlap)
        return found[kept][: self.settings.regions]

    def features(self, pixels: NDArray[np.uint8], boxes: Tensor) -> Tensor:
        """(K, D) of the regions `boxes` (K, 4) of a picture."""
        parts = []
        background = self.normalization.mean
        with torch.inference_mode():
            for crops in warped_crops(pixels, boxes.tolist(), self.settings, background):
                images = self.normalized(torch.from_numpy(crops).permute(0, 3, 1, 2))
                parts.append(self._folded(images.to(self.device)).cpu())
        return torch.cat(parts).clone() if parts else torch.zeros(0, self.network.width)

    def normalized(self, crops: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 255] as the network reads them."""
        return self.normalization(crops).contiguous(memory_format=torch.channels_last)

    def header(self) -> dict[str, Any]:
        """All but the weights, as plain JSON values."""
        return {
            "network": self.name,
            "normalization": self.normalization.to_json(),
            "settings": asdict(self.settings),
        }
