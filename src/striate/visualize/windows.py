"""Operations that read a rectangle around each place, as one: kernel, stride, dilation, border.

What an operation does at the border is put into its input: a map with `before` places of `outside`
in front and as many behind as its last window needs. Then a window anywhere is computed without
padding, and gives what the operation would have given there.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from striate.layers import Pool2d
from striate.models.efficientnet import SameConv2d
from striate.models.lenet import PadTo
from striate.models.resnet import PadChannels
from striate.models.tracing import argument, pair

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """One operation; pairs are (down, across).

    Attributes:
        before: places in front of the first row and column.
        outside: the number that stands there.
        apply: computes it without padding.
        weight: of a convolution.
        share: (1, 1, h, w) by which what `apply` gives is multiplied at each place of the whole
            output: what an average divides by. None is 1.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    before: Pair
    outside: float
    apply: Callable[[Tensor], Tensor]
    weight: Tensor | None = None
    share: Tensor | None = None

    @property
    def reach(self) -> Pair:
        """Rows and columns that one window spans."""
        down, across = ((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return down, across


def window_of(
    target: Any, node: fx.Node, maps: Tensor, values: list[Any], number: dict[fx.Node, int]
) -> Window | None:
    """The window of a module or function that read `maps`; None if it has none."""

    def given(position: int, name: str, default: Any = None) -> Any:
        value = argument(node.args, dict(node.kwargs), position, name, default)
        return values[number[value]] if isinstance(value, fx.Node) else value

    if type(target) is nn.Conv2d:
        if target.padding_mode != "zeros":
            return None
        return convolution(
            target.weight, target.bias, target.stride, target.padding, target.dilation,
            target.groups,
        )  # fmt: skip
    if type(target) is SameConv2d:
        (top, _), (left, _) = target.padding_for(maps.shape[-2:])
        return convolution(
            target.weight, target.bias, target.stride, (top, left), (1, 1), target.groups
        )
    if target in (F.conv2d, torch.conv2d):
        weight, bias = given(1, "weight"), given(2, "bias")
        settings = given(3, "stride", 1), given(4, "padding", 0), given(5, "dilation", 1)
        return convolution(weight, bias, *settings, given(6, "groups", 1))
    if type(target) is nn.MaxPool2d and not target.return_indices:
        return largest(target.kernel_size, target.stride, target.padding, target.dilation)
    if target in (F.max_pool2d, torch.max_pool2d):
        return largest(
            given(1, "kernel_size"), given(2, "stride"), given(3, "padding", 0),
            given(4, "dilation", 1),
        )  # fmt: skip
    if type(target) is nn.AvgPool2d:
        return average(
            maps, target.kernel_size, target.stride, target.padding, target.ceil_mode,
            target.count_include_pad, target.divisor_override,
        )  # fmt: skip
    if target is F.avg_pool2d:
        return average(
            maps, given(1, "kernel_size"), given(2, "stride"), given(3, "padding", 0),
            given(4, "ceil_mode", False), given(5, "count_include_pad", True),
            given(6, "divisor_override"),
        )  # fmt: skip
    if type(target) is Pool2d:
        return pooling_of(target, maps)
    if type(target) is PadChannels:
        step = target.stride

        def widen(x: Tensor) -> Tensor:
            front = target.new // 2
            sides = (0, 0, 0, 0, front, target.new - front)
            return F.pad(x[:, :, ::step, ::step], sides)

        return Window((1, 1), (step, step), (1, 1), (0, 0), 0.0, widen)
    if type(target) is PadTo:
        down, right = (max(target.size - side, 0) for side in maps.shape[-2:])
        return border((right // 2, 0, down // 2, 0), target.value)
    if target is F.pad and given(2, "mode", "constant") == "constant":
        return border(given(1, "pad"), given(3, "value") or 0.0)
    if target is operator.getitem:
        return every_nth(node.args[1])
    return None


def convolution(
    weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Window:
    """A convolution, zeros outside."""
    stride, dilation = pair(stride), pair(dilation)
    rows, columns = weight.shape[-2:]
    if padding == "same":  # torch puts the odd zero behind
        down, across = ((k - 1) * d // 2 for k, d in zip((rows, columns), dilation, strict=True))
        padding = down, across
    padding = (0, 0) if padding == "valid" else pair(padding)
    weight = weight.detach()
    if weight.device.type == "cpu":
        weight = weight.contiguous(memory_format=torch.channels_last)

    def apply(x: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, stride, 0, dilation, groups)

    return Window((rows, columns), stride, dilation, padding, 0.0, apply, weight)


def largest(kernel: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    """Max pooling; the border never wins."""
    kernel, stride, dilation = pair(kernel), pair(stride or kernel), pair(dilation)

    def apply(x: Tensor) -> Tensor:
        return F.max_pool2d(x, kernel, stride, 0, dilation)

    return Window(kernel, stride, dilation, pair(padding), -torch.inf, apply)


def average(
    maps: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Window:
    """Average pooling, as totals and what each place divides by."""
    kernel, stride, padding = pair(kernel), pair(stride or kernel), pair(padding)
    ones = maps.new_ones(1, 1, *maps.shape[-2:])
    means = F.avg_pool2d(
        ones, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    totals = F.avg_pool2d(ones, kernel, stride, padding, ceil_mode, divisor_override=1)
    return added(kernel, stride, padding, means / totals)


def added(kernel: Pair, stride: Pair, before: Pair, share: Tensor) -> Window:
    """The total of each window, times its share."""

    def apply(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, kernel, stride, divisor_override=1)

    return Window(kernel, stride, (1, 1), before, 0.0, apply, share=share)


def pooling_of(layer: Pool2d, maps: Tensor) -> Window:
    """Our pooling, whose borders never count."""
    kernel, stride = pair(layer.kernel_size), pair(layer.stride)
    before = pair(layer.before)
    if layer.kind == "max":
        return largest(kernel, stride, before, 1)
    around = (layer.before, layer.after, layer.before, layer.after)
    there = F.pad(maps.new_ones(1, 1, *maps.shape[-2:]), around)
    share = 1 / F.avg_pool2d(there, kernel, stride, divisor_override=1)
    return added(kernel, stride, before, share)


def border(pad: Any, value: float) -> Window | None:
    """Places around a map, given as `F.pad` takes them; None where channels or images are added."""
    if len(pad) > 4 or not all(isinstance(each, int) and each >= 0 for each in pad):
        return None
    before = (pad[2] if len(pad) > 2 else 0), pad[0]

    def apply(x: Tensor) -> Tensor:
        return x

    return Window((1, 1), (1, 1), (1, 1), before, value, apply)


def every_nth(index: Any) -> Window | None:
    """`x[:, :, ::2, ::2]`; None for any other index."""
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) != 4 or not all(isinstance(part, slice) for part in parts):
        return None
    whole = all(p.start in (None, 0) and p.stop is None for p in parts)
    steps = [p.step or 1 for p in parts]
    if not whole or steps[:2] != [1, 1] or not all(isinstance(s, int) and s > 0 for s in steps):
        return None
    down, across = steps[2:]

    def apply(x: Tensor) -> Tensor:
        return x[:, :, ::down, ::across]

    return Window((1, 1), (down, across), (1, 1), (0, 0), 0.0, apply)
