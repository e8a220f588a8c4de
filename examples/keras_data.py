"""The one line of the Keras programs that is not the lectures': where the digits come from."""

import numpy as np

from striate import data
from striate.images import View

Arrays = tuple[np.ndarray, np.ndarray]


def load_data(word: str) -> tuple[Arrays, Arrays]:
    """A set of digits in the form of `keras.datasets.mnist.load_data`.

    Args:
        word: whatever `striate.data.open` opens; "digits" needs no network.

    Returns:
        Images (N, 28, 28) uint8 and labels (N,), to learn from and to test on.
    """
    view = View(28, channels=1, fit="squash")
    decoded = data.decode(data.open(word), [view])
    pixels, targets = decoded.pixels[view][..., 0], decoded.dataset.targets.numbers
    test = decoded.dataset.split == data.SPLITS.index("test")
    return (pixels[~test], targets[~test]), (pixels[test], targets[test])
