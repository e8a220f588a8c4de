"""striate augment: what training makes of the pictures."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.detection import without_boxes
from striate.cli.options import Data, Json, Seed
from striate.cli.show import print_json, printable
from striate.errors import ImageError, UnknownName, UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from striate.augment import Augmentation
    from striate.data import Dataset

SMALLEST, LARGEST = 72, 144  # side of a tile in pixels
WIDTH = 1200  # of the page, about
AUTOMATIC = "automatic"


def augment(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the sheet goes.")] = Path(
        "augment.png"
    ),
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="characters, photographs, airbench, everything; or automatic: as training from "
            "scratch would choose.",
        ),
    ] = AUTOMATIC,
    images: Annotated[int, typer.Option(min=1, max=50, help="Rows: pictures.")] = 6,
    views: Annotated[int, typer.Option(min=1, max=50, help="Columns: views of each.")] = 8,
    each: Annotated[
        bool, typer.Option("--each", help="One column for each thing that is varied, alone.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draws a sheet: pictures of the set, and random views of each as training sees them.

    \b
    Examples:
        striate augment photos/ --out sheet.png
        striate augment digits --recipe characters --seed 3
        striate augment photos/ --recipe everything --each
    """
    import numpy as np
    import torch

    import striate
    from striate.tasks.classification import natural_view
    from striate.visualize.drawing import Tile, format_of, save, sheet

    format_of(out)  # before any work
    known = named()
    if recipe not in (AUTOMATIC, *known):
        raise UnknownName("recipe", recipe, [AUTOMATIC, *known])
    dataset = without_boxes(striate.data.open(data, seed=seed))
    view = natural_view(dataset)
    if recipe == AUTOMATIC:
        recipe = "characters" if view.channels == 1 else "photographs"
    augmentation = known[recipe]
    rows, pictures = chosen(dataset, images, seed)
    pixels = np.stack([striate.images.apply(picture, view) for picture in pictures])
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    columns = parts(augmentation) if each else {str(n + 1): augmentation for n in range(views)}
    generator = torch.Generator().manual_seed(seed)
    drawn = [shown(of(batch, generator).numpy()) for of in columns.values()]
    names = [dataset.classes[dataset.targets[row]] for row in rows]
    labels = list(columns) if each else [""] * len(columns)
    originals = shown(batch.numpy())
    tiles = [
        [Tile(original, "as it is" if each else ""), *map(Tile, some, labels)]
        for original, *some in zip(originals, *drawn, strict=True)
    ]
    side = min(LARGEST, max(SMALLEST, WIDTH // (len(columns) + 2)))
    page = sheet(
        f"{dataset.name}: pictures, and views of them",
        tiles,
        caption=f"{recipe}: {in_words(augmentation)}; seed {seed}",
        names=[name if len(name) <= 20 else name[:19] + "…" for name in names],
        side=side,
        gaps=[1],
        smooth=view.size > side,
    )
    save(out, page)
    if json:
        print_json({"data": dataset.name, "recipe": recipe, "augmentation": asdict(augmentation),
                    "images": [dataset.images.name(row) for row in rows], "views": len(columns),
                    "seed": seed, "out": str(out)})  # fmt: skip
        return
    of_each = f"{counted(len(rows), 'picture')}, {counted(len(columns), 'view')} of each"
    print(printable(f"{out}: {of_each} ({recipe})"))


def named() -> "dict[str, Augmentation]":
    """What can be asked for by name."""
    from striate.augment import Augmentation, Spread
    from striate.training import recipes

    everything = Augmentation(
        Spread(
            mirror=0.5, rotation=15, zoom=0.1, stretch=0.2, shear=10, shift=0.05, crop=(0.4, 1.0),
            lens=0.2, elastic=0.02,
        ),
        brightness=0.25, contrast=0.25, saturation=0.5, hue=20, principal=0.3,
    )  # fmt: skip
    return {
        "characters": recipes.CHARACTERS,
        "photographs": recipes.PHOTOGRAPHS,
        "airbench": recipes.AIRBENCH.augmentation,
        "everything": everything,
    }


def chosen(dataset: "Dataset", count: int, seed: int) -> "tuple[list[int], list[NDArray]]":
    """Random rows, of as many classes as there are, in the order of the classes, and their
    pictures; what cannot be read is passed over."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(dataset.targets))
    turn = np.zeros(len(order), np.int64)  # how many of its class come before
    seen = [0] * len(dataset.classes)
    for place, row in enumerate(order):
        turn[place] = seen[dataset.targets[row]]
        seen[dataset.targets[row]] += 1
    found: dict[int, NDArray] = {}
    for row in order[np.argsort(turn, kind="stable")].tolist():
        try:
            found[row] = dataset.images[row]
        except ImageError:
            continue
        if len(found) == count:
            break
    if not found:
        raise UserError(f"{dataset.name}: none of its pictures can be read")
    rows = sorted(found, key=lambda row: int(dataset.targets[row]))
    return rows, [found[row] for row in rows]


def parts(augmentation: "Augmentation") -> "dict[str, Augmentation]":
    """The augmentation taken apart: what each of its values does alone, and all of them."""
    from striate.augment import Augmentation, Spread

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


def in_words(augmentation: "Augmentation") -> str:
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


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "view"), counted(8, "view")
    ('1 view', '8 views')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def shown(images: "NDArray") -> "list[NDArray]":
    """Pixels (N, C, H, W) in [0, 255] as pictures (H, W, 3) uint8."""
    import numpy as np

    pixels = np.rint(images).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return list(np.repeat(pixels, 3, axis=3) if pixels.shape[3] == 1 else pixels)
