"""Windows at whole pixels, as the papers cut them: nothing is interpolated that is not resized.

Krizhevsky et al. 2012 (Section 4.1) cut 224 of 256 pixels; Simonyan & Zisserman 2015 (Section 3.1)
and He et al. 2016 (Section 3.4) first bring the shorter side to a random number of pixels; He et
al. (Section 4.2) put four zeros around 32 x 32 pictures.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Crops:
    """Where the windows that a network reads may lie, in the pixels of its paper.

    For a network of another size than `window` all numbers are in proportion.

    Attributes:
        window: side of what the network reads.
        sides: to which the shorter side of a picture is brought: a whole number between these two,
            all as likely.
        padding: zeros on each side of the picture.
    """

    window: int
    sides: tuple[int, int]
    padding: int = 0

    def __post_init__(self) -> None:
        least, largest = self.sides
        if not 0 < least <= largest or self.padding < 0:
            raise ValueError(f"sides must be two growing numbers of pixels, not {self.sides}")
        if not 0 < self.window <= least + 2 * self.padding:
            raise ValueError(f"a window of {self.window} pixels does not fit into {least}")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Crops":
        """What `dataclasses.asdict` gave, after JSON made lists of its tuples."""
        least, largest = values["sides"]
        return cls(int(values["window"]), (int(least), int(largest)), int(values["padding"]))

    def of(self, number: int, size: int) -> int:
        """A number of the paper's pixels, for a network that reads `size` pixels."""
        return round(number * size / self.window)

    def largest(self, size: int) -> int:
        """The side that pictures must have so that none is enlarged."""
        return self.of(self.sides[1], size)

    def usual(self, size: int) -> int:
        """The side in the middle, of which a network in use reads the central window."""
        return self.of(sum(self.sides) // 2, size)

    def draw(
        self, count: int, source: tuple[int, int], size: int, generator: Generator | None
    ) -> "Places":
        """Where `count` windows of `size` pixels lie in pictures of height and width `source`."""
        device = generator.device if generator is not None else None
        low, high = (self.of(side, size) for side in self.sides)
        padding = self.of(self.padding, size)
        shorter = torch.randint(low, high + 1, (count,), generator=generator, device=device)
        sides = torch.stack(
            [torch.round(side * shorter / min(source)).long() for side in source], 1
        )
        room = (sides + 2 * padding - size).clamp(min=0)
        chance = torch.rand(count, 2, generator=generator, device=device, dtype=torch.float64)
        corners = (chance * (room + 1)).long().clamp(max=room) - padding
        return Places(corners, sides, size, padding)


@dataclass(frozen=True)
class Places:
    """Windows in pictures that are brought to other sides.

    Attributes:
        corners: (N, 2) int, top and left of each in the pixels of the picture; below 0 lie zeros.
        sides: (N, 2) int, height and width to which each picture is brought.
        size: of a window.
        padding: zeros around each picture.
    """

    corners: Tensor
    sides: Tensor
    size: int
    padding: int

    def whole(self, source: tuple[int, int]) -> bool:
        """Whether all pictures of this height and width keep their pixels."""
        return bool((self.sides == torch.tensor(source, device=self.sides.device)).all())

    def cut(self, images: Tensor, mirrored: Tensor) -> Tensor:
        """The windows (N, C, size, size) of images (N, C, H, W) whose pixels are kept.

        Args:
            mirrored: (N,) bool, which of them are turned round.
        """
        plain = images.dtype != torch.bfloat16  # which NumPy lacks
        if images.device.type == "cpu" and plain and not images.requires_grad:
            return self._sliced(images, mirrored)
        return self._gathered(images, mirrored)

    def _sliced(self, images: Tensor, mirrored: Tensor) -> Tensor:
        """A window at a time: a processor copies rows of pixels faster than it looks them up."""
        cut = images.new_zeros(len(images), self.size, self.size, images.shape[1])
        pixels, windows = images.permute(0, 2, 3, 1).numpy(), cut.numpy()  # (N, H, W, C)
        for picture, window, (top, left) in zip(
            pixels, windows, self.corners.tolist(), strict=True
        ):
            down, right = max(-top, 0), max(-left, 0)
            bottom, end = max(top + self.size, 0), max(left + self.size, 0)
            seen = picture[max(top, 0) : bottom, max(left, 0) : end]
            window[down : down + len(seen), right : right + seen.shape[1]] = seen
        views = cut.permute(0, 3, 1, 2)
        for row in torch.nonzero(mirrored.cpu())[:, 0].tolist():
            views[row : row + 1] = views[row : row + 1].flip(3)
        return views

    def _gathered(self, images: Tensor, mirrored: Tensor) -> Tensor:
        """All windows at once, a pixel at a time: the reference, and what a GPU does."""
        there = images.device
        steps = torch.arange(self.size, device=there)
        rows = self.corners[:, :1].to(there) + steps  # (N, size)
        columns = torch.where(mirrored.to(there)[:, None], steps.flip(0), steps)
        columns = self.corners[:, 1:].to(there) + columns
        inside = [
            (places >= 0) & (places < side)
            for places, side in zip((rows, columns), images.shape[2:], strict=True)
        ]
        height, width = (side - 1 for side in images.shape[2:])
        each = torch.arange(len(images), device=there)[:, None, None]
        pixels = images.permute(0, 2, 3, 1)  # (N, H, W, C)
        pixels = pixels[each, rows.clamp(0, height)[:, :, None], columns.clamp(0, width)[:, None]]
        seen = inside[0][:, :, None] & inside[1][:, None]  # (N, size, size)
        return (pixels * seen[..., None]).permute(0, 3, 1, 2)

    def matrices(self) -> Tensor:
        """(N, 2, 3) as `augment.warp` takes them: the windows of pictures that are resized."""
        half = self.size / self.sides  # (N, 2): of y, of x
        middle = (2 * self.corners + self.size) / self.sides - 1
        zeros = torch.zeros_like(half[:, 0])
        across = torch.stack([half[:, 1], zeros, middle[:, 1]], 1)
        down = torch.stack([zeros, half[:, 0], middle[:, 0]], 1)
        return torch.stack([across, down], 1).float()

    def rows(self, some: slice) -> "Places":
        """The windows of some of the pictures."""
        return Places(self.corners[some], self.sides[some], self.size, self.padding)
