"""`layers.pooled_convolution` by the loops of pooled.c, which check nothing: this does."""

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_int, c_size_t, c_void_p
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.native import level, library


class Shape(ctypes.Structure):
    """x (H, C, W, N) and filters (O, C, k, m), as in pooled.c."""

    _fields_ = tuple((letter, c_int) for letter in "HCWNOkm")


class Kernels(NamedTuple):
    """The functions for this processor, and how many images one of its vectors holds."""

    forward: Callable[..., None]
    backward: Callable[..., None]
    memory: Callable[..., int]
    lanes: int


class Pooled(NamedTuple):
    """What the gradients need of a forward pass, images padded to whole vectors."""

    shape: Shape
    x: Tensor
    packed: Tensor
    places: Tensor


def kernels() -> Kernels | None:
    """They, or None where they were not compiled."""
    compiled = library("pooled")
    return None if compiled is None else _for_vectors(compiled, level())


@cache
def _for_vectors(compiled: ctypes.CDLL, kind: str) -> Kernels:
    forward, backward, memory, lanes = (
        getattr(compiled, f"pooled_{name}_{kind}")
        for name in ("forward", "backward", "memory", "lanes")
    )
    shape = POINTER(Shape)
    forward.argtypes = [shape, *[c_void_p] * 3, c_int, *[c_void_p] * 3]
    forward.restype = None
    backward.argtypes, backward.restype = [shape, *[c_void_p] * 8, c_int], None
    memory.argtypes, memory.restype = [shape], c_size_t
    return Kernels(forward, backward, memory, lanes())


def suits(*tensors: Tensor | None) -> bool:
    """Whether the compiled loops take these: single precision on the processor."""
    return kernels() is not None and all(
        each is None or (each.dtype == torch.float32 and each.device.type == "cpu")
        for each in tensors
    )


def forward(
    x: Tensor, weight: Tensor, bias: Tensor | None, *, rectify: bool = False
) -> tuple[Tensor, Pooled]:
    """The pooled outputs (h, O, w, N), and what `backward` needs.

    Args:
        x: (H, C, W, N).
        weight: (O, C, k, m), at most as large as x.
        bias: (O,).
        rectify: whether what is below zero becomes zero.
    """
    compiled = _compiled()
    H, C, W, N = x.shape
    filters, channels, k, m = weight.shape
    if channels != C or k >= H or m >= W or (bias is not None and bias.shape != (filters,)):
        raise ValueError(f"x {tuple(x.shape)} and filters {tuple(weight.shape)} do not fit")
    more = -N % compiled.lanes
    x = (F.pad(x, (0, more)) if more else x).contiguous()
    shape = Shape(H, C, W, N + more, filters, k, m)
    out = x.new_empty((H - k + 1) // 2, filters, (W - m + 1) // 2, N + more)
    places = torch.empty_like(out, dtype=torch.uint8)
    packed = x.new_empty(C, k, m, filters)
    biases = x.new_zeros(filters) if bias is None else bias.contiguous()
    weight = weight.contiguous()
    read, written = map(_address, (x, weight, biases)), map(_address, (out, places, packed))
    compiled.forward(shape, *read, rectify, *written)
    return out[..., :N].contiguous() if more else out, Pooled(shape, x, packed, places)


def backward(
    error: Tensor, pooled: Pooled, *, of_images: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The gradients of the filters (O, C, k, m), the biases (O,) and, where asked for, of x
    (H, C, W, N)."""
    compiled = _compiled()
    shape, x, packed, places = pooled
    N = error.shape[-1]
    if error.shape[:-1] != places.shape[:-1] or not 0 <= shape.N - N < compiled.lanes:
        raise ValueError(f"errors {tuple(error.shape)} are not those of {tuple(places.shape)}")
    error = (F.pad(error, (0, shape.N - N)) if N < shape.N else error).contiguous()
    filters = x.new_empty(shape.O, shape.C, shape.k, shape.m)
    biases = x.new_empty(shape.O)
    images = torch.empty_like(x) if of_images else None
    workers = min(torch.get_num_threads(), shape.N // compiled.lanes)
    memory = x.new_empty(workers * compiled.memory(shape))
    arrays = (x, packed, error, places, filters, biases, images, memory)
    compiled.backward(shape, *map(_address, arrays), workers)
    return filters, biases, None if images is None else images[..., :N].contiguous()


def _compiled() -> Kernels:
    found = kernels()
    if found is None:
        raise RuntimeError("the loops of pooled.c were not compiled; ask `suits` first")
    return found


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
