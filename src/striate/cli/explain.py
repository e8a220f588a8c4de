"""striate explain: what a network looks at."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.opening import Network, picture_of, recognizer_of
from striate.cli.options import Json
from striate.cli.predict import walk
from striate.cli.show import percent, print_json, printable
from striate.errors import ImageError, UnknownName, UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from striate.recognizer import Recognizer

SMALL = 64  # pixels; so small an image is as quickly seen whole as in parts
MAPS = 9  # feature maps that one image is sent back from


def explain(
    model: Network,
    image: Annotated[
        str,
        typer.Argument(
            metavar="[IMAGE]",
            help="A picture; for deconvnet also a folder, whose strongest patches are found. "
            "Filters need none.",
        ),
    ] = "",
    class_name: Annotated[
        str,
        typer.Option("--class", metavar="NAME", help="The class to ask about: the one it sees."),
    ] = "",
    method: Annotated[
        str,
        typer.Option(
            help="occlusion, deconvnet, activations, filters, saliency, guided, gradcam or "
            "integrated."
        ),
    ] = "occlusion",
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="Where to look (striate models NAME lists them).")
    ] = "",
    approximate: Annotated[
        bool,
        typer.Option(help="occlusion: compute two places of seven, and say how far off that is."),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the picture goes.")] = Path(
        "explained.png"
    ),
    json: Json = False,
) -> None:
    """Shows what a network looks at: a picture of the reasons for its answer.

    occlusion hides each part of the image in turn. deconvnet sends feature maps back to the
    pixels. gradcam, saliency, guided and integrated ask the gradient. activations and filters
    show a layer as it is.

    \b
    Examples:
        striate explain photos.safetensors cat.jpg --out why.png
        striate explain photos.safetensors cat.jpg --approximate
        striate explain efficientnet_lite0 dog.jpg --method gradcam --class beagle
        striate explain efficientnet_lite0 holiday/ --method deconvnet --layer stage3
        striate explain efficientnet_lite0 --method filters --layer stem
    """
    from striate.visualize import save
    from striate.visualize.drawing import format_of

    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    format_of(out)  # before any work
    if not image and method != "filters":
        raise UserError(f"--method {method} needs an IMAGE: striate explain {model} photo.jpg")
    if approximate and method != "occlusion":
        raise UserError(f"--approximate is for --method occlusion, not {method}")
    asked = Asked(recognizer_of(model), image, class_name, layer or None, method, approximate)
    page, found = METHODS[method](asked)
    save(out, page)
    report = {"model": model, "image": image or None, "method": method, **found, "out": str(out)}
    if json:
        print_json(report)
        return
    about = [f"{name} {told(value)}" for name, value in found.items() if value is not None]
    print(printable(f"{method}: {', '.join(about)}; see {out}"))


def told(value: Any) -> str:
    """A finding in words."""
    if isinstance(value, float):
        return percent(value) if 0 <= value <= 1 else f"{value:.3g}"
    if isinstance(value, list):
        return " ".join(told(each) for each in value[:MAPS])
    return str(value)


Answer = tuple["NDArray[Any]", dict[str, Any]]  # the page, and what was found


@dataclass(frozen=True)
class Asked:
    """What the person wants to know."""

    recognizer: "Recognizer"
    image: str
    class_name: str
    layer: str | None
    method: str
    approximate: bool = False

    def pixels(self) -> "NDArray[Any]":
        """What the network is shown of the picture, as RGB (S, S, 3)."""
        from striate.images import to_rgb

        return to_rgb(self.stored())

    def stored(self) -> "NDArray[Any]":
        """The same with as many channels as the network reads."""
        return picture_of(self.image, self.recognizer.preprocessing)

    def tensor(self) -> "Tensor":
        """What the network takes, (1, C, S, S)."""
        return self.recognizer.preprocessing.tensor(self.stored()[None])

    def target(self) -> int:
        """The class that is meant: the one named, or the most probable."""
        from striate.visualize.reading import answer, class_number, evaluating

        if self.class_name:
            return class_number(self.recognizer.classes, self.class_name)
        with evaluating(self.recognizer.model):
            return int(answer(self.recognizer.model, self.tensor())[0].argmax())

    def about(self, target: int) -> dict[str, Any]:
        """The class and its calibrated probability."""
        probability = self.recognizer.probabilities(self.stored()[None])[0, target]
        name = self.recognizer.classes[target]
        return {"class": name, "probability": float(probability)}

    def place(self) -> str:
        """The layer that is meant: the one named, or the last one with maps."""
        from striate.visualize import last_maps

        return self.layer or last_maps(self.recognizer.model, self.tensor())


def by_attribution(asked: Asked) -> Answer:
    """Saliency, guided back-propagation, Grad-CAM, integrated gradients."""
    from striate.visualize import attribute, curves, sheets

    model, images, target = asked.recognizer.model, asked.tensor(), asked.target()
    found = attribute(model, images, target, method=asked.method, layer=asked.layer)  # type: ignore[arg-type]
    score = curves(model, images, found.map, target)
    about = asked.about(target)
    page = sheets.of_attribution(found, asked.pixels(), label=label_of(about), score=score)
    areas = {"deletion_area": score.deletion_area, "insertion_area": score.insertion_area}
    return page, {**about, "layer": found.layer, **areas}


def label_of(about: dict[str, Any]) -> str:
    """`beagle (93.1 %)`."""
    return f"{about['class']} ({percent(about['probability'])})"


def by_activations(asked: Asked) -> Answer:
    """The strongest feature maps."""
    from striate.visualize import activations, sheets

    layer = asked.place()
    found = activations(asked.recognizer.model, asked.tensor(), layer)
    order = found.order[:MAPS].tolist()
    page = sheets.of_activations(found, asked.pixels())
    totals = [float(found.totals[k]) for k in order]
    return page, {"layer": layer, "maps": order, "totals": totals}


def by_filters(asked: Asked) -> Answer:
    """The weights of a convolution."""
    from striate.visualize import filters, sheets
    from striate.visualize.activations import first_convolution

    layer = asked.layer or first_convolution(asked.recognizer.model)
    weights = filters(asked.recognizer.model, layer)
    page = sheets.of_filters(layer, weights, bgr=asked.recognizer.preprocessing.bgr)
    return page, {"layer": layer, "filters": list(weights.shape)}


def by_deconvnet(asked: Asked) -> Answer:
    """Feature maps sent back to the pixels: of one image, or over a folder."""
    import torch

    from striate.visualize import activations, project, sheets
    from striate.visualize.deconvnet import rule_for

    if Path(asked.image).is_dir():
        return over_a_folder(asked)
    layer, images, model = asked.place(), asked.tensor(), asked.recognizer.model
    found = activations(model, images, layer)
    order = found.order[:MAPS].tolist()
    many = torch.cat([images] * len(order))
    rule = rule_for(model, images, layer)
    back = project(model, many, layer, channels=order, rule=rule).float().cpu().numpy()
    peaks = [float(found.maps[k].max()) for k in order]
    page = sheets.of_projections(layer, asked.pixels(), order, peaks, back, rule=rule)
    return page, {"layer": layer, "rule": rule, "maps": order, "peaks": peaks}


def over_a_folder(asked: Asked) -> Answer:
    """The strongest patches of all pictures in a folder."""
    from striate.visualize import last_maps, patches, sheets

    preprocessing, model = asked.recognizer.preprocessing, asked.recognizer.model
    pictures = Readable(asked.image, asked.recognizer)
    layer = asked.layer or last_maps(model, pictures[0][None])
    found = patches(model, pictures, layer)
    page = sheets.of_patches(found, preprocessing)
    names = [[pictures.paths[n] for n in row] for row in found.strongest.numbers.tolist()]
    channels = found.strongest.channels.tolist()
    return page, {
        "layer": layer,
        "rule": found.rule,
        "images": len(pictures),
        "maps": channels,
        "strongest": [
            dict(zip(("map", "paths"), pair, strict=True))
            for pair in zip(channels, names, strict=True)
        ],
    }


class Readable:
    """The pictures below a folder, read when they are asked for; the broken ones left out."""

    def __init__(self, folder: str, recognizer: "Recognizer"):
        from striate.progress import track

        self.preprocessing = recognizer.preprocessing
        self.paths = []
        for path in track(list(walk([folder])), "read"):
            try:
                picture_of(path, self.preprocessing)
            except ImageError as error:
                import sys

                print(printable(str(error)), file=sys.stderr)
            else:
                self.paths.append(path)
        if not self.paths:
            raise UserError(f"no pictures in {folder} can be read")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> "Tensor":
        pixels = picture_of(self.paths[number], self.preprocessing)
        return self.preprocessing.tensor(pixels[None])[0]


def by_occlusion(asked: Asked) -> Answer:
    """The occlusion experiment: a seventh of the image hidden, at 25 or so places each way."""
    import numpy as np

    from striate.visualize import approximate_occlusion, occlusion, sheets

    model, target, images = asked.recognizer.model, asked.target(), asked.tensor()
    side, layer = images.shape[-1], asked.layer
    size, stride = max(1, side // 7), max(1, side // 28)
    error = None
    if asked.approximate:
        rough = approximate_occlusion(model, images, target, size=size, stride=stride, layer=layer)
        found, error = rough.maps, rough.largest_error
    else:
        found = occlusion(
            model, images, target, size=size, stride=stride, layer=layer, incremental=side > SMALL
        )
    page = sheets.of_occlusion(found, asked.pixels(), classes=asked.recognizer.classes)
    row, column = np.unravel_index(found.probability.argmin(), found.probability.shape)
    top, left = int(found.tops[row]), int(found.lefts[column])
    kinds = np.unique(found.most_probable).tolist()
    return page, {
        **asked.about(target),
        "layer": found.layer,
        "map": found.channel,
        "hides": found.size,
        "lowest": float(found.probability.min()),
        "lowest_box": [top, left, top + found.size, left + found.size],
        "most_probable": [asked.recognizer.classes[kind] for kind in kinds],
        "largest_error": error,
    }


METHODS: dict[str, Callable[[Asked], Answer]] = {
    "occlusion": by_occlusion,
    "deconvnet": by_deconvnet,
    "activations": by_activations,
    "filters": by_filters,
    "saliency": by_attribution,
    "guided": by_attribution,
    "gradcam": by_attribution,
    "integrated": by_attribution,
}
