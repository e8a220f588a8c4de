"""The bag of visual words, a whole classifier in the form of a network.

Offline: descriptors of the training images -> k-means -> dictionary. Online: dense SIFT -> soft
coding by the dictionary -> spatial pyramid -> kernel map -> linear support vector machine. All of
it is one `nn.Module` whose state is plain tensors, so it is saved, loaded and fed as any network.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.handcrafted.coding import MAPPINGS, mapped, pool, pyramid_cells, soft_codes
from striate.handcrafted.sift import DenseSIFT, dense_sift

LUMINANCE = (0.299, 0.587, 0.114)  # of R, G, B (ITU-R BT.601)
NUMBERS_AT_ONCE = 2**24  # distances, descriptors against words, held in memory at one time


@dataclass(frozen=True)
class Settings:
    """Everything that is decided before the first image is seen, in the order of the pipeline."""

    side: int  # of the square images, pixels
    step: int  # pixels between grid points
    bin_sizes: tuple[int, ...]  # one for each scale; a SIFT window is 4 x 4 bins
    flat: float = 0.0  # a patch no steeper than this, in gray levels a pixel, has no word
    words: int = 1024
    neighbors: int = 5  # words that share a descriptor; 1 is hard coding
    sharpness: float = 20.0  # of soft coding; descriptors have unit length
    pooling: str = "max"  # or "sum"
    levels: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (4, 4))  # (rows, columns)
    mapping: str = "linear"  # or "hellinger" or "chi2"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("pooling", self.pooling, ("sum", "max")),
            ("mapping", self.mapping, MAPPINGS),
        ):
            if value not in known:
                raise ModelError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        if not 1 <= self.neighbors <= self.words:
            raise ModelError(f"neighbors must be 1 to {self.words} (words), not {self.neighbors}")


PHOTOGRAPHS = Settings(side=128, step=5, bin_sizes=(3, 5, 7), flat=1.0)
SMALL = Settings(side=32, step=2, bin_sizes=(3, 4), words=256)


def settings_for(side: int) -> Settings:
    """What suits images of this side in pixels: `SMALL` up to 40, `PHOTOGRAPHS` above."""
    return SMALL if side <= 40 else PHOTOGRAPHS


class BagOfVisualWords(nn.Module):
    """Images (N, 1 or 3, side, side) in [0, 255] to the margins of every class (N, classes)."""

    dictionary: Tensor

    def __init__(self, *, classes: int, settings: Settings):
        super().__init__()
        self.settings = settings
        cells = sum(rows * columns for rows, columns in settings.levels)
        self.pooled_width = cells * settings.words
        self.width = self.pooled_width * (3 if settings.mapping == "chi2" else 1)
        self.register_buffer("dictionary", torch.zeros(settings.words, 128))
        self.head = nn.Linear(self.width, classes)

    def local(self, images: Tensor) -> DenseSIFT:
        """The descriptors of all grid points: RootSIFT, finest scale first."""
        side = self.settings.side
        if images.ndim != 4 or images.shape[1] not in (1, 3) or images.shape[2:] != (side, side):
            raise ModelError(
                f"these visual words read images (N, 1 or 3, {side}, {side}), "
                f"not {tuple(images.shape)}"
            )
        if images.shape[1] == 3:
            weights = images.new_tensor(LUMINANCE).reshape(1, 3, 1, 1)
            images = (images * weights).sum(1, keepdim=True)
        step, sizes = self.settings.step, self.settings.bin_sizes
        return dense_sift(images, step=step, bin_size=sizes, root=True)

    def codes(self, local: DenseSIFT) -> tuple[Tensor, Tensor]:
        """Indices and weights (N, P, neighbors) of each patch's words; a flat one has none."""
        steep = local.contrast > self.settings.flat
        shape = (*steep.shape, self.settings.neighbors)
        words, weights = (
            steep.new_zeros(shape, dtype=torch.long),
            local.descriptors.new_zeros(shape),
        )
        words[steep], weights[steep] = soft_codes(
            local.descriptors[steep],
            self.dictionary,
            neighbors=self.settings.neighbors,
            sharpness=self.settings.sharpness,
        )
        return words, weights

    def pooled(self, images: Tensor) -> Tensor:
        """What each pyramid cell holds of each word (N, cells · words), before the kernel map."""
        local = self.local(images)
        cells, number = pyramid_cells(local.positions, self.settings.levels)
        return pool(
            *self.codes(local),
            cells,
            number=number,
            vocabulary=self.settings.words,
            pooling=self.settings.pooling,
        )

    def describe(self, images: Tensor) -> Tensor:
        """Unit vectors (N, width) of the images, a few images at a time."""
        parts = [
            mapped(self.pooled(some), self.settings.mapping)
            for some in images.split(self.images_at_once())
        ]
        return torch.cat(parts)

    def images_at_once(self) -> int:
        """How many images may be described together without holding too much memory."""
        points = (self.settings.side // self.settings.step) ** 2 * len(self.settings.bin_sizes)
        return max(NUMBERS_AT_ONCE // (points * (self.settings.words + 256)), 1)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """`descriptors` (N, P, 128), `words` (N, P, words), `pyramid` (N, width)."""
        local = self.local(images)
        indices, weights = self.codes(local)
        words = weights.new_zeros(*weights.shape[:2], self.settings.words)
        return {
            "descriptors": local.descriptors,
            "words": words.scatter_(2, indices, weights),
            "pyramid": self.describe(images),
        }

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.describe(images))
