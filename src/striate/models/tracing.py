"""Following receptive fields through any computation.

While a `Tracer` is active every tensor function of torch is watched: what it does to the fields of
its inputs is noted on its result. So branches, sums, slices and functions without a module are all
followed, in any `nn.Module`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from striate.errors import ModelError
from striate.ops.receptive import Field

Fields = tuple[Field, Field]  # down and across
CONVOLUTIONS = {"conv2d"}
POOLINGS = {"max_pool2d", "avg_pool2d", "lp_pool2d"}
ADAPTIVE = {"adaptive_avg_pool2d", "adaptive_max_pool2d"}
PRODUCTS = {"conv1d", "conv2d", "conv3d", "linear", "matmul", "bmm", "addmm", "mm"}


class Tracer(TorchFunctionMode):
    """Counts multiply-adds, and knows the field of every tensor that came from the images."""

    def __init__(self) -> None:
        super().__init__()
        self.multiply_adds = 0

    def start(self, images: Tensor) -> None:
        """Where fields begin: each pixel sees itself."""
        mark(images, (Field(), Field()))

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        result: Any
        if name == "batch_norm" and fitting(*args[:2]):
            result = torch.empty_like(args[0])
        else:
            result = func(*args, **kwargs)
        for output in result if isinstance(result, tuple | list) else (result,):
            if isinstance(output, Tensor):
                if name in PRODUCTS:
                    self.multiply_adds += products(name, output, args)
                follow(name, args, kwargs, output)
        return result


def fitting(images: Tensor | None = None, means: Tensor | None = None) -> bool:
    """Whether these are normalized without contents: what comes out has the shape of what goes in,
    to which torch's own steps take longer than all other layers together."""
    if images is None or means is None or not images.is_meta:
        return False
    return images.shape[1] == len(means)


def mark(tensor: Tensor, fields: Fields | None) -> None:
    """Notes on a tensor what its units see; None where that differs from unit to unit."""
    tensor.striate_fields = fields  # type: ignore[attr-defined]


def fields_of(tensor: Tensor) -> Fields | None:
    """What the units of a tensor see, as far as is known."""
    return getattr(tensor, "striate_fields", None)


def products(name: str, output: Tensor, args: tuple) -> int:
    """Multiply-adds of a product: one a weight for every number of the output."""
    first, second = args[0], args[1]
    if name == "addmm":
        first, second = args[1], args[2]
    if name.startswith("conv"):
        return output.numel() * (second.numel() // second.shape[0])
    return output.numel() * first.shape[-1]


def follow(name: str, args: tuple, kwargs: dict, output: Tensor) -> None:
    """Marks a function's result, if any of its arguments came from the images."""
    sources = [t for t in tensors_in((*args, *kwargs.values())) if hasattr(t, "striate_fields")]
    if sources:
        known = [fields for fields in map(fields_of, sources) if fields is not None]
        complete = len(known) == len(sources)
        mark(output, after(name, args, kwargs, output, sources, known) if complete else None)


def after(
    name: str,
    args: tuple,
    kwargs: dict,
    output: Tensor,
    sources: list[Tensor],
    known: list[Fields],
) -> Fields | None:
    """The fields behind a function, of `sources` with the fields `known`."""
    source, fields = sources[0], known[0]
    if name in CONVOLUTIONS:
        weight = argument(args, kwargs, 1, "weight")
        settings = (
            pair(argument(args, kwargs, position, key, default))
            for position, key, default in ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
        )
        return windowed(fields, tuple(weight.shape[-2:]), *settings)
    if name in POOLINGS:
        kernel = pair(argument(args, kwargs, 1, "kernel_size"))
        stride = pair(argument(args, kwargs, 2, "stride", None) or kernel)
        padding = pair(argument(args, kwargs, 3, "padding", 0))
        return windowed(fields, kernel, stride, padding, (1, 1))
    if name in ADAPTIVE:
        return adapted(fields, source, output)
    if name == "pad" and source.ndim == 4:
        zeros = [*argument(args, kwargs, 1, "pad"), 0, 0, 0, 0]
        return windowed(fields, (1, 1), (1, 1), (zeros[2], zeros[0]), (1, 1))
    if name == "__getitem__" and source.ndim == output.ndim == 4:
        return sliced(fields, source, args[1])
    if output.ndim < 4 <= source.ndim:
        return over_all(fields, source)
    if output.ndim >= 4 and source.ndim >= 4 and output.shape[-2:] != source.shape[-2:]:
        return over_all(fields, source) if output.shape[-2:] == (1, 1) else None
    for more in known[1:]:
        try:
            fields = fields[0].joined(more[0]), fields[1].joined(more[1])
        except ModelError:
            return None
    return fields


def windowed(
    fields: Fields, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> Fields:
    """Fields behind a window, both ways."""
    down, across = (
        f.through(k, stride=s, padding=(k - 1) * d // 2 if p == "same" else p, dilation=d)
        for f, k, s, p, d in zip(fields, kernel, stride, padding, dilation, strict=True)
    )
    return down, across


def adapted(fields: Fields, source: Tensor, output: Tensor) -> Fields | None:
    """Fields behind a pooling to a given grid; None where its windows differ in size."""
    results = []
    for field, before, after in zip(fields, source.shape[-2:], output.shape[-2:], strict=True):
        if before % after:
            return None
        results.append(field.through(before // after, stride=before // after))
    return results[0], results[1]


def sliced(fields: Fields, source: Tensor, index: Any) -> Fields:
    """Fields of every n-th place: `x[:, :, ::2, ::2]`."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts += [slice(None)] * (4 - len(parts))
    down, across = (
        Field(f.size, f.stride * (p.step or 1), f.offset + (p.indices(n)[0]) * f.stride)
        for f, p, n in zip(fields, parts[2:4], source.shape[2:4], strict=True)
    )
    return down, across


def over_all(fields: Fields, source: Tensor) -> Fields:
    """Fields of units that read a whole map."""
    down, across = (f.over(n) for f, n in zip(fields, source.shape[-2:], strict=True))
    return down, across


def argument(args: tuple, kwargs: dict, position: int, name: str, default: Any = None) -> Any:
    """An argument of a function, however it was given."""
    return args[position] if len(args) > position else kwargs.get(name, default)


def pair(value: Any) -> tuple:
    """One value for both ways, or one each."""
    if isinstance(value, tuple | list):
        return (value[0], value[-1])
    return (value, value)


def tensors_in(values: Any) -> list[Tensor]:
    """The tensors among arguments, those in lists too."""
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, tuple | list):
            found += tensors_in(value)
    return found
