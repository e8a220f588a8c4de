"""The pages of all visualizations: one function each, from plain arrays to pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.inference import Preprocessing
from striate.ops.receptive import Field
from striate.visualize._activations import Activations
from striate.visualize.attribution import Attribution, Curves
from striate.visualize.colors import Pixels, Scale, colored, distinct, heat
from striate.visualize.deconvnet import Patches
from striate.visualize.drawing import Legend, Tile, boxed, enhanced, sheet, swatches, to_pixels
from striate.visualize.questions import Maps
from striate.visualize.rectifying import Rule

ACROSS = 8  # tiles in a row
SHOWN = 31  # feature maps, the strongest
KINDS = 6  # classes of a map that have a color of their own
PER_CHANNEL = 12  # filters and channels that are shown where there is no color


WAYS: dict[Rule, str] = {
    "deconvnet": "by the deconvolutional network of Zeiler & Fergus (2014)",
    "guided": "by guided back-propagation, because the network has no max pooling, whose switches "
    "a deconvolutional network needs",
}


def of_filters(layer: str, weights: NDArray[np.float32], *, bgr: bool = False) -> Pixels:
    """Filters (K, C, n, m): as colors where C is 3, else channel by channel."""
    count, channels, rows, columns = weights.shape
    size = f"{count} filters, {channels} x {rows} x {columns}"
    if channels == 3:
        turned = weights[:, ::-1] if bgr else weights
        tiles = [Tile(enhanced(one)) for one in turned]
        across = max(ACROSS, round(count**0.5 * 1.4))
        return sheet(
            f"Filters of {layer}",
            in_rows(tiles, across),
            caption=f"{size}. Each with its contrast enhanced; middle gray is 0.",
            side=72,
            smooth=False,
        )
    some = weights[:PER_CHANNEL, :PER_CHANNEL]
    grid = []
    for one in some:
        most = float(np.abs(one).max())
        grid.append([Tile(colored(c, low=-most, high=most, scale="balance")) for c in one])
    left_out = count > len(some) or channels > some.shape[1]
    part = f", the first {some.shape[0]} by {some.shape[1]}" if left_out else ""
    return sheet(
        f"Filters of {layer}",
        grid,
        caption=f"{size}{part}. A row is a filter, a column the channel it reads. "
        "Blue is below 0, red above; each row has its own scale.",
        names=[str(number) for number in range(len(some))],
        side=64,
        smooth=False,
    )


def of_activations(found: Activations, image: Pixels) -> Pixels:
    """The strongest feature maps over the image, and the receptive field of the strongest unit."""
    order = found.order[:SHOWN].tolist()
    first = order[0]
    place = found.peak(first)
    signed = float(found.maps.min()) < 0
    tiles = [
        Tile(boxed(image, found.box(*place)), f"field of map {first}"),
        *(
            Tile(heat(image, found.maps[k], signed=signed), f"map {k}: {amount(found.totals[k])}")
            for k in order
        ),
    ]
    channels, rows, columns = found.maps.shape
    scale = "blue below 0 and red above" if signed else "dark to bright"
    return sheet(
        f"Feature maps of {found.layer}",
        in_rows(tiles, ACROSS),
        caption=f"{channels} feature maps of {rows} x {columns}, the largest total activation "
        f"first; each map has its own scale, {scale}. {field_size(found.fields)} The frame is the "
        f"receptive field of the strongest unit of map {first}.",
    )


def amount(number: float) -> str:
    """A number in about three digits, thousands apart."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def field_size(fields: tuple[Field, Field] | None) -> str:
    """A sentence about receptive fields."""
    if fields is None:
        return "Receptive fields differ from unit to unit."
    down, across = fields
    return f"A unit's receptive field is {down.size} x {across.size} pixels."


def of_patches(
    found: Patches, preprocessing: Preprocessing, *, title: str = "", side: int = 84
) -> Pixels:
    """A row a feature map: what in its strongest patches excites it, and the patches themselves."""
    rows = []
    for k in range(len(found.images)):
        back = [Tile(enhanced(one)) for one in found.projections[k]]
        rows.append([*back, *(Tile(to_pixels(one, preprocessing)) for one in found.images[k])])
    count = found.images.shape[1]
    return sheet(
        title or f"What excites {found.strongest.layer}",
        rows,
        caption=f"A row is a feature map, its {count} strongest activations from left to right. "
        f"Left: each sent back to the pixels alone, {WAYS[found.rule]}, contrast enhanced. Right: "
        "the patches that caused them.",
        names=[f"map {channel}" for channel in found.strongest.channels],
        side=side,
        gaps=[count],
    )


def of_projections(
    layer: str,
    image: Pixels,
    channels: Sequence[int],
    values: Sequence[float],
    projections: NDArray[np.float32],
    *,
    rule: Rule = "deconvnet",
) -> Pixels:
    """One image: what in it excites its strongest feature maps; projections (K, C, H, W)."""
    tiles = [Tile(image, "the image")]
    tiles += [
        Tile(enhanced(one), f"map {k}: {value:.3g}")
        for k, value, one in zip(channels, values, projections, strict=True)
    ]
    return sheet(
        f"What in the image excites {layer}",
        in_rows(tiles, 5),
        caption="The strongest activation of each feature map, sent back to the pixels alone, "
        f"{WAYS[rule]}; middle gray is 0, the contrast is enhanced.",
        side=180,
    )


def of_attribution(
    found: Attribution, image: Pixels, *, label: str, score: Curves | None = None
) -> Pixels:
    """The image and the map over it; for methods of pixels also the pixels themselves."""
    tiles = [Tile(image, "the image")]
    limit = float(np.abs(found.map).max()) or 1.0
    shown = smoothed(found.map) if found.pixels is not None else found.map
    tiles.append(Tile(heat(image, shown, signed=found.signed), NAMES[found.method]))
    if found.pixels is not None:
        tiles.append(Tile(grains(found), "pixel by pixel"))
    where = f" at {found.layer}" if found.layer else ""
    caption = f"{WORDS[found.method]}{where}, for the class {label}."
    if score is not None:
        caption += (
            f" Deletion area {score.deletion_area:.3f} (smaller is better), insertion area "
            f"{score.insertion_area:.3f} (larger is better)."
        )
    legend = Legend(-limit if found.signed else float(found.map.min()), limit, "what speaks for it")
    scale = Legend(legend.low, legend.high, legend.meaning, "balance" if found.signed else "ember")
    return sheet(f"Why {label}?", [tiles], caption=caption, side=280, legend=scale)


def of_regions(maps: NDArray[np.float32], image: Pixels, *, name: str) -> Pixels:
    """The image, and what each of its regions (rows, columns) says of a class."""
    limit = float(np.abs(maps).max()) or 1.0
    tiles = [
        Tile(image, "the image"),
        Tile(heat(image, maps, signed=True), "what its regions say"),
        Tile(colored(maps, low=-limit, high=limit, scale="balance"), "region by region"),
    ]
    caption = (
        f"{maps.shape[0]} x {maps.shape[1]} regions, each with its score for {name}. The strongest "
        "and the weakest decide."
    )
    legend = Legend(-limit, limit, "what speaks for it", "balance")
    return sheet(
        f"Where is {name}?", [tiles], caption=caption, side=280, legend=legend, smooth=False
    )


def of_occlusion(found: Maps, image: Pixels, *, classes: Sequence[str]) -> Pixels:
    """The image, what hiding each part takes away, and the three maps of the experiment."""
    kinds, counts = np.unique(found.most_probable, return_counts=True)
    frequent = kinds[np.argsort(-counts, kind="stable")][:KINDS].tolist()
    colors = np.concatenate([distinct(len(frequent)), np.full((1, 3), 160, np.uint8)])
    places = np.full(found.most_probable.shape, len(frequent))
    for number, kind in enumerate(frequent):
        places[found.most_probable == kind] = number
    names = [classes[kind] for kind in frequent]
    if len(kinds) > len(frequent):
        names.append(f"{len(kinds) - len(frequent)} others")
    name, clean = classes[found.target], found.clean_probability
    lost = np.nan_to_num(found.over_pixels())
    high = max(float(lost.max()), 1e-6)
    top = max(float(found.probability.max()), 1e-6)
    side = 232
    tiles = [
        Tile(image, "the image"),
        Tile(heat(image, lost, low=0.0, high=high), "what the answer depends on"),
        Tile(heat(image, found.probability, low=0.0, high=top), f"p({name}): 0 to {top:.3f}"),
        Tile(colors[places], "most probable class"),
        Tile(heat(image, found.activation), f"map {found.channel} of {found.layer}"),
        Tile(swatches(names, colors[: len(names)], side=side), ""),
    ]
    return sheet(
        f"What {name} depends on",
        in_rows(tiles, 3),
        caption=f"A square of {found.size} pixels hides each part of the image in turn; with "
        f"nothing hidden, p({name}) is {clean:.3f}. Second picture: bright where hiding takes "
        "the most away. Then, for each place of the square: the probability, dark where it is "
        "lost; the most probable class; the total activation of the map that was strongest.",
        side=side,
        legend=Legend(0.0, high, "probability lost by hiding"),
        smooth=False,
    )


NAMES = {
    "saliency": "saliency",
    "guided": "guided back-propagation",
    "gradcam": "Grad-CAM",
    "integrated": "integrated gradients",
}
WORDS = {
    "saliency": "Saliency: how fast the logit changes with each pixel",
    "guided": "Guided back-propagation: the gradient, rectified at every rectifier",
    "gradcam": "Grad-CAM: feature maps weighted by their gradients",
    "integrated": "Integrated gradients: gradients summed on the way from the mean color",
}


def grains(found: Attribution) -> Pixels:
    """A map of single pixels as it is."""
    if found.method == "guided" and found.pixels is not None:
        return enhanced(found.pixels)
    limit = float(np.quantile(np.abs(found.map), 0.998)) or 1.0
    scale: Scale = "balance" if found.signed else "ember"
    return colored(found.map, low=-limit if found.signed else 0.0, high=limit, scale=scale)


def smoothed(map: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map of single pixels gathered over a neighborhood, so that regions are seen."""
    import torch

    from striate.visualize.attribution import blurred

    return blurred(torch.from_numpy(map)[None, None], max(map.shape) / 60)[0, 0].numpy()


def in_rows(tiles: Sequence[Tile], across: int) -> list[list[Tile]]:
    """Tiles from left to right, then down."""
    return [list(tiles[first : first + across]) for first in range(0, len(tiles), across)]
