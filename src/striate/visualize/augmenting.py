"""A sheet of random views: what augmentation makes of the pictures of a dataset."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate import images
from striate.augment import Augmentation, Spread
from striate.data import SMALL, Dataset, native
from striate.errors import ImageError, UserError
from striate.images import View
from striate.visualize.colors import Pixels
from striate.visualize.drawing import Tile, sheet

SMALLEST, LARGEST = 72, 144  # side of a tile in pixels
WIDTH = 1200  # of the page, about
LONGEST = 20  # characters of a label
Pictures = Sequence[NDArray[np.uint8]]


@dataclass(frozen=True)
class Sample:
    """Some pictures of a dataset, and the view in which training would read them."""

    dataset: Dataset[Any]
    rows: tuple[int, ...]
    pictures: Pictures
    view: View

    @property
    def small_and_gray(self) -> bool:
        """Whether these are characters rather than photographs."""
        return self.view.channels == 1


def sample(dataset: Dataset[Any], count: int, *, seed: int) -> Sample:
    """Random rows from as many strata as there are, in the order of the strata.

    What cannot be read is left out.

    Raises:
        UserError: if the inputs are not pictures, or none can be read.
    """
    strata = dataset.targets.strata()
    order = np.random.default_rng(seed).permutation(len(strata))
    turn = np.zeros(len(order), np.int64)  # how many of its stratum come before
    seen: dict[int, int] = {}
    for place, number in enumerate(strata[order].tolist()):
        turn[place] = seen.get(number, 0)
        seen[number] = turn[place] + 1
    found: dict[int, NDArray[np.uint8]] = {}
    for row in order[np.argsort(turn, kind="stable")].tolist():
        try:
            picture = dataset.inputs[row]
        except ImageError:
            continue
        if not isinstance(picture, np.ndarray) or picture.ndim != 3:
            raise UserError(f"{dataset.name}: its inputs are not pictures, which augment draws")
        found[row] = picture
        if len(found) == count:
            break
    if not found:
        raise UserError(f"{dataset.name}: none of its pictures can be read")
    rows = sorted(found, key=lambda row: int(strata[row]))
    side, gray = native(dataset)
    view = View(224) if side > SMALL else View(side, channels=1 if gray else 3, fit="squash")
    return Sample(dataset, tuple(rows), [found[row] for row in rows], view)


def of_views(
    some: Sample, columns: dict[str, Augmentation], *, named: bool, seed: int, caption: str
) -> Pixels:
    """A sheet with a row for each picture: as it is, then one random view for each column.

    Args:
        named: whether the names of the columns are written into them.
    """
    pixels = np.stack([images.apply(picture, some.view) for picture in some.pictures])
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    generator = torch.Generator().manual_seed(seed)
    views = [shown(of(batch, generator).numpy()) for of in columns.values()]
    labels = list(columns) if named else [""] * len(columns)
    tiles = [
        [Tile(original, "as it is" if named else ""), *map(Tile, row, labels)]
        for original, *row in zip(shown(batch.numpy()), *views, strict=True)
    ]
    words = [some.dataset.targets.words(row) for row in some.rows]
    side = min(LARGEST, max(SMALLEST, WIDTH // (len(columns) + 2)))
    return sheet(
        f"{some.dataset.name}: pictures, and views of them",
        tiles,
        caption=caption,
        names=[name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in words],
        side=side,
        gaps=[1],
        smooth=some.view.size > side,
    )


def shown(pixels: NDArray[Any]) -> list[NDArray[np.uint8]]:
    """Pixels (N, C, H, W) in [0, 255] as pictures (H, W, 3) uint8."""
    whole = np.rint(pixels).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return list(np.repeat(whole, 3, axis=3) if whole.shape[3] == 1 else whole)


def parts(augmentation: Augmentation) -> dict[str, Augmentation]:
    """The augmentation taken apart: what each of its values does alone, and all of them."""
    changes: dict[str, Any]
    apart: dict[str, Augmentation] = {}
    for name, value in asdict(augmentation.geometry).items():
        if value and name != "softness":
            changes = {name: 1.0 if name == "mirror" else value}  # always, so that it is seen
            apart[name] = Augmentation(Spread(**changes))
    for name in ("brightness", "contrast", "saturation", "hue", "principal"):
        if value := getattr(augmentation, name):
            changes = {name: value}
            apart["PCA color" if name == "principal" else name] = Augmentation(**changes)
    return {**apart, "all": augmentation}


def in_words(augmentation: Augmentation) -> str:
    """How far the views lie from the pictures."""
    spread = augmentation.geometry
    said = [
        (spread.mirror, f"mirror image {spread.mirror:.0%} of the time"),
        (spread.rotation, f"rotation ±{spread.rotation:g}°"),
        (spread.crop, f"a window of {spread.crop[0]:.0%} to {spread.crop[1]:.0%} of the area"
                      if spread.crop else ""),
        (spread.zoom, f"scale ±{spread.zoom:.0%}"),
        (spread.stretch, f"stretch ±{spread.stretch:.0%}"),
        (spread.shear, f"shear ±{spread.shear:g}°"),
        (spread.shift, f"shift ±{spread.shift:.1%}"),
        (spread.lens, f"lens ±{spread.lens:g}"),
        (spread.elastic, f"elastic {spread.elastic:.1%}"),
        (augmentation.brightness, f"brightness ±{augmentation.brightness:.0%}"),
        (augmentation.contrast, f"contrast ±{augmentation.contrast:.0%}"),
        (augmentation.saturation, f"saturation ±{augmentation.saturation:.0%}"),
        (augmentation.hue, f"hue ±{augmentation.hue:g}°"),
        (augmentation.principal, f"PCA color {augmentation.principal:g}"),
    ]  # fmt: skip
    return ", ".join(words for value, words in said if value) or "nothing"
