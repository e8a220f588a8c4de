"""MTCNN (Zhang, Zhang, Li & Qiao 2016, arXiv:1604.02878): faces and their eyes, noses and mouths.

Three small nets in a row: P proposes windows at every scale of the picture, R refuses most of them,
O refuses the rest of what is none and places five landmarks.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import WeightsError
from striate.files import cache_folder
from striate.models.weights import read_state
from striate.ops.boxes import non_maximum_suppression as nms
from striate.tensors import same_form

FACTOR = 0.709  # of one scale of the pyramid to the next
THRESHOLDS = (0.6, 0.7, 0.7)  # of the three nets
SMALLEST = 20  # pixels of a face, at least
PARTS = ("pnet", "rnet", "onet")
FOLDER = "STRIATE_MTCNN"
SOURCE = "https://github.com/timesler/facenet-pytorch/raw/master/data/"
DIGESTS = {  # SHA-256
    "pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces in one picture, the surest first.

    Attributes:
        boxes: (K, 4) left, top, right, bottom in pixels.
        scores: (K,) in [0, 1].
        landmarks: (K, 5, 2) x y in pixels: the eyes, the nose and the corners of the mouth, of both
            pairs first the one that is left in the picture.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]


class Net(nn.Module):
    """Convolutions without padding and, after them, full connections; all with PReLU.

    Args:
        widths: of the convolutions, each with its kernel and the max-pool after it (0: none).
        dense: outputs of the full connection and the number of features that come to it.
        heads: names and widths of the outputs; the first is of two classes, face last.
    """

    def __init__(
        self,
        widths: tuple[tuple[int, int, int], ...],
        dense: tuple[int, int] | None,
        heads: Mapping[str, int],
    ):
        super().__init__()
        channels = 3
        self.pools = [pool for *_, pool in widths]
        for number, (width, kernel, _) in enumerate(widths, 1):
            self.add_module(f"conv{number}", nn.Conv2d(channels, width, kernel))
            self.add_module(f"prelu{number}", nn.PReLU(width))
            channels = width
        self.dense = len(widths) + 1 if dense else 0
        if dense:
            self.add_module(f"dense{self.dense}", nn.Linear(dense[1], dense[0]))
            self.add_module(f"prelu{self.dense}", nn.PReLU(dense[0]))
        self.heads = tuple(heads)
        for name, width in heads.items():
            last = nn.Linear(dense[0], width) if dense else nn.Conv2d(channels, width, 1)
            self.add_module(name, last)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) in [-1, 1] to the probability of a face and the other heads' numbers."""
        x = images
        for number, pool in enumerate(self.pools, 1):
            x = self.get_submodule(f"prelu{number}")(self.get_submodule(f"conv{number}")(x))
            if pool:
                x = F.max_pool2d(x, pool, 2, ceil_mode=True)
        if self.dense:
            x = x.permute(0, 3, 2, 1).flatten(1)  # columns first, as the weights were learned
            x = self.get_submodule(f"prelu{self.dense}")(
                self.get_submodule(f"dense{self.dense}")(x)
            )
        first, *rest = (self.get_submodule(name)(x) for name in self.heads)
        return first.softmax(1)[:, 1], *rest


class MTCNN(nn.Module):
    """The cascade (Figure 1). Widths, kernels and pools as in Figure 2."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet = Net(((10, 3, 2), (16, 3, 0), (32, 3, 0)), None, {"conv4_1": 2, "conv4_2": 4})
        self.rnet = Net(
            ((28, 3, 3), (48, 3, 3), (64, 2, 0)), (128, 576), {"dense5_1": 2, "dense5_2": 4}
        )
        self.onet = Net(
            ((32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, 0)),
            (256, 1152),
            {"dense6_1": 2, "dense6_2": 4, "dense6_3": 10},
        )

    @torch.no_grad()
    def forward(self, pixels: NDArray[np.uint8], *, smallest: float = SMALLEST) -> Faces:
        """The faces in a picture (H, W, 3) uint8.

        Args:
            smallest: pixels a side from which on a face is found.
        """
        picture = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float()
        picture = (picture - 127.5) / 128
        boxes = self._proposed(picture, max(smallest, SMALLEST))
        boxes, _, _ = self._judged(self.rnet, picture, boxes, 24, THRESHOLDS[1])
        boxes, scores, points = self._judged(self.onet, picture, boxes, 48, THRESHOLDS[2])
        return Faces(boxes.numpy(), scores.numpy(), points.numpy())

    def _proposed(self, picture: Tensor, smallest: float) -> Tensor:
        """(K, 4) windows, made square."""
        height, width = picture.shape[2:]
        scale, every, scores = 12 / smallest, [], []
        while min(height, width) * scale >= 12:
            size = (int(height * scale + 1), int(width * scale + 1))
            score, offsets = self.pnet(F.interpolate(picture, size, mode="area"))
            place = (score[0] >= THRESHOLDS[0]).nonzero()  # (k, 2) row, column
            found = score[0][place[:, 0], place[:, 1]]
            corner = place.flip(1).float() * 2
            boxes = torch.cat([((corner + 1) / scale).floor(), ((corner + 12) / scale).floor()], 1)
            moved = offsets[0, :, place[:, 0], place[:, 1]].T
            sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
            keep = nms(boxes, found, 0.5)
            every.append((boxes + moved * sides)[keep])
            scores.append(found[keep])
            scale *= FACTOR
        if not every:
            return torch.zeros(0, 4)
        boxes = torch.cat(every)
        return square(boxes[nms(boxes, torch.cat(scores), 0.7)])

    def _judged(
        self, net: nn.Module, picture: Tensor, boxes: Tensor, side: int, least: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes that stay, the surest first, with their scores and landmarks where it has any."""
        nothing = torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, 5, 2)
        if not len(boxes):
            return nothing
        scores, offsets, *points = net(cut(picture, boxes, side))
        good = scores > least
        if not good.any():
            return nothing
        boxes, scores, offsets = boxes[good], scores[good], offsets[good]
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        marks = torch.zeros(len(boxes), 5, 2)
        if points:
            shares = points[0][good].unflatten(1, (2, 5)).transpose(1, 2)  # (k, 5, 2)
            marks = boxes[:, None, :2] + shares * sides[:, None] - 1
        boxes = boxes + offsets * sides.repeat(1, 2)
        keep = nms(boxes, scores, 0.7)
        boxes = boxes[keep] if points else square(boxes[keep])
        return boxes, scores[keep], marks[keep]


def square(boxes: Tensor) -> Tensor:
    """The smallest squares around the same centers."""
    sides = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True)
    corner = (boxes[:, :2] + boxes[:, 2:] - sides) / 2
    return torch.cat([corner, corner + sides], 1)


def cut(picture: Tensor, boxes: Tensor, side: int) -> Tensor:
    """(K, 3, side, side) what is in boxes of a picture (1, 3, H, W), black outside of it."""
    height, width = picture.shape[2:]
    black = (0 - 127.5) / 128
    crops = []
    for left, top, right, bottom in boxes.trunc().int().tolist():
        inside = picture[0, :, max(top - 1, 0) : max(bottom, 0), max(left - 1, 0) : max(right, 0)]
        around = (max(1 - left, 0), max(right - width, 0), max(1 - top, 0), max(bottom - height, 0))
        crop = F.pad(inside, around, value=black) if inside.numel() else picture.new_full(
            (3, 1, 1), black
        )  # fmt: skip
        crops.append(F.interpolate(crop[None], (side, side), mode="area"))
    return torch.cat(crops)


def load_mtcnn() -> MTCNN:
    """With the published weights: `pnet.pt`, `rnet.pt` and `onet.pt` of facenet-pytorch, in the
    folder that STRIATE_MTCNN names, or fetched once into the cache folder.

    Raises:
        WeightsError: if they are not to be had.
    """
    folder = Path(os.environ.get(FOLDER) or cache_folder() / "weights" / "mtcnn")
    model = MTCNN()
    for part in PARTS:
        path = folder / f"{part}.pt"
        if not path.is_file():
            fetched(path)
        try:
            state = read_state(path)
            same_form(model.get_submodule(part).state_dict(), state)
        except (WeightsError, ValueError) as error:
            raise WeightsError(f"{path} does not hold MTCNN's {part}: {error}") from error
        model.get_submodule(part).load_state_dict(state)
    return model.eval()


def fetched(path: Path) -> None:
    """Fetches one of the three files.

    Raises:
        WeightsError: if it cannot be fetched.
    """
    import pooch

    name = path.name
    try:
        pooch.retrieve(SOURCE + name, known_hash=DIGESTS[name], fname=name, path=path.parent)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"the face detector could not be fetched from {SOURCE}{name} "
            f"({type(error).__name__}); get {', '.join(f'{part}.pt' for part in PARTS)} by other "
            f"means and set {FOLDER} to their folder"
        ) from error
