"""Several looks at one picture, and the mean of what is said of them.

- 10 crops (Krizhevsky et al. 2012, Section 4.1): the picture's central square is brought to 256
  pixels where the network takes 224; its four corners, its center, and their mirror images.
- scales (Simonyan & Zisserman 2015, Section 4.2): the same for squares of several sides.
- dense (Sermanet et al. 2014, Section 3.5; Simonyan & Zisserman 2015, Section 3.2): the full
  connections slide over the map of the whole square as the convolutions they are, and every place
  is a window. One pass, and its mirror image.

What is averaged are the calibrated probabilities of the windows, not their logits.

Dense equals cutting every window out, at the network's own steps, where the network pads nothing
(LeNet-5). Where it pads (AlexNet, VGG, ResNet), a window inside the picture sees its neighbors
where a cut-out one sees zeros; then dense equals the classifier run on every part of the picture's
last map that is as large as a window's.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.images import View
from striate.models import Stages
from striate.models.resizing import slide
from striate.progress import stage
from striate.recognizer import Recognizer
from striate.training import evaluating

MARGIN = 256 / 224  # of the square that windows are taken from, by the side of a window
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Looks:
    """How a picture is looked at.

    Attributes:
        crops: 1 (the view that was learned from) or 10.
        scales: sides in pixels of the squares that windows are taken from; where there is none, and
            more than one crop, the window's side times MARGIN.
        dense: every window that the network's own steps reach, in place of crops.

    Raises:
        ValueError: for other numbers of crops, or crops and dense at once.
    """

    crops: int = 1
    scales: tuple[int, ...] = ()
    dense: bool = False

    def __post_init__(self) -> None:
        if self.crops not in (1, 10):
            raise ValueError(f"crops are 1 or 10, not {self.crops}")
        if self.dense and self.crops != 1:
            raise ValueError("dense sees every window already; leave out the crops")
        if any(scale < 1 for scale in self.scales):
            raise ValueError(f"scales are sides in pixels, not {min(self.scales)}")

    @property
    def plain(self) -> bool:
        """Whether that is what a recognizer does by itself."""
        return self.crops == 1 and not self.scales and not self.dense

    def views(self, view: View) -> tuple[View, ...]:
        """What has to be decoded for a recognizer of this view.

        Raises:
            ModelError: if a square is smaller than a window.
        """
        if self.plain:
            return (view,)
        sides = self.scales or (round(view.size * MARGIN),)
        if min(sides) < view.size:
            raise ModelError(
                f"a square of {min(sides)} pixels holds no window of {view.size}; "
                "take a larger scale"
            )
        return tuple(View(side, view.channels, view.fit, 1.0) for side in sides)


def looked_at(
    recognizer: Recognizer,
    pixels: Mapping[View, Pixels],
    looks: Looks,
    *,
    batch_size: int = 64,
) -> NDArray[np.float32]:
    """Mean probabilities (N, classes) over all windows of all scales.

    Args:
        pixels: (N, S, S, C) for each of `looks.views(recognizer.preprocessing.view)`.
    """
    views = looks.views(recognizer.preprocessing.view)
    model = slide(stages_of(recognizer), share=True) if looks.dense else recognizer.model
    means: list[NDArray[np.float32]] = []
    with stage("evaluate", len(views) * len(pixels[views[0]])) as bar:
        for view in views:
            parts = []
            for first in range(0, len(pixels[view]), batch_size):
                some = np.ascontiguousarray(pixels[view][first : first + batch_size])
                if looks.plain:
                    parts.append(recognizer.probabilities(some, batch_size=batch_size))
                else:
                    parts.append(_mean(recognizer, model, some, looks))
                bar.advance(len(some))
            means.append(np.concatenate(parts))
    return averaged(means)


def averaged(answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of several answers (N, classes) to the same pictures."""
    total = np.zeros(answers[0].shape)
    for answer in answers:
        total += answer
    return (total / len(answers)).astype(np.float32)


def _mean(
    recognizer: Recognizer, model: nn.Module, pixels: Pixels, looks: Looks
) -> NDArray[np.float32]:
    """Over the windows of one scale."""
    images = recognizer.preprocessing.tensor(pixels)
    total, count = torch.zeros(len(images), len(recognizer.classes), dtype=torch.float64), 0
    with evaluating(model):
        for window in windows(images, recognizer.preprocessing.view.size, looks):
            logits = model(window.contiguous(memory_format=torch.channels_last))
            total += _probabilities(recognizer, logits).double()
            count += 1
    return (total / count).float().numpy()


def windows(images: Tensor, size: int, looks: Looks) -> Iterator[Tensor]:
    """The windows (N, C, size, size) of images (N, C, S, S); of dense looks the images and their
    mirror images."""
    if looks.dense:
        yield images
        yield images.flip(3)
        return
    far, middle = images.shape[3] - size, (images.shape[3] - size) // 2
    corners = [(0, 0), (0, far), (far, 0), (far, far)] if looks.crops == 10 else []
    for top, left in [*corners, (middle, middle)]:
        window = images[:, :, top : top + size, left : left + size]
        yield window
        if looks.crops == 10:
            yield window.flip(3)


def _probabilities(recognizer: Recognizer, logits: Tensor) -> Tensor:
    """Calibrated (N, classes); of a map (N, classes, rows, columns) the mean over its places."""
    if logits.ndim == 2:
        return recognizer.calibration(logits.float())
    return recognizer.calibration(logits.float().flatten(2)).mean(2)


def stages_of(recognizer: Recognizer) -> Stages:
    """The network, knowing the size it was learned at.

    Raises:
        ModelError: if it is none of ours, and its full connections are not known.
    """
    if not isinstance(recognizer.model, Stages):
        raise ModelError("dense evaluation takes the networks of `striate models`, not this one")
    model = copy(recognizer.model)  # its layers are the same, and stay
    model.image_size = recognizer.preprocessing.view.size
    return model
