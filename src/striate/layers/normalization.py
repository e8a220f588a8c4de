"""Local response normalization (Krizhevsky, Sutskever & Hinton 2012, Section 3.3).

    y_i = x_i d_i^-beta,   d_i = k + alpha / size * (sum of x_j^2 over the `size` channels around i)

On a processor the formula is bound by memory, not by arithmetic: a fresh tensor costs more than all
the roots. So the fast form makes one tensor forward and one backward, the results, and computes d
anew for the gradient instead of keeping it. Everything in between lives in buffers the size of a
cache. Whole pieces of the batch go to the threads, in NumPy, which needs no other thread to finish
an operation: many small parallel operations, all waiting for the slowest thread, take a hundred
times as long on a machine that is busy with something else.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError

CACHED = 1 << 17  # numbers in a piece: three buffers of half a MiB stay near their core
PAPERS_ALPHA = 1e-4  # of the sum of squares
KEPT = 32 << 20  # bytes; glibc hands a larger block back when it is freed, and fetches it anew

Piece = tuple[slice, ...]


class LocalResponseNorm(nn.Module):
    """Divides every activation by the energy of its neighbors in channel, at the same place.

    Without arguments it is the paper's: n = 5, k = 2, alpha = 1e-4, beta = 0.75. The alpha of the
    paper and of TensorFlow multiplies the sum of squares; `alpha` here multiplies their mean, as in
    `torch.nn.LocalResponseNorm` and in Caffe, so the paper's 1e-4 is `alpha=5e-4` with five
    channels. Caffe's published AlexNet is `LocalResponseNorm(alpha=1e-4, k=1)`.

    Args:
        size: channels in the window. An even one reaches one channel further back than forward.
        alpha: weight of the mean square; where None, the paper's 1e-4 of the sum.
        beta: exponent. 0.75 and 0.5 take roots; every other one calls a power function, slowly.
        k: what is always added; positive.

    Raises:
        ModelError: `size` below 1, or `k` not positive.
    """

    def __init__(
        self, size: int = 5, *, alpha: float | None = None, beta: float = 0.75, k: float = 2.0
    ):
        if size < 1:
            raise ModelError(f"a normalization window needs 1 channel or more, not size={size}")
        if k <= 0:
            raise ModelError(f"k={k} lets the divisor be zero; give a positive number")
        super().__init__()
        self.size, self.beta, self.k = size, beta, k
        self.alpha = PAPERS_ALPHA * size if alpha is None else alpha

    def forward(self, activations: Tensor) -> Tensor:
        """(N, C, *) to the same shape and layout. Half precision computes in single."""
        x = activations
        if x.ndim < 3:
            raise ModelError(f"local response normalization reads (N, C, *), not {tuple(x.shape)}")
        if x.dtype in (torch.float16, torch.bfloat16):
            return self.forward(x.float()).to(x.dtype)
        plain = (
            x.device.type != "cpu"
            or type(x) not in (Tensor, nn.Parameter)
            or torch.compiler.is_compiling()  # exporters too, who want one formula for any batch
            or torch.jit.is_tracing()
        )
        normalize = normalize_plainly if plain else _Normalize.apply
        return normalize(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def normalize_plainly(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """The formula as it stands: for accelerators and exported networks."""
    channels = x.shape[1]
    padded = F.pad(x * x, [0, 0] * (x.ndim - 2) + [size // 2, (size - 1) // 2])
    total = padded.narrow(1, 0, channels)
    for start in range(1, size):
        total = total + padded.narrow(1, start, channels)
    return x * (k + alpha / size * total) ** -beta


class _Normalize(torch.autograd.Function):
    """The fast form. A gradient that shall be differentiated again goes by the plain one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.settings = size, alpha, beta, k
        result = fresh(x)
        inputs, outputs = x.detach().numpy(), result.numpy()

        def work(piece: Piece) -> None:
            divisor, spare = divisors(inputs[piece], size, alpha / size, k)
            power(divisor, beta, out=spare)
            np.divide(inputs[piece], spare.channels, out=outputs[piece])

        spread(work, pieces(inputs))
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        # dE/dx_j = g_j d_j^-beta - 2 beta alpha/size x_j sum_i g_i x_i d_i^(-beta-1),
        # over the i whose window holds j: the window mirrored.
        (x,) = ctx.saved_tensors
        size, alpha, beta, k = ctx.settings
        if torch.is_grad_enabled():  # by create_graph=True
            y = normalize_plainly(x, size, alpha, beta, k)
            return *torch.autograd.grad(y, x, gradient, create_graph=True), None, None, None, None
        result = fresh(x)
        inputs, errors, outputs = x.detach().numpy(), gradient.numpy(), result.numpy()

        def work(piece: Piece) -> None:
            x_, out = inputs[piece], outputs[piece]
            divisor, spare = divisors(x_, size, alpha / size, k)
            power(divisor, beta, out=spare)
            np.divide(errors[piece], spare.channels, out=out)
            np.multiply(out, x_, out=spare.channels)
            spare.margin[...] = 0
            spare.flat /= divisor.flat
            spare.flat *= -2 * beta * alpha / size
            total = divisor
            np.copyto(total.flat, spare.flat)
            add_neighbors(total, spare, before=(size - 1) // 2, after=size // 2)
            total.channels *= x_
            out += total.channels

        spread(work, pieces(inputs))
        return result, None, None, None, None


class Buffer:
    """Numbers in the layout of x, with room for zeros behind the last channel.

    A window that runs over the channels of a place then finds zeros, in whatever order the memory
    has them; so a whole buffer is added to another in one go, shifted by a channel.

    Attributes:
        flat: everything, in the order of memory.
        channels: a view of the shape of x.
        margin: a view of what lies behind the last channel.
        stride: numbers from one channel to the next.
    """

    def __init__(self, x: np.ndarray, margin: int):
        order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
        sides = [x.shape[axis] + (margin if axis == 1 else 0) for axis in order]
        memory = np.empty(sides, x.dtype)
        whole = memory.transpose(np.argsort(order))
        self.flat = memory.reshape(-1)
        self.channels, self.margin = whole[:, : x.shape[1]], whole[:, x.shape[1] :]
        self.stride = whole.strides[1] // x.itemsize


def divisors(x: np.ndarray, size: int, weight: float, k: float) -> tuple[Buffer, Buffer]:
    """k + weight * (the window's sum of x^2), and a second buffer that may be written to."""
    reach = min(size // 2, x.shape[1] - 1)
    square, total = Buffer(x, reach), Buffer(x, reach)
    np.multiply(x, x, out=square.channels)
    square.margin[...] = 0
    square.flat *= weight
    np.add(square.flat, k, out=total.flat)
    add_neighbors(total, square, before=size // 2, after=(size - 1) // 2)
    return total, square


def add_neighbors(total: Buffer, x: Buffer, *, before: int, after: int) -> None:
    """Adds to a channel of `total` the `before` channels of x before it and `after` after it.

    The margin of x holds zeros.
    """
    reach = x.margin.shape[1]
    for shift in range(x.stride, x.stride * min(before, reach) + 1, x.stride):
        total.flat[shift:] += x.flat[:-shift]
    for shift in range(x.stride, x.stride * min(after, reach) + 1, x.stride):
        total.flat[:-shift] += x.flat[shift:]


def power(x: Buffer, beta: float, *, out: Buffer) -> None:
    """x^beta. Two roots cost a tenth of what a power function does."""
    if beta == 0.75:
        np.sqrt(x.flat, out=out.flat)
        out.flat *= np.sqrt(out.flat)
    elif beta == 0.5:
        np.sqrt(x.flat, out=out.flat)
    else:
        np.power(x.flat, beta, out=out.flat)


def pieces(x: np.ndarray) -> list[Piece]:
    """Indices that cut x into images, or rows of one, that fit the cache; all channels in each."""
    if x.size <= CACHED:
        return [(slice(None),)] if x.size else []
    images, _, rows = x.shape[:3]
    deep = max(CACHED * images // x.size, 1)
    tall = min(max(CACHED * images * rows // x.size, 1), rows)
    return [
        (slice(image, image + deep), slice(None), slice(row, row + tall))
        for image in range(0, images, deep)
        for row in range(0, rows, tall)
    ]


def spread(work: Callable[[Piece], None], parts: list[Piece]) -> None:
    """Does every part, on as many threads as torch may use."""

    def quietly(part: Piece) -> None:
        with np.errstate(all="ignore"):  # what is infinite stays so, as everywhere in torch
            work(part)

    threads = min(torch.get_num_threads(), len(parts))
    if threads <= 1:
        for part in parts:
            quietly(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(quietly, parts))  # the list raises what a thread raised


def fresh(x: Tensor) -> Tensor:
    """An empty tensor like x. A large one asks for large pages: fetching small ones takes longer
    than computing what goes in."""
    tensor = torch.empty_like(x)
    if sys.platform == "linux" and tensor.nbytes > KEPT:
        start = -tensor.data_ptr() % mmap.PAGESIZE
        address, length = ctypes.c_void_p(tensor.data_ptr() + start), tensor.nbytes - start
        # A hint: where it is refused, nothing changes.
        ctypes.CDLL(None).madvise(address, ctypes.c_size_t(length), mmap.MADV_HUGEPAGE)
    return tensor
