"""striate dream: a picture of what a network holds for a class."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.opening import Network, recognizer_of
from striate.cli.options import Json, Seed
from striate.cli.show import percent, print_json, printable
from striate.errors import ImageError, UserError

FRAMES = 48  # of a film, whatever the number of steps


def dream(
    model: Network,
    class_name: Annotated[
        str,
        typer.Argument(metavar="[CLASS]", help="A class by name or number; or give --layer."),
    ] = "",
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="Dream of a layer instead of a class.")
    ] = "",
    feature_map: Annotated[
        int | None, typer.Option("--map", min=0, help="Of this feature map of the layer.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", metavar="PHOTO", help="Start from a photograph, not noise.")
    ] = "",
    size: Annotated[
        int | None, typer.Option(min=16, help="Longer side in pixels: as the network sees.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the climb.")] = 192,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the picture goes.")] = Path(
        "dream.png"
    ),
    film: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also the way there, as .gif, .webp or moving .png."),
    ] = None,
    json: Json = False,
) -> None:
    """Dreams of a class: climbs from noise, or from a photograph, to a picture the network is
    sure of, and holds it near natural images on the way.

    \b
    Examples:
        striate dream efficientnet_lite0 zebra --out zebra.png --film zebra.gif
        striate dream photos.safetensors cat --from sky.jpg --size 384
        striate dream efficientnet_lite0 --layer stage4 --from sky.jpg
    """
    from striate.images import apply, read
    from striate.visualize import dream as dreamt
    from striate.visualize import save, save_film
    from striate.visualize.drawing import check_film, format_of
    from striate.visualize.reading import class_number

    if bool(class_name) == bool(layer):
        raise UserError("say what to dream of: a CLASS, or a layer with --layer NAME")
    format_of(out)  # before any work
    if film is not None:
        check_film(film)
    photograph = None
    if start:
        try:
            photograph = read(start)
        except ImageError as error:
            raise ImageError(f"{start}: {error}") from error
    recognizer = recognizer_of(model)
    target = class_number(recognizer.classes, class_name) if class_name else None
    result = dreamt(
        recognizer.model,
        recognizer.preprocessing,
        target=target,
        layer=layer or None,
        channel=feature_map,
        start=photograph,
        size=size,
        steps=steps,
        seed=seed,
        every=max(1, steps // FRAMES) if film else 0,
    )
    save(out, result.picture)
    if film is not None:
        save_film(film, result.frames)
    seen = apply(result.picture, recognizer.preprocessing.view)[None]
    probabilities = recognizer.probabilities(seen)[0]
    best = int(probabilities.argmax())
    name = recognizer.classes[best if target is None else target]
    probability = float(probabilities[best if target is None else target])
    if json:
        of = {"class": name if target is not None else None, "layer": layer or None}
        of |= {"map": feature_map, "seed": seed, "steps": steps}  # type: ignore[dict-item]
        sees = {"name": recognizer.classes[best], "probability": float(probabilities[best])}
        print_json({"model": model, **of, "score": result.scores[-1], "sees": sees,
                    "probability": probability, "out": str(out),
                    "film": str(film) if film else None})  # fmt: skip
        return
    print(printable(f"{out}: the network sees {name} in it, {percent(probability)}"))
