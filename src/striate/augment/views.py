"""Views in testing: what a network says of an image is the mean of what it says of its views."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Generator, Tensor

from striate.augment.augmentation import Augmentation


def mirrored(images: Tensor) -> Iterator[Tensor]:
    """The images (N, C, H, W) and their mirror images."""
    yield images
    yield images.flip(3)


def ten_crops(images: Tensor, size: int) -> Iterator[Tensor]:
    """The four corners and the middle, each also mirrored: ten times (N, C, size, size).

    Krizhevsky, Sutskever and Hinton 2012, Section 4.1: 224 of 256 pixels.

    Raises:
        ValueError: if the images are smaller than `size`.
    """
    height, width = images.shape[2:]
    if size < 1 or min(height, width) < size:
        raise ValueError(f"windows of {size} pixels do not fit in images of {height} x {width}")
    bottom, right = height - size, width - size
    corners = ((0, 0), (0, right), (bottom, 0), (bottom, right))
    for top, left in (*corners, (bottom // 2, right // 2)):
        yield from mirrored(images[:, :, top : top + size, left : left + size])


def drawn_views(
    images: Tensor, augmentation: Augmentation, count: int, *, seed: int = 0
) -> Iterator[Tensor]:
    """`count` views (N, C, H, W) in [0, 255]: the images as they are, then random ones.

    All images share the numbers of a view, so what is said of one does not depend on which others
    are in its batch.
    """
    generator = Generator().manual_seed(seed)
    still = Augmentation(size=augmentation.size)
    for number in range(count):
        draw = (augmentation if number else still).drawn(1, images.shape[2:], generator)
        yield draw.repeated(len(images))(images)


def averaged(predict: Callable[[Tensor], Tensor], views: Iterable[Tensor]) -> Tensor:
    """The mean over the views of what `predict` gives for each, such as probabilities (N, classes).

    Raises:
        ValueError: if there are no views.
    """
    total, count = None, 0
    for view in views:
        answer = predict(view)
        total = answer.clone() if total is None else total.add_(answer)
        count += 1
    if total is None:
        raise ValueError("there is no view to average over")
    return torch.div(total, count)
