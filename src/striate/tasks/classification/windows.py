"""Several windows of one picture, and the mean of their probabilities.

- 10 crops (Krizhevsky et al. 2012, Section 4.1): the picture's central square is brought to 256
  pixels where the network takes 224; its four corners, its center, and their mirror images.
- 50 crops (Simonyan & Zisserman 2015, Section 3.2): a regular grid of 5 x 5 windows over the whole
  picture, whose shorter side is 256, and their mirror images.
- 144 crops (Szegedy et al. 2015, Section 7): the shorter side is 256, 288, 320 and 352; of each the
  left, central and right square (upper, central and lower); of each square the four corners, the
  center and the square itself brought to 224; and the mirror images of all.
- scales: other sides than these; every side gives as many windows as one of the paper's.
- dense (Sermanet et al. 2014, Section 3.5; Simonyan & Zisserman 2015, Section 3.2): the full
  connections slide over the map of the whole picture as the convolutions they are, and every place
  is a window. One pass, and its mirror image.
- offsets (Sermanet et al. 2014, Section 3.3): with dense, the last pooling begins at every offset.
- places (the same): with dense, of each class the mean over all places, or its maximum; maxima are
  scaled so that those of all classes sum to 1, which leaves their order.

What is averaged are the calibrated probabilities of the windows, not their logits. A network that
learned from squashed or padded pictures reads those: their square is then the whole picture.

Dense equals cutting every window out, at the network's own steps, where the network pads nothing
(LeNet-5). Where it pads (AlexNet, VGG, ResNet), a window inside the picture sees its neighbors
where a cut-out one sees zeros; then dense equals the classifier run on every part of the picture's
last map that is as large as a window's.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import images as pictures
from striate.errors import ModelError, UserError
from striate.images import View
from striate.inference import device_of, evaluating
from striate.models import Stages
from striate.models.resizing import slide
from striate.tasks.classification.predictor import Classifier
from striate.tasks.contract import Input, Predictor
from striate.tasks.labels.answers import Answer

FINE = 2  # pixels of a JPEG that are decoded for each that is needed
PUBLISHED = 224  # the side of a window in the papers; others are in proportion
SIDES = {1: (256,), 10: (256,), 50: (256,), 144: (256, 288, 320, 352)}
OPTIONS = frozenset({"crops", "scales", "dense", "offsets", "places"})
Places = Literal["mean", "max"]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Windows:
    """Which windows of a picture are averaged.

    Attributes:
        crops: 1 (the view that was learned from), 10, 50 or 144.
        scales: sides in pixels to which the shorter side of a picture is brought; where there is
            none, the paper's.
        dense: every window that the network's own steps reach, in place of crops.
        offsets, places: of dense windows.

    Raises:
        ValueError: for other numbers of crops, or what does not go together.
    """

    crops: int = 1
    scales: tuple[int, ...] = ()
    dense: bool = False
    offsets: bool = False
    places: Places = "mean"

    def __post_init__(self) -> None:
        if self.crops not in SIDES:
            raise ValueError(f"crops are 1, 10, 50 or 144, not {self.crops}")
        if self.dense and self.crops != 1:
            raise ValueError("dense takes every window already; leave out the crops")
        if any(scale < 1 for scale in self.scales):
            raise ValueError(f"scales are sides in pixels, not {min(self.scales)}")
        if self.places not in get_args(Places):
            raise ValueError(f"places are {' or '.join(get_args(Places))}, not {self.places!r}")
        if not self.dense and (self.offsets or self.places != "mean"):
            raise ValueError("offsets and places are those of a dense evaluation: ask for it, too")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Windows":
        """The windows that the options of a command ask for.

        Raises:
            UserError: if they contradict each other.
        """
        try:
            return cls(
                int(options.get("crops") or 1),
                tuple(options.get("scales") or ()),
                bool(options.get("dense")),
                bool(options.get("offsets")),
                options.get("places") or "mean",
            )
        except ValueError as error:
            raise UserError(str(error)) from error

    @property
    def plain(self) -> bool:
        """Whether that is what a predictor does by itself."""
        return self.crops == 1 and not self.scales and not self.dense

    @property
    def whole(self) -> bool:
        """Whether windows lie anywhere in the picture, not in its central square alone."""
        return self.dense or self.crops in (50, 144)

    def sides(self, size: int) -> tuple[int, ...]:
        """Of the pictures that windows of `size` pixels are taken from.

        Raises:
            ModelError: if one of them is smaller than a window.
        """
        sides = self.scales or tuple(round(each * size / PUBLISHED) for each in SIDES[self.crops])
        if min(sides) < size:
            raise ModelError(
                f"a square of {min(sides)} pixels holds no window of {size}; take a larger scale"
            )
        return sides


class Prepared(NamedTuple):
    """A picture in the predictor's own view (S, S, C), and (h, w, C) at each scale."""

    view: Pixels
    scaled: tuple[Pixels, ...]


class Windowed(Predictor):
    """A classifier that answers with the mean over several windows.

    Whether a picture is one of the classes is decided on the view that was learned from.

    Raises:
        UserError: if it is an export, or computed by another engine than torch.
        ModelError: if a scale is too small, or the network cannot slide.
    """

    kind: ClassVar[str] = "windowed"
    largest_batch = 16

    def __init__(self, predictor: Predictor, which: Windows):
        if not isinstance(predictor, Classifier) or predictor.engine != "torch":
            raise UserError(
                "windows of a picture are for recognizers computed by torch: leave them out"
            )
        self.of, self.which = predictor, which
        view = predictor.preprocessing.view
        self.sides = which.sides(view.size)
        self.whole = which.whole and view.fit == "crop"
        self._model = predictor.model
        if which.dense:
            self._model = slide(stages_of(predictor), share=True, offsets=which.offsets)

    @property
    def parameters(self) -> int:
        return self.of.parameters

    def prepare(self, item: Input) -> Prepared:
        view = self.of.preprocessing.view
        squares = [replace(view, size=side, fraction=1.0) for side in self.sides]
        views = [view] if self.whole else [view, *squares]
        if isinstance(item, str | os.PathLike):
            item = pictures.load(item)
        if isinstance(item, bytes):
            own, *others = pictures.render(item, views)
        else:
            item = pictures.to_rgb(np.asarray(item))
            own, *others = (pictures.apply(item, each) for each in views)
        if self.whole:
            least = FINE * max(self.sides)
            if isinstance(item, bytes):
                pixels = pictures.decode(item, at_least=least, bits=view.bits)
            else:
                pixels = item
            others = [pictures.scaled(pixels, side, view.channels) for side in self.sides]
        return Prepared(own, tuple(others))

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        answer = self._dense if self.which.dense else self._cut
        scales = zip(*(one.scaled for one in batch), strict=True)
        total = torch.stack([answer(scale) for scale in scales]).mean(0)
        probabilities = (total / total.sum(1, keepdim=True)).float().numpy()
        known = [True] * len(batch)
        if self.of.refuses:
            known = [one.known for one in self.of.predict([each.view for each in batch])]
        return [Answer(row, one) for row, one in zip(probabilities, known, strict=True)]

    def _cut(self, scale: Sequence[Pixels]) -> Tensor:
        """Of pictures at one scale, over their windows: (N, classes)."""
        size, mirrored = self.of.preprocessing.view.size, self.which.crops > 1
        windows = zip(*(cut(each, size, self.which.crops) for each in scale), strict=True)
        answers = [
            self._probabilities(images)
            for some in windows
            for images in self._images(np.stack(some), mirrored=mirrored)
        ]
        return torch.stack(answers).mean(0)

    def _dense(self, scale: Sequence[Pixels]) -> Tensor:
        """Of pictures at one scale, over all places: (N, classes)."""
        shapes: dict[tuple[int, ...], list[int]] = {}
        for number, each in enumerate(scale):
            shapes.setdefault(each.shape, []).append(number)
        found = torch.empty(len(scale), self.of.classes, dtype=torch.float64)
        for numbers in shapes.values():
            both = self._images(np.stack([scale[k] for k in numbers]), mirrored=True)
            found[numbers] = torch.stack([self._probabilities(images) for images in both]).mean(0)
        return found

    def _images(self, pixels: Pixels, *, mirrored: bool) -> Iterator[Tensor]:
        """What the network reads: (N, C, h, w), and the mirror images."""
        images = self.of.preprocessing.tensor(pixels, device_of(self._model))
        yield images
        if mirrored:
            yield images.flip(3)

    def _probabilities(self, images: Tensor) -> Tensor:
        """Calibrated (N, classes); of a map of logits (N, classes, rows, columns) the mean or the
        maximum over its places."""
        with evaluating(self._model):
            logits = self._model(images.contiguous(memory_format=torch.channels_last)).cpu().float()
        if logits.ndim == 2:
            return self.of.calibration(logits).double()
        each = self.of.calibration(logits.flatten(2)).double()
        return each.amax(2) if self.which.places == "max" else each.mean(2)

    def to(self, device: str) -> None:
        raise ModelError("windows are computed where their recognizer was; move that")

    def tensors(self) -> dict[str, Tensor]:
        return self.of.tensors()

    def header(self) -> dict[str, Any]:
        raise ModelError("windows are no part of a file; save the recognizer that they are for")

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        raise ValueError("windows are no part of a file")


def cut(picture: Pixels, size: int, crops: int) -> Iterator[Pixels]:
    """The windows (size, size, C) of a picture (h, w, C), without their mirror images."""
    if crops == 144:
        for square in squares(picture):
            yield from corners_and_center(square, size)
            view = View(size, picture.shape[2], fit="squash")
            yield pictures.apply(pictures.to_rgb(square), view)
    elif crops == 50:
        tops, lefts = (
            [round(k * (side - size) / 4) for k in range(5)] for side in picture.shape[:2]
        )
        for top in tops:
            for left in lefts:
                yield picture[top : top + size, left : left + size]
    elif crops == 10:
        yield from corners_and_center(picture, size)
    else:
        *_, center = corners_and_center(picture, size)
        yield center


def squares(picture: Pixels) -> Iterator[Pixels]:
    """The left, central and right square of a picture, or the upper, central and lower one."""
    height, width = picture.shape[:2]
    side, room = min(height, width), abs(height - width)
    for first in (0, room // 2, room):
        part = slice(first, first + side)
        yield picture[:, part] if width > height else picture[part]


def corners_and_center(picture: Pixels, size: int) -> Iterator[Pixels]:
    """Five windows of a picture."""
    below, right = (side - size for side in picture.shape[:2])
    corners = [(0, 0), (0, right), (below, 0), (below, right)]
    for top, left in [*corners, (below // 2, right // 2)]:
        yield picture[top : top + size, left : left + size]


def averaged(answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of several answers (N, classes) to the same pictures."""
    total = np.zeros(answers[0].shape)
    for answer in answers:
        total += answer
    return (total / len(answers)).astype(np.float32)


def stages_of(predictor: Classifier) -> Stages:
    """The network, with the size that it was learned at.

    Raises:
        ModelError: if it is not one of ours, and its full connections are not known.
    """
    if not isinstance(predictor.model, Stages):
        raise ModelError("dense evaluation takes the networks of `striate models`, not this one")
    model = copy(predictor.model)  # its layers are the same, and stay
    model.image_size = predictor.preprocessing.view.size
    return model
