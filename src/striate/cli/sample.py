"""striate sample: pictures that a recognizer makes by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.importing import importing
from striate.cli.options import MOST_SEED, Device, Json, Seed, see_writable
from striate.cli.show import print_json, printable
from striate.errors import UserError

if TYPE_CHECKING:
    from striate.visualize.colors import Pixels

FRAMES = 1000  # of a film


def sample(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A generator (.safetensors), or its export.", show_default=False
        ),
    ],
    count: Annotated[int, typer.Option(min=1, max=10**9, help="How many pictures.")] = 64,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE|FOLDER",
            help="One picture of all (.png, .jpg, .webp), a film (.gif), or a folder for each.",
        ),
    ] = Path("samples.png"),
    seed: Seed = 0,
    walk: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="A B",
            help="Instead: the way from the first picture of seed A to the first of seed B.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Of this class alone.", show_default=False),
    ] = None,
    columns: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures in a row.", show_default="a square; of a walk one row"),
    ] = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Makes pictures like those that MODEL has learned from.

    A walk shows whether it has learned more than single pictures: on the way everything should look
    right. The same seed gives the same pictures.

    \b
    Examples:
        striate sample dcgan.safetensors --count 64 --out grid.png
        striate sample dcgan.safetensors --walk 3 8 --count 12 --out walk.png
        striate sample dcgan.safetensors --walk 3 8 --count 60 --out walk.gif
        striate sample digits.safetensors --class 7 --count 1000 --out sevens/
    """
    with importing():
        from striate import recognizer
        from striate.progress import track
        from striate.visualize import save, save_film
        from striate.visualize.drawing import check_film, format_of
        from striate.visualize.mosaic import mosaic

    film = out.suffix.lower() == ".gif"
    folder = not out.suffix
    if film:
        check_film(out)
        if count > FRAMES:
            raise UserError(f"--count {count}: a film has {FRAMES} frames at most")
    elif folder:
        see_writable(out)
    else:
        format_of(out)
    if walk is not None and not all(0 <= end <= MOST_SEED for end in walk):
        raise UserError(f"--walk {walk[0]} {walk[1]}: seeds are from 0 to {MOST_SEED}")
    found = recognizer.named(model, device=device)
    pictures = found.task.samples(
        found.predictor, found.names, count, seed=seed, walk=walk, name=name
    )
    pictures = track(pictures, "sample", count)
    if folder:
        write_each(pictures, out)
    elif film:
        save_film(out, list(pictures))
    else:
        save(out, mosaic(pictures, count, columns or (min(count, 16) if walk else None)))
    if json:
        print_json({"model": model, "count": count, "out": str(out), "seed": seed,
                    "walk": list(walk) if walk else None, "class": name})  # fmt: skip
        return
    told = f"{count:,} pictures" if count > 1 else "1 picture"
    print(printable(f"{out}: {told}"))


def write_each(pictures: "Iterator[Pixels]", folder: Path) -> None:
    """Each picture as a PNG, named by its number."""
    from striate.visualize import save

    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(pictures):
        save(folder / f"{number:06d}.png", pixels)
