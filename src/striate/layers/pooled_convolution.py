"""Convolution and 2 x 2 max pooling as one operation, for layers of few channels.

A convolution of one to eight channels leaves a processor's vectors half empty where they hold
channels, as everywhere in torch. Here they hold images: the batch lies innermost, x (H, C, W, N),
and row i of the output is one matrix product,

    V[r, c, b, j, n] = x[r, c, j + b, n]        the kernel's columns laid side by side: m times x
    A_i = V[i : i + k]                          (k C m, w N), where it lies: rows follow each other
    Y_i = F A_i                                 F: the filters, (O, k C m)

so that the windows of a k x m kernel cost m times the memory of x, not k m times. Its gradients are

    dF = sum_i dY_i A_i^T,    dV[i + a] += F_a^T dY_i,    dx[r, c, j + b] += dV[r, c, b, j].

The pooling takes the larger of two neighbors twice, in columns, then in rows, and keeps both
differences: their sign says where the error goes, the first of equals as in torch.

Where striate's loops in C were compiled (`striate.native`), single precision goes through them.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from striate.errors import ModelError
from striate.native import pooled as native


def pooled_convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, rectify: bool = False
) -> Tensor:
    """The largest of each 2 x 2 outputs of the convolution of x with the filters, plus bias.

    It means `max_pool2d(conv2d(x, weight, bias), 2)` with rows outermost and images innermost. A
    last odd row or column is not computed, for no pooling window holds it.

    Args:
        x: (H, C, W, N).
        weight: (O, C, k, m), as in `torch.nn.Conv2d`.
        bias: (O,).
        rectify: whether a rectifier follows.

    Returns:
        ((H - k + 1) // 2, O, (W - m + 1) // 2, N).

    Raises:
        ModelError: if the channels differ, or too little is left to pool.
    """
    if x.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise ModelError(
            f"x must be (H, {weight.shape[1]}, W, N) for these filters, not {tuple(x.shape)}"
        )
    if x.shape[0] <= weight.shape[2] or x.shape[2] <= weight.shape[3]:
        raise ModelError(
            f"filters of {weight.shape[2]} x {weight.shape[3]} leave nothing to pool of "
            f"{x.shape[0]} x {x.shape[2]}; give larger images"
        )
    if native.suits(x, weight, bias):
        pooled: Tensor = CompiledConvolution.apply(x, weight, bias, rectify)
        return pooled
    pooled = PooledConvolution.apply(x, weight)
    if bias is not None:
        pooled = pooled + bias[:, None, None]
    return pooled.relu() if rectify else pooled


def images_innermost(images: Tensor) -> Tensor:
    """(N, C, H, W) seen as (H, C, W, N)."""
    return images.permute(2, 1, 3, 0)


def images_outermost(x: Tensor) -> Tensor:
    """(H, C, W, N) as (N, C, H, W), contiguous."""
    return x.permute(3, 1, 0, 2).contiguous()


class PooledConvolution(torch.autograd.Function):
    """The operation and its gradients, in the letters of this file's first lines."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        filters, C, k, m = weight.shape
        H, _, W, N = x.shape
        h, w = even(H - k + 1), even(W - m + 1)
        x = x.contiguous()
        rows, channels, columns, images = x.stride()
        windows = (H, C, m, w, N), (rows, channels, columns, columns, images)
        V = x.as_strided(*windows).contiguous()
        F = weight.permute(0, 2, 1, 3).reshape(filters, k * C * m)
        Y = torch.bmm(F.expand(h, *F.shape), stacked(V, h, k))  # (h, O, w N)
        left, right = Y.view(h, filters, w // 2, 2, N).unbind(3)
        to_right = right - left
        upper, lower = torch.maximum(left, right).view(h // 2, 2, filters, w // 2, N).unbind(1)
        to_lower = lower - upper
        ctx.save_for_backward(V, F, to_right, to_lower)
        ctx.shapes = x.shape, weight.shape
        return torch.maximum(upper, lower)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, error: Tensor) -> tuple[Tensor | None, Tensor | None]:
        V, F, to_right, to_lower = ctx.saved_tensors
        (H, C, W, N), (filters, _, k, m) = ctx.shapes
        h, _, half, _ = to_right.shape
        # The error goes to where the maximum came from: lower or upper, then right or left.
        rows = error.new_empty(h // 2, 2, filters, half, N)
        rows[:, 1] = where_positive(to_lower, error)
        torch.sub(error, rows[:, 1], out=rows[:, 0])
        rows = rows.view(h, filters, half, N)
        dY = error.new_empty(h, filters, half, 2, N)
        dY[:, :, :, 1] = where_positive(to_right, rows)
        torch.sub(rows, dY[:, :, :, 1], out=dY[:, :, :, 0])
        dY = dY.view(h, filters, 2 * half * N)

        dx = dF = None
        if ctx.needs_input_grad[1]:
            dF = torch.bmm(dY, stacked(V, h, k).transpose(1, 2)).sum(0)
            dF = dF.view(filters, k, C, m).permute(0, 2, 1, 3)
        if ctx.needs_input_grad[0]:
            dV = error.new_zeros(H, C * m, 2 * half * N)
            for a, F_a in enumerate(F.view(filters, k, C * m).unbind(1)):
                dV[a : a + h].baddbmm_(F_a.t().expand(h, C * m, filters), dY)
            dx = error.new_zeros(H, C, W, N)
            for b, column in enumerate(dV.view(H, C, m, 2 * half, N).unbind(2)):
                dx[:, :, b : b + 2 * half] += column
        return dx, dF


class CompiledConvolution(torch.autograd.Function):
    """The same by compiled loops (striate/native/pooled.c), which never write windows or sums to
    memory: they keep which of its four outputs each maximum is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, rectify: bool) -> Tensor:
        out, pooled = native.forward(x, weight, bias, rectify=rectify)
        ctx.save_for_backward(pooled.x, pooled.packed, pooled.places)
        ctx.shape = pooled.shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, error: Tensor) -> tuple[Tensor | None, ...]:
        pooled = native.Pooled(ctx.shape, *ctx.saved_tensors)
        dF, dbias, dx = native.backward(error, pooled, of_images=ctx.needs_input_grad[0])
        return dx, dF, dbias if ctx.needs_input_grad[2] else None, None


def stacked(V: Tensor, h: int, k: int) -> Tensor:
    """A_0 ... A_(h-1) as (h, k C m, w N): k rows of V from row i on, nothing copied."""
    _, C, m, w, N = V.shape
    return V.as_strided((h, k * C * m, w * N), (C * m * w * N, w * N, 1))


def where_positive(difference: Tensor, error: Tensor) -> Tensor:
    """The error where the difference is above zero, zero elsewhere: a rectifier's gradient."""
    return torch.ops.aten.threshold_backward(error, difference, 0.0)


def even(count: int) -> int:
    return count - count % 2
