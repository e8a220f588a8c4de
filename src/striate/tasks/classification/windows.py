"""Several windows of one picture, and the mean of their probabilities.

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
from striate.inference import device_of, evaluating
from striate.models import Stages
from striate.models.resizing import slide
from striate.progress import stage
from striate.tasks.classification.predictor import Classifier

MARGIN = 256 / 224  # of the square that windows are taken from, by the side of a window
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Windows:
    """Which windows of a picture are averaged.

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
            raise ValueError("dense takes every window already; leave out the crops")
        if any(scale < 1 for scale in self.scales):
            raise ValueError(f"scales are sides in pixels, not {min(self.scales)}")

    @property
    def plain(self) -> bool:
        """Whether that is what a predictor does by itself."""
        return self.crops == 1 and not self.scales and not self.dense

    def views(self, view: View) -> tuple[View, ...]:
        """What has to be decoded for a predictor of this view.

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


def over_windows(
    predictor: Classifier,
    pixels: Mapping[View, Pixels],
    which: Windows,
    *,
    batch_size: int = 64,
) -> NDArray[np.float32]:
    """Mean probabilities (N, classes) over all windows of all scales.

    Args:
        pixels: (N, S, S, C) for each of `which.views(predictor.preprocessing.view)`.
    """
    views = which.views(predictor.preprocessing.view)
    model = slide(stages_of(predictor), share=True) if which.dense else predictor.model
    means: list[NDArray[np.float32]] = []
    with stage("evaluate", len(views) * len(pixels[views[0]])) as bar:
        for view in views:
            parts = []
            for first in range(0, len(pixels[view]), batch_size):
                some = np.ascontiguousarray(pixels[view][first : first + batch_size])
                if which.plain:
                    parts.append(predictor.answers(some, batch_size=batch_size)[0])
                else:
                    parts.append(_mean(predictor, model, some, which))
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
    predictor: Classifier, model: nn.Module, pixels: Pixels, which: Windows
) -> NDArray[np.float32]:
    """Over the windows of one scale."""
    images = predictor.preprocessing.tensor(pixels, device_of(model))
    total, count = torch.zeros(len(images), predictor.classes, dtype=torch.float64), 0
    with evaluating(model):
        for window in windows(images, predictor.preprocessing.view.size, which):
            logits = model(window.contiguous(memory_format=torch.channels_last))
            total += _probabilities(predictor, logits.cpu()).double()
            count += 1
    return (total / count).float().numpy()


def windows(images: Tensor, size: int, which: Windows) -> Iterator[Tensor]:
    """The windows (N, C, size, size) of images (N, C, S, S); where they are dense, the images and
    their mirror images."""
    if which.dense:
        yield images
        yield images.flip(3)
        return
    far, middle = images.shape[3] - size, (images.shape[3] - size) // 2
    corners = [(0, 0), (0, far), (far, 0), (far, far)] if which.crops == 10 else []
    for top, left in [*corners, (middle, middle)]:
        window = images[:, :, top : top + size, left : left + size]
        yield window
        if which.crops == 10:
            yield window.flip(3)


def _probabilities(predictor: Classifier, logits: Tensor) -> Tensor:
    """Calibrated (N, classes); of a map (N, classes, rows, columns) the mean over its places."""
    if logits.ndim == 2:
        return predictor.calibration(logits.float())
    return predictor.calibration(logits.float().flatten(2)).mean(2)


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
