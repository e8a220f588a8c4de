"""Counting: parameters, neurons and multiply-adds of a layer.

A multiply-add is one product added to a sum: what papers call a FLOP, or half of one. Biases,
rectifiers, pooling and normalization are not counted, as in the papers.
"""


def convolution_parameters(
    inputs: int, outputs: int, kernel: tuple[int, int], *, groups: int = 1, bias: bool = True
) -> int:
    """Weights of `outputs` filters that each see inputs / groups channels, and their biases.

    >>> convolution_parameters(3, 96, (11, 11))
    34944
    """
    rows, columns = kernel
    return outputs * (inputs // groups * rows * columns + bias)


def convolution_multiply_adds(
    inputs: int, outputs: int, kernel: tuple[int, int], size: tuple[int, int], *, groups: int = 1
) -> int:
    """Each of the outputs x rows x columns numbers of the map costs one product a weight.

    >>> convolution_multiply_adds(3, 96, (11, 11), (55, 55))
    105415200
    """
    return convolution_parameters(inputs, outputs, kernel, groups=groups, bias=False) * neurons(
        1, size
    )


def linear_parameters(inputs: int, outputs: int, *, bias: bool = True) -> int:
    """A full connection: every output reads every input.

    >>> linear_parameters(784, 10)
    7850
    """
    return outputs * (inputs + bias)


def neurons(channels: int, size: tuple[int, int]) -> int:
    """The numbers a map holds.

    >>> neurons(96, (55, 55))
    290400
    """
    rows, columns = size
    return channels * rows * columns
