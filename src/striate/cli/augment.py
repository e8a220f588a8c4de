"""striate augment: what training makes of the pictures."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.importing import importing
from striate.cli.options import Data, Json, Seed, Task
from striate.cli.show import print_json, printable
from striate.errors import UnknownName

if TYPE_CHECKING:
    from striate.augment import Augmentation

AUTOMATIC = "automatic"


def augment(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The sheet to write.")] = Path(
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
    task: Task = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draws a sheet: pictures of the dataset, and random views of each as training sees them.

    \b
    Examples:
        striate augment photos/ --out sheet.png
        striate augment digits --recipe characters --seed 3
        striate augment photos/ --recipe everything --each
    """
    with importing():
        from striate.tasks import opening
        from striate.visualize import augmenting
        from striate.visualize.drawing import format_of, save

    format_of(out)  # before any work
    known = named()
    if recipe not in (AUTOMATIC, *known):
        raise UnknownName("recipe", recipe, [AUTOMATIC, *known])
    some = augmenting.sample(opening.open(data, task=task, seed=seed), images, seed=seed)
    if recipe == AUTOMATIC:
        recipe = "characters" if some.small_and_gray else "photographs"
    augmentation = known[recipe]
    columns = {str(n + 1): augmentation for n in range(views)}
    if each:
        columns = augmenting.parts(augmentation)
    caption = f"{recipe}: {augmenting.in_words(augmentation)}; seed {seed}"
    save(out, augmenting.of_views(some, columns, named=each, seed=seed, caption=caption))
    if json:
        names = [some.dataset.inputs.name(row) for row in some.rows]
        print_json({"data": some.dataset.name, "recipe": recipe,
                    "augmentation": asdict(augmentation), "images": names,
                    "views": len(columns), "seed": seed, "out": str(out)})  # fmt: skip
        return
    of_each = f"{counted(len(some.rows), 'picture')}, {counted(len(columns), 'view')} of each"
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


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "view"), counted(8, "view")
    ('1 view', '8 views')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
