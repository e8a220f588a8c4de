"""Why a network answers as it does: every way of looking inside, by name, each as one page.

occlusion      hides each part of the image in turn
deconvnet      sends feature maps back to the pixels, of one image or of many
activations    the strongest feature maps
filters        the weights of a convolution; no image is needed
saliency, guided, gradcam, integrated    attributions by the gradient
regions        what each region says of the class, for WELDON, which learns such maps
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import images as pictures
from striate.errors import UnknownName, UserError
from striate.inference import evaluating
from striate.models.weldon import Weldon
from striate.visualize import sheets
from striate.visualize._activations import activations, filters, first_convolution
from striate.visualize._occlusion import occlusions
from striate.visualize.attribution import Method, attribute, curves
from striate.visualize.coarse import approximate_occlusion
from striate.visualize.colors import Pixels
from striate.visualize.deconvnet import patches, project, rule_for
from striate.visualize.inside import Inside, Place, Readable
from striate.visualize.questions import Maps
from striate.visualize.reading import class_number, last_maps, placed

SMALL = 64  # pixels; so small an image is as quickly computed whole as in parts
MAPS = 9  # feature maps that one image is sent back from


@dataclass(frozen=True)
class Explanation:
    """A page that shows why, and what was found.

    Attributes:
        page: (H, W, 3) uint8.
        facts: plain values, by name; None where something does not apply.
        broken: pictures that could not be read, with reasons.
    """

    page: Pixels
    facts: Mapping[str, Any]
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is to be explained.

    Attributes:
        image: a picture; "" for filters.
        several: pictures in place of `image`; of deconvnet those whose strongest patches are found.
        class_name: the class that is asked about; the most probable one where "".
        layer: by name; where None, the one that the method takes by itself.
        approximate: occlusion computes two to five places of seven, and estimates its error.
    """

    network: Inside
    method: str
    image: Place = ""
    several: Sequence[Place] = ()
    class_name: str = ""
    layer: str | None = None
    approximate: bool = False

    @cached_property
    def stored(self) -> NDArray[np.uint8]:
        """The picture with as many channels as the network reads: (S, S, C)."""
        return self.network.read(self.image)

    @property
    def pixels(self) -> Pixels:
        """The same as RGB."""
        return pictures.to_rgb(self.stored)

    @property
    def tensor(self) -> Tensor:
        """What the network is given: (1, C, S, S)."""
        images = self.network.preprocessing.tensor(self.stored[None])
        return placed(self.network.model, images)

    @cached_property
    def target(self) -> int:
        """The class that is meant: the one named, or the most probable."""
        if self.class_name:
            return class_number(self.network.names, self.class_name)
        return int(self.network.probabilities(self.stored).argmax())

    @property
    def about(self) -> dict[str, Any]:
        """The class and its probability."""
        probability = float(self.network.probabilities(self.stored)[self.target])
        return {"class": self.network.name(self.target), "probability": probability}

    @property
    def place(self) -> str:
        """The layer that is meant: the one named, or the last one with feature maps."""
        return self.layer or last_maps(self.network.model, self.tensor)


def explain(question: Question) -> Explanation:
    """The answer to a question, by its method.

    Raises:
        UnknownName: if there is no such method, class or layer; with the closest names.
        UserError: if the method needs a picture and there is none, or cannot do what is asked.
        ImageError: if the picture cannot be read.
        ModelError: if the network cannot be looked into in this way.
    """
    check(question.method, question.image or question.several, approximate=question.approximate)
    if question.several and question.method not in ("deconvnet", "filters"):
        return explain_each(question)
    return METHODS[question.method](question)


def explain_each(question: Question) -> Explanation:
    """Several pictures, one below the other; those that cannot be read are left out."""
    readable = Readable(question.network, question.several)
    questions = [replace(question, image=place, several=()) for place in readable.places]
    if question.method == "occlusion" and not question.approximate:
        found = occluded(questions)
    else:
        found = [METHODS[question.method](each) for each in questions]
    pictures = [
        {"path": place, **each.facts} for place, each in zip(readable.places, found, strict=True)
    ]
    page = stacked([each.page for each in found])
    return Explanation(page, {"pictures": pictures}, tuple(readable.broken))


def stacked(pages: Sequence[Pixels]) -> Pixels:
    """Pages one below the other; the narrower ones get a white border on the right."""
    width = max(page.shape[1] for page in pages)
    return np.concatenate([
        np.pad(page, ((0, 0), (0, width - page.shape[1]), (0, 0)), constant_values=255)
        for page in pages
    ])  # fmt: skip


def check(method: str, image: object, *, approximate: bool = False) -> None:
    """Refuses what cannot be explained, before any work.

    Args:
        image: anything that is true where there is one.

    Raises:
        UnknownName, UserError: as `explain`.
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    if not image and method != "filters":
        raise UserError(f"--method {method} needs an IMAGE, as in: striate explain MODEL photo.jpg")
    if approximate and method != "occlusion":
        raise UserError(f"--approximate is for --method occlusion, not {method}")


def by_attribution(question: Question) -> Explanation:
    """Saliency, guided back-propagation, Grad-CAM, integrated gradients."""
    model, images, target = question.network.model, question.tensor, question.target
    method = cast(Method, question.method)
    found = attribute(model, images, target, method=method, layer=question.layer)
    score = curves(
        model, images, found.map, target, probabilities=question.network.to_probabilities
    )
    about = question.about
    label = f"{about['class']} ({100 * about['probability']:.1f} %)"
    page = sheets.of_attribution(found, question.pixels, label=label, score=score)
    areas = {"deletion_area": score.deletion_area, "insertion_area": score.insertion_area}
    return Explanation(page, {**about, "layer": found.layer, **areas})


def by_activations(question: Question) -> Explanation:
    """The strongest feature maps."""
    layer = question.place
    found = activations(question.network.model, question.tensor, layer)
    order = found.order[:MAPS].tolist()
    totals = [float(found.totals[k]) for k in order]
    page = sheets.of_activations(found, question.pixels)
    return Explanation(page, {"layer": layer, "maps": order, "totals": totals})


def by_filters(question: Question) -> Explanation:
    """The weights of a convolution."""
    layer = question.layer or first_convolution(question.network.model)
    weights = filters(question.network.model, layer)
    page = sheets.of_filters(layer, weights, bgr=question.network.preprocessing.normalization.bgr)
    return Explanation(page, {"layer": layer, "filters": list(weights.shape)})


def by_deconvnet(question: Question) -> Explanation:
    """Feature maps sent back to the pixels: of one picture, or of the strongest of many."""
    if question.several:
        return strongest_patches(question)
    layer, images, model = question.place, question.tensor, question.network.model
    found = activations(model, images, layer)
    order = found.order[:MAPS].tolist()
    many = torch.cat([images] * len(order))
    rule = rule_for(model, images, layer)
    back = project(model, many, layer, channels=order, rule=rule).float().cpu().numpy()
    peaks = [float(found.maps[k].max()) for k in order]
    page = sheets.of_projections(layer, question.pixels, order, peaks, back, rule=rule)
    return Explanation(page, {"layer": layer, "rule": rule, "maps": order, "peaks": peaks})


def strongest_patches(question: Question) -> Explanation:
    """The patches of many pictures that a layer answers most strongly."""
    readable = Readable(question.network, question.several)
    model = question.network.model
    layer = question.layer or last_maps(model, placed(model, readable[0][None]))
    found = patches(model, readable, layer)
    page = sheets.of_patches(found, question.network.preprocessing)
    channels = found.strongest.channels.tolist()
    names = [[readable.places[n] for n in row] for row in found.strongest.numbers.tolist()]
    strongest = [
        {"map": channel, "paths": paths} for channel, paths in zip(channels, names, strict=True)
    ]
    facts = {"layer": layer, "rule": found.rule, "images": len(readable), "maps": channels}
    return Explanation(page, {**facts, "strongest": strongest}, tuple(readable.broken))


def by_occlusion(question: Question) -> Explanation:
    """The occlusion experiment: a seventh of the image hidden, at about 25 places each way."""
    if not question.approximate:
        return occluded([question])[0]
    size, stride = square(question)
    found = approximate_occlusion(
        question.network.model, question.tensor, question.target, size=size, stride=stride,
        layer=question.layer, probabilities=question.network.to_probabilities,
    )  # fmt: skip
    return hiding(question, found.maps, found.largest_error)


def occluded(questions: Sequence[Question]) -> list[Explanation]:
    """The occlusion experiment on pictures of one network, computed together."""
    first = questions[0]
    size, stride = square(first)
    found = occlusions(
        first.network.model, [each.tensor for each in questions],
        [each.target for each in questions], size=size, stride=stride, layer=first.layer,
        incremental=first.tensor.shape[-1] > SMALL,
        probabilities=first.network.to_probabilities,
    )  # fmt: skip
    return [hiding(each, maps, None) for each, maps in zip(questions, found, strict=True)]


def square(question: Question) -> tuple[int, int]:
    """The side of the square that hides, and from one place to the next."""
    side = question.tensor.shape[-1]
    return max(1, side // 7), max(1, side // 28)


def hiding(question: Question, found: Maps, error: float | None) -> Explanation:
    """The page of occlusion maps, and where hiding takes most."""
    network = question.network
    page = sheets.of_occlusion(found, question.pixels, classes=network.names)
    row, column = np.unravel_index(found.probability.argmin(), found.probability.shape)
    top, left = int(found.tops[row]), int(found.lefts[column])
    return Explanation(page, {
        **question.about,
        "layer": found.layer,
        "map": found.channel,
        "hides": found.size,
        "lowest": float(found.probability.min()),
        "lowest_box": [left, top, left + found.size, top + found.size],
        "most_probable": [network.name(k) for k in np.unique(found.most_probable).tolist()],
        "error_at_checked_places": error,
    })  # fmt: skip


def by_regions(question: Question) -> Explanation:
    """The class map of a network that scores regions, WELDON."""
    network, target = question.network, question.target
    if not isinstance(network.model, Weldon):
        raise UserError(
            "--method regions shows the maps of a network that scores regions; learn one with "
            "--method weldon, or take --method gradcam"
        )
    maps = class_map(network.model, question.tensor, target)
    page = sheets.of_regions(maps, question.pixels, name=network.name(target))
    row, column = np.unravel_index(maps.argmax(), maps.shape)
    facts = {"regions": list(maps.shape), "strongest": [int(row), int(column)]}
    return Explanation(page, {**question.about, **facts})


def class_map(model: Weldon, images: Tensor, target: int) -> NDArray[np.float32]:
    """(rows, columns) what each region of one image says of a class."""
    with evaluating(model):
        found: NDArray[np.float32] = model.class_maps(images)[0, target].float().cpu().numpy()
    return found


METHODS: dict[str, Callable[[Question], Explanation]] = {
    "occlusion": by_occlusion,
    "deconvnet": by_deconvnet,
    "activations": by_activations,
    "filters": by_filters,
    "saliency": by_attribution,
    "guided": by_attribution,
    "gradcam": by_attribution,
    "integrated": by_attribution,
    "regions": by_regions,
}
