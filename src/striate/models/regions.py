"""The two parts of Faster R-CNN: the network that proposes regions, and the head that classifies
them.

The proposals are Section 3.1 of arXiv:1506.01497 (Ren et al. 2015), the head is that of Fast R-CNN
(Girshick 2015, arXiv:1504.08083), read from the level of a pyramid that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers.anchors import anchor_shapes, anchors
from striate.layers.roi_align import roi_align
from striate.layers.roi_pooling import roi_pooling
from striate.models.matching import Detections, Targets, match, sample
from striate.ops.boxes import areas, clipped, moved, non_maximum_suppression, offsets

SPREAD = (0.1, 0.1, 0.2, 0.2)  # of the last offsets, by which they are divided (py-faster-rcnn)
CANONICAL = 14  # pixels of a map that a region spans at its level (arXiv:1612.03144, Equation 1)


@dataclass(frozen=True)
class Settings:
    """The numbers of Section 3.3 and of Fast R-CNN's Section 2.3, where not said otherwise."""

    sizes: tuple[float, ...] = (1.0, 2 ** (2 / 3), 2 ** (4 / 3))  # of anchors, in their level's own
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)  # height over width
    anchors: int = 256  # of an image that are learned from, at most half of them objects
    anchor_above: float = 0.7
    anchor_below: float = 0.3
    before: int = 400  # best proposals of a level before suppression; 6000
    after: int = 200  # proposals of an image after it
    proposal_nms_overlap: float = 0.7
    regions: int = 128  # of an image that are learned from
    region_share: float = 0.25  # of them objects
    region_above: float = 0.5
    nms_overlap: float = 0.5  # above it, the worse of two detections of a class is suppressed
    least: float = 0.05  # score of a detection
    most: int = 100  # detections of an image


Pooling = Literal["align", "max"]


class ProposalNetwork(nn.Module):
    """Regions that may hold an object (Section 3.1): at every place of every map, for each anchor,
    a logit and four offsets.

    Args:
        channels: of the maps.
        width: of the 3 x 3 convolution that reads them; None: as many.
    """

    def __init__(
        self, channels: int, strides: Sequence[int], bases: Sequence[float], settings: Settings,
        *, width: int | None = None,
    ):  # fmt: skip
        super().__init__()
        self.settings, self.strides = settings, tuple(strides)
        sizes = [tuple(base * size for size in settings.sizes) for base in bases]
        for level, some in enumerate(sizes):
            shapes = anchor_shapes(some, settings.ratios)
            self.register_buffer(f"shapes{level}", shapes, persistent=False)
        count = len(settings.sizes) * len(settings.ratios)
        width = width or channels
        self.conv = nn.Conv2d(channels, width, 3, padding=1)
        self.objectness = nn.Conv2d(width, count, 1)
        self.offsets = nn.Conv2d(width, 4 * count, 1)
        for layer in (self.conv, self.objectness, self.offsets):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Logits (N, A) and offsets (N, A, 4) of all anchors, and the anchors, level by level."""
        logits, deltas, places = [], [], []
        for level, (x, stride) in enumerate(zip(maps, self.strides, strict=True)):
            hidden = F.relu(self.conv(x), inplace=True)
            logits.append(self.objectness(hidden).permute(0, 2, 3, 1).flatten(1))
            deltas.append(self.offsets(hidden).permute(0, 2, 3, 1).reshape(len(x), -1, 4))
            shapes = self.get_buffer(f"shapes{level}")
            places.append(anchors(shapes, (x.shape[2], x.shape[3]), stride))
        return torch.cat(logits, 1), torch.cat(deltas, 1), places

    @torch.no_grad()
    def best(
        self, logits: Tensor, deltas: Tensor, places: list[Tensor], size: tuple[int, int]
    ) -> list[Tensor]:
        """The best regions of each image, (K, 4), inside images of (height, width)."""
        found = []
        counts = [len(each) for each in places]
        for scores, image_deltas in zip(logits, deltas, strict=True):
            boxes, best = [], []
            rows = zip(scores.split(counts), image_deltas.split(counts), places, strict=True)
            for score, offset, place in rows:
                top, which = score.topk(min(self.settings.before, len(score)))
                region = clipped(moved(place[which], offset[which]), size)
                good = (region[:, 2:] - region[:, :2]).amin(1) >= 1
                region, top = region[good], top[good]
                kept = non_maximum_suppression(region, top, self.settings.proposal_nms_overlap)
                boxes.append(region[kept])
                best.append(top[kept])
            order = torch.cat(best).argsort(descending=True, stable=True)
            found.append(torch.cat(boxes)[order[: self.settings.after]])
        return found

    def losses(
        self,
        logits: Tensor,
        deltas: Tensor,
        places: list[Tensor],
        targets: Sequence[Targets],
        size: tuple[int, int],
    ) -> dict[str, Tensor]:
        """`objectness` and `proposal_offsets` (Equation 1), means over the images.

        Anchors that cross the border of their image take no part (Section 3.3).

        Args:
            size: height and width of the images, where their targets name none of their own.
        """
        every, settings = torch.cat(places), self.settings
        objectness, wide = logits.new_zeros(()), logits.new_zeros(())
        for scores, offset, target in zip(logits, deltas, targets, strict=True):
            inside = within(every, target.size or size)
            anchor, score, offset = every[inside], scores[inside], offset[inside]
            matched = match(
                anchor, target,
                above=settings.anchor_above, below=settings.anchor_below, best_too=True,
            )  # fmt: skip
            positives, negatives = sample(matched, settings.anchors, 0.5)
            rows = torch.cat([positives, negatives])
            labels = torch.cat([torch.ones_like(positives), torch.zeros_like(negatives)]).to(score)
            count = max(1, len(rows))
            objectness = (
                objectness
                + F.binary_cross_entropy_with_logits(score[rows], labels, reduction="sum") / count
            )
            wanted = offsets(target.boxes[matched[positives]], anchor[positives])
            error = F.smooth_l1_loss(offset[positives], wanted, beta=1 / 9, reduction="sum")
            wide = wide + error / count
        return {"objectness": objectness / len(targets), "proposal_offsets": wide / len(targets)}


class BoxHead(nn.Module):
    """The class of a region and the box of its object: Fast R-CNN's two hidden layers.

    Args:
        pooling: how a region is read: "align", or "max", RoI pooling as published, which comes with
            the dropout of VGG-16's full connections.
    """

    def __init__(
        self, channels: int, strides: Sequence[int], classes: int, settings: Settings, *,
        hidden: int = 1024, size: int = 7, pooling: Pooling = "align",
    ):  # fmt: skip
        super().__init__()
        self.settings, self.strides, self.classes, self.size = (
            settings,
            tuple(strides),
            classes,
            size,
        )
        self.pooling = pooling
        self.fc6 = nn.Linear(channels * size * size, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(0.5 if pooling == "max" else 0.0)
        self.scores = nn.Linear(hidden, classes + 1)  # background first
        self.offsets = nn.Linear(hidden, 4 * classes)
        for layer, std in ((self.scores, 0.01), (self.offsets, 0.001)):
            nn.init.normal_(layer.weight, std=std)
            nn.init.zeros_(layer.bias)
        self.register_buffer("spread", torch.tensor(SPREAD), persistent=False)
        self.spread: Tensor

    def forward(self, maps: Sequence[Tensor], regions: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Regions (K, 4) of each image to logits (sum of K, classes + 1) and offsets (sum of K,
        classes, 4)."""
        hidden = self.hidden(self.pooled(maps, regions))
        return self.scores(hidden), self.offsets(hidden).view(-1, self.classes, 4)

    def hidden(self, pooled: Tensor) -> Tensor:
        """(K, C, size, size) to what the two last layers read, (K, hidden)."""
        hidden = self.dropout(F.relu(self.fc6(pooled.flatten(1))))
        return self.dropout(F.relu(self.fc7(hidden)))

    def pooled(self, maps: Sequence[Tensor], regions: list[Tensor]) -> Tensor:
        """Every region read from the map of its level: (sum of K, C, size, size)."""
        if self.pooling == "max":
            return roi_pooling(maps[0], regions, size=self.size, scale=1 / self.strides[0])
        if len(maps) == 1:
            return roi_align(maps[0], regions, size=self.size, scale=1 / self.strides[0])
        together = torch.cat(regions)
        owner = torch.repeat_interleave(
            torch.arange(len(regions), device=together.device),
            torch.tensor([len(some) for some in regions], device=together.device),
        )
        smallest = CANONICAL * self.strides[0]
        level = torch.log2(areas(together).clamp(min=1).sqrt() / smallest).floor()
        level = level.clamp(0, len(maps) - 1)
        pooled = maps[0].new_zeros(len(together), maps[0].shape[1], self.size, self.size)
        for number, (x, stride) in enumerate(zip(maps, self.strides, strict=True)):
            mine = level == number
            if not mine.any():
                continue
            some = [together[mine & (owner == image)] for image in range(len(regions))]
            rows = torch.nonzero(mine).flatten()
            pooled = pooled.index_copy(
                0, rows, roi_align(x, some, size=self.size, scale=1 / stride)
            )
        return pooled

    def losses(
        self, maps: Sequence[Tensor], regions: list[Tensor], targets: Sequence[Targets]
    ) -> dict[str, Tensor]:
        """`class_scores` and `box_offsets` (Fast R-CNN, Equation 1), means over the images of means
        over the regions that are drawn of each."""
        settings = self.settings
        some, labels, wanted, shares = [], [], [], []
        for region, target in zip(regions, targets, strict=True):
            region = torch.cat([region, target.boxes])  # objects, however poor the proposals are
            above = settings.region_above
            matched = match(region, target, above=above, below=above)
            positives, negatives = sample(matched, settings.regions, settings.region_share)
            truth = matched[positives]
            some.append(region[torch.cat([positives, negatives])])
            labels.append(torch.cat([target.classes[truth] + 1, torch.zeros_like(negatives)]))
            wanted.append(offsets(target.boxes[truth], region[positives]) / self.spread)
            count = len(labels[-1])
            shares.append(region.new_full((count,), 1 / (len(targets) * max(1, count))))
        logits, deltas = self(maps, some)
        label = torch.cat(labels)
        positives = torch.nonzero(label).flatten()
        deltas = deltas[positives, label[positives] - 1]
        share = torch.cat(shares)
        wide = F.smooth_l1_loss(deltas, torch.cat(wanted), reduction="none").sum(1)
        return {
            "class_scores": (F.cross_entropy(logits, label, reduction="none") * share).sum(),
            "box_offsets": (wide * share[positives]).sum(),
        }

    @torch.no_grad()
    def detections(
        self, maps: Sequence[Tensor], regions: list[Tensor], size: tuple[int, int]
    ) -> list[Detections]:
        """Regions scored, moved and suppressed within each class, the best first."""
        logits, deltas = self(maps, regions)
        counts = [len(some) for some in regions]
        found = []
        for region, score, offset in zip(
            regions, logits.softmax(1)[:, 1:].split(counts), deltas.split(counts), strict=True
        ):
            row, label = torch.nonzero(score > self.settings.least, as_tuple=True)
            boxes = clipped(moved(region[row], offset[row, label] * self.spread), size)
            scores = score[row, label]
            kept = non_maximum_suppression(boxes, scores, self.settings.nms_overlap, groups=label)
            kept = kept[: self.settings.most]
            found.append(Detections(boxes[kept], label[kept], scores[kept]))
        return found


def within(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(N,) bool: which boxes lie wholly in an image of (height, width); all, where none does."""
    height, width = size
    inside = (boxes[:, :2] >= 0).all(1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
    return inside | ~inside.any()
