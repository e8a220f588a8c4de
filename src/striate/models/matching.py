"""What is in an image, what was found there, and which box belongs to which object.

Matching and drawing are those of Faster R-CNN (arXiv:1506.01497, Sections 3.1.2 and 3.1.3) and Fast
R-CNN (arXiv:1504.08083, Section 2.3).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.ops.boxes import covered, overlaps

BACKGROUND, UNUSED = -1, -2
CROWDED = 0.5  # share of a box in an ignored region from which on it is not background


@dataclass(frozen=True)
class Targets:
    """What is in one image, for a detector to learn.

    Attributes:
        boxes: (K, 4) x0 y0 x1 y1, pixels of the batch.
        classes: (K,) int64 class numbers, from 0.
        ignored: (J, 4) regions in which nothing is taken for background: crowds, difficult objects.
        size: height and width of the image in the batch, which may be larger; None: as the batch.
    """

    boxes: Tensor
    classes: Tensor
    ignored: Tensor
    size: tuple[int, int] | None = None

    def to(self, device: torch.device | str) -> "Targets":
        """The same on a device."""
        boxes, ignored = self.boxes.to(device), self.ignored.to(device)
        return Targets(boxes, self.classes.to(device), ignored, self.size)


@dataclass(frozen=True)
class Detections:
    """What was found in one image, best first.

    Attributes:
        boxes: (K, 4) x0 y0 x1 y1, pixels of the image as given.
        classes: (K,) int64 class numbers, from 0; background never appears.
        scores: (K,) in [0, 1].
    """

    boxes: Tensor
    classes: Tensor
    scores: Tensor


@torch.no_grad()
def match(
    boxes: Tensor, targets: Targets, *, above: float, below: float, best_too: bool = False
) -> Tensor:
    """For each box the number of the object it overlaps most, or BACKGROUND, or UNUSED.

    Args:
        boxes: (N, 4).
        above: from this overlap on a box belongs to that object.
        below: with less than this it is background; in between, UNUSED.
        best_too: whether a box also belongs to it, however little they overlap, where no other box
            overlaps some object more.

    Returns:
        (N,) int64.
    """
    matched = torch.full((len(boxes),), BACKGROUND, dtype=torch.long, device=boxes.device)
    if len(targets.ignored):
        matched[covered(boxes, targets.ignored).amax(1) >= CROWDED] = UNUSED
    if not len(targets.boxes):
        return matched
    table = overlaps(boxes, targets.boxes)  # (N, K)
    overlap, number = table.max(1)
    matched[(overlap >= below) & (overlap < above)] = UNUSED
    matched = torch.where(overlap >= above, number, matched)
    if best_too:
        highest = table.amax(0)
        best = ((table == highest) & (highest > 0)).any(1)
        matched = torch.where(best, number, matched)  # the object that it overlaps most itself
    return matched


def sample(matched: Tensor, count: int, share: float) -> tuple[Tensor, Tensor]:
    """Draws boxes to learn from: at most `share` of `count` of objects, the rest background.

    Returns:
        the rows of objects and the rows of background, drawn by torch's random numbers on the CPU.
    """
    positives = torch.nonzero(matched >= 0).flatten()
    negatives = torch.nonzero(matched == BACKGROUND).flatten()
    positives = _some(positives, int(count * share))
    return positives, _some(negatives, count - len(positives))


def _some(rows: Tensor, count: int) -> Tensor:
    if len(rows) <= count:
        return rows
    return rows[torch.randperm(len(rows))[:count].to(rows.device)]
