"""DeconvNet: which patches excite a feature map, and what in them does (Zeiler & Fergus 2014).

Visualizing and Understanding Convolutional Networks, arXiv:1311.2901, Section 2.1 and Figure 2: of
a feature map the nine strongest activations over a data set; each, with everything else in its
layer set to zero, is sent back to the pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference import evaluating
from striate.models.tracing import Fields
from striate.progress import stage
from striate.visualize.reading import (
    channel_of,
    differentiating,
    fields_of_layer,
    finite,
    maps_of,
    placed,
)
from striate.visualize.rectifying import Rule, Switches, going_back

MOST = 16  # feature maps, where none are named


class Images(Protocol):
    """Images by number: a tensor (N, C, H, W), or anything that reads them on demand."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, number: int, /) -> Tensor:
        """One of them, (C, H, W), as the model takes it; all of one size."""


@dataclass(frozen=True)
class Strongest:
    """Where feature maps respond most strongly, at most once an image; the strongest first.

    Attributes:
        channels: (K,) the feature maps.
        values: (K, n) their activations.
        numbers: (K, n) of which image.
        rows: (K, n) where in the map.
        columns: (K, n).
    """

    layer: str
    channels: NDArray[np.int64]
    values: NDArray[np.float32]
    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class Patches:
    """Of each feature map the strongest patches, and what in them excites it.

    Attributes:
        strongest: where they are.
        boxes: (K, n, 4) top, left, bottom, right in pixels of the network's input: the unit's
            receptive field; parts outside the image are padding.
        images: (K, n, C, h, w) the patches, normalized as the network takes them; nan in the
            padding.
        projections: (K, n, C, h, w) their projections; 0 in the padding.
        rule: by which they came back.
    """

    strongest: Strongest
    boxes: NDArray[np.int64]
    images: NDArray[np.float32]
    projections: NDArray[np.float32]
    rule: Rule


def strongest(
    model: nn.Module,
    images: Images,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    count: int = 9,
    batch_size: int = 16,
) -> Strongest:
    """The `count` images that excite each feature map most, and where in them.

    However many images there are, only a batch of them is in memory.

    Args:
        channels: the feature maps; all of the layer where None.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if there is no such map, or no image.
    """
    if not len(images):
        raise ModelError("there are no images")
    best: list[Tensor] = []  # values, image numbers, places; each (K, up to count)
    width = 1
    wanted: list[int] = []
    with evaluating(model), stage(f"strongest of {layer}", len(images)) as bar:
        for first, batch in batches(model, images, batch_size):
            maps = maps_of(model, batch, layer)
            wanted = wanted or check(maps, channels, layer)
            width = maps.shape[3]
            values, places = maps[:, wanted].flatten(2).max(dim=2)  # (N, K)
            numbers = torch.arange(first, first + len(batch), device=maps.device)
            new = [values.T, numbers.expand(len(wanted), -1), places.T]
            old = best or [part[:, :0] for part in new]
            both = [torch.cat(pair, dim=1) for pair in zip(old, new, strict=True)]
            # A stable sort: of equals, the image that came first.
            order = both[0].argsort(dim=1, descending=True, stable=True)[:, :count]
            best = [part.gather(1, order) for part in both]
            bar.advance(len(batch))
    values, numbers, places = (part.cpu() for part in best)
    return Strongest(
        layer,
        np.array(wanted, np.int64),
        values.float().numpy(),
        numbers.numpy(),
        (places // width).numpy(),
        (places % width).numpy(),
    )


def project(
    model: nn.Module,
    images: Tensor,
    layer: str,
    *,
    channels: Sequence[int],
    rows: Sequence[int] | None = None,
    columns: Sequence[int] | None = None,
    rule: Rule | None = None,
) -> Tensor:
    """The part of each image that makes one activation what it is, (N, C, H, W).

    Args:
        images: (N, C, H, W).
        channels: (N,) of each image the feature map.
        rows: (N,) and `columns`: of which place; where None, of the map's strongest.
        rule: "deconvnet" or "guided" (see `rectifying`); `rule_for` decides where None.
    """
    rule = rule or rule_for(model, images[:1], layer)
    with differentiating(model), going_back(model, rule):
        pixels = placed(model, images).requires_grad_()
        maps = maps_of(model, pixels * 1, layer)  # what is in place may not touch a leaf
        for channel in channels:
            channel_of(maps, channel, layer)
        each = torch.arange(len(maps), device=maps.device)
        chosen = maps[each, torch.as_tensor(channels, device=maps.device)]  # (N, h, w)
        if rows is None or columns is None:
            places = chosen.flatten(1).argmax(dim=1)
        else:
            across = torch.as_tensor(columns, device=maps.device)
            places = torch.as_tensor(rows, device=maps.device) * chosen.shape[2] + across
        activations = chosen.flatten(1)[each, places]
        # The signal that starts at the top is the activation itself, all others are zero.
        (back,) = torch.autograd.grad(activations, pixels, activations.detach())
    return finite(back, f"the projection of {layer}")


def patches(
    model: nn.Module,
    images: Images,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    count: int = 9,
    batch_size: int = 16,
    rule: Rule | None = None,
) -> Patches:
    """Of each feature map the strongest patches over a set, with their projections to pixels.

    The set is read once, and of each map `count` images once more; `sheets.of_patches` shows them.

    Args:
        channels: the feature maps; the first 16 of the layer where None.
        rule: "deconvnet" or "guided" (see `rectifying`); `rule_for` decides where None.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if there is no such map, or no image.
    """
    if not len(images):
        raise ModelError("there are no images")
    if channels is None:
        with evaluating(model):
            known = maps_of(model, placed(model, images[0][None]), layer).shape[1]
        channels = range(min(MOST, known))
    found = strongest(model, images, layer, channels=channels, count=count, batch_size=batch_size)
    rule = rule or rule_for(model, images[0][None], layer)
    shape = tuple(images[0].shape)
    boxes = boxes_of(found, fields_of_layer(model, shape, layer), shape)
    height, width = (boxes[0, 0, 2:] - boxes[0, 0, :2]).tolist()
    size = (*found.values.shape, shape[0], height, width)
    seen, back = np.full(size, np.nan, np.float32), np.zeros(size, np.float32)
    with stage(f"project {layer}", len(found.channels)) as bar:
        for k, channel in enumerate(found.channels.tolist()):
            batch = torch.stack([images[number] for number in found.numbers[k].tolist()])
            result = project(
                model,
                batch,
                layer,
                channels=[channel] * len(batch),
                rows=found.rows[k].tolist(),
                columns=found.columns[k].tolist(),
                rule=rule,
            )
            for n, box in enumerate(boxes[k]):
                cut_out(batch[n].float().cpu().numpy(), box, seen[k, n])
                cut_out(result[n].float().cpu().numpy(), box, back[k, n])
            bar.advance()
    return Patches(found, boxes, seen, back, rule)


def rule_for(model: nn.Module, images: Tensor, layer: str) -> Rule:
    """ "deconvnet" where a max pooling lies before the layer, else "guided".

    A deconvolutional network knows the image by its switches alone. Without any it draws the same
    for every image, which guided back-propagation was made to mend (Springenberg et al. 2015,
    Section 3.4).
    """
    with evaluating(model), Switches() as found:
        maps_of(model, placed(model, images), layer)
    return "deconvnet" if found.count else "guided"


def boxes_of(found: Strongest, fields: Fields | None, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """(K, n, 4) receptive fields of the strongest units; the whole image where one is larger, or
    differs from unit to unit."""
    boxes = np.empty((*found.values.shape, 4), np.int64)
    for axis, units in ((0, found.rows), (1, found.columns)):
        side = shape[1 + axis]
        field = fields[axis] if fields else None
        if field is None or field.size >= side:
            boxes[..., axis], boxes[..., axis + 2] = 0, side
        else:
            boxes[..., axis] = field.offset + units * field.stride
            boxes[..., axis + 2] = boxes[..., axis] + field.size
    return boxes


def cut_out(image: NDArray, box: NDArray[np.int64], out: NDArray) -> None:
    """Fills `out` with the part of `image` (C, H, W) in the box, as far as there is image."""
    top, left, bottom, right = box.tolist()
    rows = slice(max(top, 0), min(bottom, image.shape[1]))
    columns = slice(max(left, 0), min(right, image.shape[2]))
    inner = image[:, rows, columns]
    y, x = rows.start - top, columns.start - left
    out[:, y : y + inner.shape[1], x : x + inner.shape[2]] = inner


def batches(model: nn.Module, images: Images, size: int) -> Iterator[tuple[int, Tensor]]:
    """The images, `size` at a time, each batch with the number of its first."""
    for first in range(0, len(images), size):
        some = [images[number] for number in range(first, min(first + size, len(images)))]
        yield first, placed(model, torch.stack(some))


def check(maps: Tensor, channels: Sequence[int] | None, layer: str) -> list[int]:
    """The feature maps that are meant."""
    wanted = list(range(maps.shape[1])) if channels is None else list(channels)
    return [channel_of(maps, channel, layer) for channel in wanted]
