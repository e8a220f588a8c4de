"""Back-propagation through convolution and pooling, in plain NumPy, to be read beside the formulas.

One image X, one filter F, O their convolution, E the error:

    O_ij = sum_ab F_ab X_(i+a, j+b)                                        the forward pass
    dE/dF_ab = sum_ij dE/dO_ij X_(i+a, j+b)     X convolved with dE/dO, "valid"
    dE/dX_ij = sum_ab dE/dO_(i-a, j-b) F_ab     dE/dO convolved with F turned by 180 degrees, "full"

So all three are one operation, `convolve`. Max pooling hands the error to where the maximum came
from; average pooling hands every pixel of the window its share. With a stride s, s - 1 zeros stand
between the numbers of dE/dO; with padding, the border of dE/dX is cut off again. As everywhere in
this field, "convolution" does not turn the filter: it is the mathematician's correlation.

Arrays are float64: images (N, C, H, W), filters (K, C, n, m), outputs (N, K, rows, columns).
The reference that autograd is checked against; for anything larger than a page use `torch`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


def convolve(
    images: np.ndarray, filters: np.ndarray, *, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """O_ij = sum_ab F_ab X_(i+a, j+b), summed over channels.

    Args:
        images: (N, C, H, W).
        filters: (K, C, n, m).
        stride: pixels from window to window.
        padding: zeros around each image.

    Returns:
        (N, K, (H + 2 padding - n) // stride + 1, (W + 2 padding - m) // stride + 1).

    >>> X = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    >>> F = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> convolve(X, F)[0, 0].tolist()
    [[37.0, 47.0], [67.0, 77.0]]
    """
    X = surrounded(images, padding)
    rows, columns = output_size(X, filters.shape[2:], stride)
    outputs = np.zeros((len(X), len(filters), rows, columns))
    for a, b in np.ndindex(filters.shape[2:]):
        seen = X[:, :, a : a + stride * rows : stride, b : b + stride * columns : stride]
        outputs += np.einsum("kc,ncij->nkij", filters[:, :, a, b], seen)
    return outputs


class Gradients(NamedTuple):
    """How the error changes with each input of a convolution, and each shaped like it."""

    images: np.ndarray
    filters: np.ndarray
    biases: np.ndarray  # (K,), one number added to every output of a filter


def convolve_backward(
    images: np.ndarray,
    filters: np.ndarray,
    errors: np.ndarray,
    *,
    stride: int = 1,
    padding: int = 0,
) -> Gradients:
    """dE/dX, dE/dF and dE/db of `convolve`, given dE/dO.

    Args:
        images, filters, stride, padding: what `convolve` was given.
        errors: dE/dO, (N, K, rows, columns).
    """
    X = surrounded(images, padding)
    height, width = filters.shape[2:]
    spread = spaced(errors, stride)

    # dE/dF: the valid convolution of X with dE/dO. Images take the part of channels and channels
    # that of images, for the sum goes over images. Rows that no window reached give extra rows.
    F = convolve(X.swapaxes(0, 1), spread.swapaxes(0, 1)).swapaxes(0, 1)[:, :, :height, :width]

    # dE/dX: the full convolution of dE/dO with the filter turned by 180 degrees. Full means that
    # the filter starts where only its last corner touches: n - 1 zeros all around.
    turned = filters[:, :, ::-1, ::-1].swapaxes(0, 1)
    full = convolve(surrounded(spread, height - 1, width - 1), turned)
    reached = np.zeros_like(X)
    reached[:, :, : full.shape[2], : full.shape[3]] = full
    return Gradients(without_border(reached, padding), F, errors.sum(axis=(0, 2, 3)))


def max_pool(images: np.ndarray, size: int, *, stride: int, padding: int = 0) -> np.ndarray:
    """The largest number of each size x size window; padding is never the largest."""
    X = surrounded(images, padding, value=-np.inf)
    outputs = np.empty((*X.shape[:2], *output_size(X, (size, size), stride)))
    for place, window in windows(X, size, stride, outputs.shape):
        outputs[place] = window.max()
    return outputs


def max_pool_backward(
    images: np.ndarray, size: int, errors: np.ndarray, *, stride: int, padding: int = 0
) -> np.ndarray:
    """dE/dX: the error of a window goes to where its maximum came from, the first of equals.

    Where windows overlap, a pixel may be the maximum of several and takes the sum of their errors.
    """
    X = surrounded(images, padding, value=-np.inf)
    result = np.zeros_like(X)
    for (place, window), (_, share) in zip(
        windows(X, size, stride, errors.shape),
        windows(result, size, stride, errors.shape),
        strict=True,
    ):
        share[np.unravel_index(window.argmax(), window.shape)] += errors[place]
    return without_border(result, padding)


def average_pool(images: np.ndarray, size: int, *, stride: int, padding: int = 0) -> np.ndarray:
    """The mean of each size x size window, the zeros of the padding counted in."""
    X = surrounded(images, padding)
    outputs = np.empty((*X.shape[:2], *output_size(X, (size, size), stride)))
    for place, window in windows(X, size, stride, outputs.shape):
        outputs[place] = window.mean()
    return outputs


def average_pool_backward(
    images: np.ndarray, size: int, errors: np.ndarray, *, stride: int, padding: int = 0
) -> np.ndarray:
    """dE/dX: every pixel of a window gets an equal share of its error."""
    result = np.zeros_like(surrounded(images, padding))
    for place, share in windows(result, size, stride, errors.shape):
        share += errors[place] / size**2
    return without_border(result, padding)


def output_size(X: np.ndarray, window: tuple[int, ...], stride: int) -> tuple[int, int]:
    """floor((W - n) / s) + 1, for rows and columns."""
    rows, columns = ((X.shape[2 + i] - window[i]) // stride + 1 for i in range(2))
    return rows, columns


def windows(
    X: np.ndarray, size: int, stride: int, shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """For every place of an output of that shape, its index and its window, a view of X."""
    for n, c, i, j in np.ndindex(*shape):
        top, left = i * stride, j * stride
        yield (n, c, i, j), X[n, c, top : top + size, left : left + size]


def surrounded(
    X: np.ndarray, rows: int, columns: int | None = None, *, value: float = 0.0
) -> np.ndarray:
    """X with so many rows above and below, and as many or so many columns left and right."""
    columns = rows if columns is None else columns
    around = ((0, 0), (0, 0), (rows, rows), (columns, columns))
    return np.pad(np.asarray(X, dtype=float), around, constant_values=value)


def without_border(X: np.ndarray, padding: int) -> np.ndarray:
    """What `surrounded` added, cut off."""
    return X[:, :, padding : X.shape[2] - padding, padding : X.shape[3] - padding]


def spaced(errors: np.ndarray, stride: int) -> np.ndarray:
    """The errors with stride - 1 zeros between neighbors."""
    rows, columns = (stride * (side - 1) + 1 for side in errors.shape[2:])
    result = np.zeros((*errors.shape[:2], rows, columns))
    result[:, :, ::stride, ::stride] = errors
    return result
