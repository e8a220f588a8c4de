"""Counting what a window reads."""

from striate.ops.sizes import check


def taps(
    size: int, kernel: int, *, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """How many taps of a window lie on a side and not on its padding, over all the window's places.

    Args:
        size: the side, in pixels.
        kernel: taps of the window.
        padding: before and behind.

    >>> taps(7, 3), taps(7, 3, padding=(1, 1))  # five places of 3; seven, two of which lack one
    (15, 19)
    """
    check(size=size, kernel=kernel, stride=stride, dilation=dilation)
    before, behind = padding
    reach = (kernel - 1) * dilation + 1
    starts = range(-before, size + behind - reach + 1, stride)
    return sum(0 <= start + tap * dilation < size for start in starts for tap in range(kernel))
