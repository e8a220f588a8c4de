"""One forward pass of any module, every layer's part in it noted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from striate.layers.table_convolution import TableConv2d
from striate.models.connections import connections
from striate.models.efficientnet import SameConv2d
from striate.models.tracing import Fields, Tracer, fields_of, mark, windowed


@dataclass(frozen=True)
class Row:
    """A layer, or a stage of several, on one image.

    `output` is the shape without the batch: (channels, rows, columns) or (numbers,). Parameters of
    a layer that is used again are counted once. `activation_bytes` is what it has to keep: nothing
    for what works in place. `field` is what a unit sees, down and across; None where it differs
    from unit to unit.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int
    connections: int
    field: Fields | None


def run(
    network: nn.Module, images: Tensor, tracer: Tracer, device: torch.device | Literal["meta"]
) -> None:
    """One forward pass; on the meta device with tensors that have a shape and no contents."""
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    moved = {key: tensor.to(device) for key, tensor in state.items()}
    images = images.to(device)
    with torch.no_grad(), tracer:
        tracer.start(images)
        functional_call(network, moved, (images,))


@contextmanager
def recording(network: nn.Module) -> Iterator[tuple[list[tuple[str, Row, bool]], Tracer]]:
    """Every call of every module as (name, row, is it a single layer), in the order they ended.

    Hooks, and the mode of every module, are given back, also after an error.
    """
    tracer = Tracer()
    calls: list[tuple[str, Row, bool]] = []
    started: list[tuple[int, int]] = []
    counted: set[int] = set()
    modes = {module: module.training for module in network.modules()}

    def before(module: nn.Module, inputs: Any) -> None:
        started.append((tracer.multiply_adds, len(calls)))

    def after(name: str) -> Any:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            multiply_adds, first = started.pop()
            leaf = not any(True for _ in module.children())
            tensor = output if isinstance(output, Tensor) else None
            if isinstance(module, TableConv2d) and tensor is not None:
                # The table's connections, not the zeros that fill the dense kernel.
                places = tensor.numel() // tensor.shape[1]
                tracer.multiply_adds = multiply_adds + module.weight.numel() * places
            if leaf and isinstance(module, nn.Conv2d) and tensor is not None:
                # Not what was computed, which may be a wider kernel for speed's sake.
                weight = module.weight
                exact = tensor.numel() * (weight.numel() // weight.shape[0])
                tracer.multiply_adds = multiply_adds + exact
                if isinstance(module, SameConv2d) and (fields := fields_of(inputs[0])):
                    before = (axis[0] for axis in module.padding_for(inputs[0].shape[-2:]))
                    mark(
                        tensor,
                        windowed(fields, module.kernel_size, module.stride, tuple(before), (1, 1)),
                    )
            kept = joined = 0
            if not leaf:
                singles = [row for _, row, single in calls[first:] if single]
                kept = sum(row.activation_bytes for row in singles)
                joined = sum(row.connections for row in singles)
            elif tensor is not None:
                joined = connections(module, inputs[0][0], tensor[0]) if inputs else 0
                if not shares(tensor, inputs):
                    kept = tensor.numel() * tensor.element_size()
            row = Row(
                name=name,
                kind=kind(module),
                output=tuple(tensor.shape[1:]) if tensor is not None else (),
                parameters=0 if id(module) in counted else size_of(module),
                multiply_adds=tracer.multiply_adds - multiply_adds,
                activation_bytes=kept,
                connections=joined,
                field=fields_of(tensor) if tensor is not None else None,
            )
            counted.add(id(module))
            calls.append((name, row, leaf))

        return record

    handles = []
    try:
        network.eval()
        for name, module in network.named_modules():
            handles.append(module.register_forward_pre_hook(before))
            handles.append(module.register_forward_hook(after(name)))
        yield calls, tracer
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training


def size_of(module: nn.Module) -> int:
    """How many parameters it has."""
    return sum(parameter.numel() for parameter in module.parameters())


def shares(output: Tensor, inputs: Any) -> bool:
    """Whether a layer handed on the memory it was given."""
    return any(
        isinstance(tensor, Tensor)
        and tensor.untyped_storage()._cdata == output.untyped_storage()._cdata
        for tensor in inputs
    )


def kind(module: nn.Module) -> str:
    """What a layer is, in a few words; a stage is its layer with weights, or its blocks."""
    if isinstance(module, nn.Conv2d):
        text = f"{type(module).__name__} {sides(module.kernel_size)}"
        if module.stride != (1, 1):
            text += f", stride {module.stride[0]}"
        if module.groups > 1:
            text += f", {module.groups} groups"
        return text
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return f"{type(module).__name__} {sides(module.kernel_size)}, stride {first(module.stride)}"
    if isinstance(module, nn.Sequential):
        blocks = [child for child in module.children() if any(True for _ in child.children())]
        if blocks:
            return f"{len(blocks)} x {type(blocks[0]).__name__}"
        layers = [c for c in module if any(True for _ in c.parameters())] or list(module)
        return kind(layers[0]) if layers else "nothing"
    return type(module).__name__


def sides(size: Any) -> str:
    """A window's sides in words."""
    rows, columns = size if isinstance(size, tuple) else (size, size)
    return f"{rows} x {columns}"


def first(value: Any) -> int:
    """The number, or the one down."""
    return value[0] if isinstance(value, tuple) else value
