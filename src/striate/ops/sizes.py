"""How many places a window takes on a side: the arithmetic of convolution and pooling."""

import math
from typing import Literal

from striate.errors import ModelError

Padding = int | Literal["valid", "same"]
Rounding = Literal["floor", "ceil"]


def output_size(
    size: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: Padding = "valid",
    dilation: int = 1,
    rounding: Rounding = "floor",
) -> int:
    """The places of a window along one side of a map.

    Args:
        size: the side, in pixels.
        kernel: the window's side.
        stride: pixels from one place to the next.
        padding: zeros on each of the two sides; "valid" is none; "same" gives one place for every
            `stride` pixels, ceil(size / stride), which the lecture writes floor((W - 1) / s) + 1.
        dilation: pixels from one tap of the window to the next.
        rounding: "ceil" also counts a last window that is not full, as Caffe's pooling does; one
            that would lie wholly in the padding is not counted.

    Raises:
        ModelError: if not even one window fits.

    >>> output_size(7, 3), output_size(7, 3, stride=2), output_size(8, 5, stride=2, padding="same")
    (5, 3, 4)
    """
    check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    if padding == "same":
        return math.ceil(size / stride)
    zeros = 0 if padding == "valid" else padding
    reach = (kernel - 1) * dilation + 1
    room = size + 2 * zeros - reach
    if zeros < 0 or room < 0:
        raise ModelError(
            f"a window of {reach} does not fit a side of {size} with padding {padding}"
        )
    if rounding == "ceil":
        places = math.ceil(room / stride) + 1
        return places - 1 if (places - 1) * stride >= size + zeros else places
    return room // stride + 1


def same_padding(size: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after a side that make padding "same"; an odd one goes behind (TensorFlow).

    >>> same_padding(224, 3, stride=2), same_padding(225, 3, stride=2)
    ((0, 1), (1, 1))
    """
    check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    reach = (kernel - 1) * dilation + 1
    zeros = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
    return zeros // 2, zeros - zeros // 2


def transposed_size(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, extra: int = 0, dilation: int = 1
) -> int:
    """The side that a transposed convolution makes of `size` places; `extra` pixels go behind.

    >>> transposed_size(output_size(7, 3, stride=2), 3, stride=2)
    7
    """
    check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    return (size - 1) * stride - 2 * padding + (kernel - 1) * dilation + 1 + extra


def check(**numbers: int) -> None:
    """Refuses what is not a positive number of pixels."""
    for name, number in numbers.items():
        if number < 1:
            raise ModelError(f"{name} must be 1 or more, not {number}")
