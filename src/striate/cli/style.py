"""striate style: a photograph in the style of a painting."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.importing import importing
from striate.cli.options import Device, Json, Seed
from striate.cli.show import print_json, printable
from striate.errors import ImageError, ModelError, UserError

FRAMES = 48  # of a film, whatever the number of iterations


def style(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="What is painted.")],
    paintings: Annotated[
        list[str], typer.Argument(metavar="PAINTING...", help="In whose style; several are mixed.")
    ],
    size: Annotated[int, typer.Option(min=64, help="Longer side of the picture, in pixels.")] = 512,
    iterations: Annotated[int, typer.Option(min=1, help="Of L-BFGS at that size.")] = 100,
    style_weight: Annotated[
        float, typer.Option(min=0, help="Of the style, where the photograph has the weight 1.")
    ] = 30.0,
    variation: Annotated[
        float, typer.Option(min=0, help="Weight of total variation: more gives smoother areas.")
    ] = 0.0,
    colors: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="painting: the painting's. matched: the painting is first given the "
            "photograph's. luminance: the photograph's, and light and shade alone are painted.",
        ),
    ] = "painting",
    mask: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A gray picture of the photograph's size: 0 where the first painting counts, 1 "
            "where the second does, and so on.",
        ),
    ] = "",
    start: Annotated[str, typer.Option("--from", metavar="NAME", help="photo or noise.")] = "photo",
    coarse: Annotated[
        bool, typer.Option(help="Whether smaller pictures come first, which is faster.")
    ] = True,
    average: Annotated[
        bool, typer.Option("--average", help="Mean poolings in place of maximum poolings.")
    ] = False,
    network: Annotated[str, typer.Option(metavar="NAME", help="What looks.")] = "vgg19",
    weights: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="Its weights: a published name, which is fetched, or a file."
        ),
    ] = "imagenet",
    content_layers: Annotated[
        str, typer.Option(metavar="A,B", help="Layers that keep the photograph.")
    ] = "conv4_2",
    style_layers: Annotated[
        str, typer.Option(metavar="A,B", help="Layers that keep the painting.")
    ] = "conv1_1,conv2_1,conv3_1,conv4_1,conv5_1",
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write.")] = Path(
        "styled.png"
    ),
    film: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also the steps, as .gif, .webp or animated .png."),
    ] = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Paints a photograph in the style of a painting (Gatys, Ecker & Bethge 2016).

    \b
    Examples:
        striate style photo.jpg starry_night.jpg --out painted.png --size 512
        striate style photo.jpg scream.jpg --colors luminance --film painting.gif
        striate style photo.jpg sky.jpg houses.jpg --mask regions.png
        striate style photo.jpg waves.jpg --network vgg16 --weights vgg16.pth
    """
    with importing():
        from striate.images import read
        from striate.inference import on_device
        from striate.models import Stages, create, entry
        from striate.models.networks import source_of
        from striate.models.published import normalization_of
        from striate.style import Perception, Weights, regions_in, transfer
        from striate.visualize import save, save_film
        from striate.visualize.drawing import check_film, format_of

    format_of(out)  # before any work
    if film is not None:
        check_film(film)

    def pixels(path: str):  # type: ignore[no-untyped-def]
        try:
            return read(path)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error

    content, painted = layers_in(content_layers), layers_in(style_layers)
    pictures = [pixels(path) for path in (photo, *paintings)]
    regions = regions_in(mask) if mask else None
    normalization = normalization_of(source_of(network, weights)) or entry(network).normalization
    model = create(network, weights=weights)
    if not isinstance(model, Stages):
        raise ModelError(f"{network} is not a chain of stages; take a network such as vgg19")
    with on_device(device):
        result = transfer(
            pictures[0],
            pictures[1:],
            Perception(model, (*content, *painted), average=average),
            normalization,
            content=content,
            size=size,
            iterations=iterations,
            weights=Weights(style=style_weight, variation=variation),
            colors=colors,
            regions=regions,
            start=start,
            coarse=coarse,
            seed=seed,
            every=max(1, 2 * iterations // FRAMES) if film else 0,
        )
    save(out, result.picture)
    if film is not None:
        save_film(film, result.frames)
    rows, columns = result.picture.shape[:2]
    loss = float(result.losses[-1])
    if json:
        print_json({"photo": photo, "paintings": paintings, "out": str(out), "width": columns,
                    "height": rows, "iterations": len(result.losses), "loss": loss,
                    "film": str(film) if film else None})  # fmt: skip
        return
    print(printable(f"{out}: {columns} x {rows}, loss {loss:.4g}"))


def layers_in(text: str) -> list[str]:
    """Names between commas.

    Raises:
        UserError: if there is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("name at least one layer, as in conv4_2")
    return names
