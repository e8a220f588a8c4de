"""striate dream: a picture of what a network has learned of a class."""

from pathlib import Path
from typing import Annotated, Any

import typer

from striate.cli.importing import importing
from striate.cli.options import Device, Json, Seed, Trained
from striate.cli.show import percent, print_json, printable
from striate.errors import ImageError, UserError

FRAMES = 48  # of a film, whatever the number of steps


def dream(
    model: Trained,
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
    neuron: Annotated[
        bool, typer.Option("--neuron", help="Of that feature map only the neuron in the middle.")
    ] = False,
    start: Annotated[
        str, typer.Option("--from", metavar="PHOTO", help="Start from a photograph, not noise.")
    ] = "",
    size: Annotated[
        int | None,
        typer.Option(min=16, help="Longer side in pixels.", show_default="what the network reads"),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of gradient ascent.")] = 192,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write.")] = Path(
        "dream.png"
    ),
    film: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also the steps, as .gif, .webp or animated .png."),
    ] = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Dreams of a class: by gradient ascent, noise or a photograph becomes a picture that the
    network is sure of, kept close to natural images on the way.

    \b
    Examples:
        striate dream efficientnet_lite0 zebra --out zebra.png --film zebra.gif
        striate dream photos.safetensors cat --from sky.jpg --size 384
        striate dream efficientnet_lite0 --layer stage4 --from sky.jpg
        striate dream efficientnet_lite0 --layer stage5 --map 30 --neuron
    """
    with importing():
        from striate import recognizer
        from striate.images import apply, read
        from striate.visualize import dream as dreamt
        from striate.visualize import save, save_film
        from striate.visualize.drawing import check_film, format_of
        from striate.visualize.inside import Inside
        from striate.visualize.reading import class_number

    if class_name and layer:
        raise UserError(f"give one of the two: the class {class_name!r} or the layer {layer!r}")
    if not class_name and not layer:
        raise UserError("give what to dream of: a CLASS, or a layer with --layer NAME")
    if neuron and feature_map is None:
        raise UserError("--neuron is one of a feature map: give --map NUMBER")
    format_of(out)  # before any work
    if film is not None:
        check_film(film)
    photograph = None
    if start:
        try:
            photograph = read(start)
        except ImageError as error:
            raise ImageError(f"{start}: {error}") from error
    found = recognizer.named(model, device=device)
    network = Inside(*found.predictor.inside(), found.names, found.predictor.probabilities)
    target = class_number(found.names, class_name) if class_name else None
    result = dreamt(
        network.model,
        network.preprocessing,
        target=target,
        layer=layer or None,
        channel=feature_map,
        neuron=neuron,
        start=photograph,
        size=size,
        steps=steps,
        seed=seed,
        every=max(1, steps // FRAMES) if film else 0,
    )
    save(out, result.picture)
    if film is not None:
        save_film(film, result.frames)
    probabilities = network.probabilities(apply(result.picture, network.preprocessing.view))
    best = int(probabilities.argmax())
    meant = best if target is None else target
    probability = float(probabilities[meant])
    if json:
        of: dict[str, Any] = {
            "class": None if target is None else network.name(target),
            "layer": layer or None,
            "map": feature_map,
            "neuron": neuron,
            "seed": seed,
            "steps": steps,
        }
        sees = {"name": network.name(best), "probability": float(probabilities[best])}
        print_json({"model": model, **of, "score": result.scores[-1], "sees": sees,
                    "probability": probability, "out": str(out),
                    "film": str(film) if film else None})  # fmt: skip
        return
    print(printable(f"{out}: recognized as {network.name(meant)}, {percent(probability)}"))
