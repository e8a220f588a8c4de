"""A network as an ONNX program."""

import contextlib
import io
import logging
import warnings
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import MissingExtra
from striate.models.efficientnet import SameConv2d
from striate.models.surgery import replace


def to_program(
    network: nn.Module, examples: tuple[Tensor, ...], shapes: dict[str, Any]
) -> torch.export.ExportedProgram:
    """What the network computes, traced once.

    Args:
        examples: one input each, no side of it 1 where it may have any size.
        shapes: by the name of the input, which axes may have any size: `{"images": {0: "N"}}`.
    """
    ready = deepcopy(network).cpu().eval().requires_grad_(False)
    free = [{axis: torch.export.Dim(n) for axis, n in axes.items()} for axes in shapes.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(ready, examples, dynamic_shapes=tuple(free), strict=False)


def to_onnx(
    network: nn.Module | torch.export.ExportedProgram,
    examples: tuple[Tensor, ...],
    shapes: dict[str, Any],
    outputs: list[str],
    *,
    translations: dict[Any, Any] | None = None,
) -> Any:
    """An `onnx.ModelProto`; arguments as `to_program` takes them, and the names of the outputs.

    Args:
        translations: how operators are written that torch does not know to write.

    Raises:
        MissingExtra: if onnx or onnxscript is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtra("ONNX", "export") from error
    if isinstance(network, nn.Module):
        network = to_program(network, examples, shapes)
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # what it says of parts that we do not use
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                input_names=list(shapes),
                output_names=outputs,
                dynamo=True,
                optimize=False,  # the runtimes do that by themselves, in a tenth of the time
                verbose=False,
                custom_translation_table=translations,
            )
    finally:
        quiet.setLevel(level)
    assert program is not None
    return program.model_proto


def settled(network: nn.Module, images: Tensor) -> nn.Module:
    """Replaces convolutions that pad by the size of the map by plain ones for images of this size.

    Their kernels may be widened by zeros on the way; runtimes expect kernels to be constants.
    """
    sizes: dict[str, torch.Size] = {}

    def note(name: str) -> Any:
        return lambda module, inputs: sizes.update({name: inputs[0].shape[-2:]})

    layers = {n: m for n, m in network.named_modules() if isinstance(m, SameConv2d)}
    handles = [layer.register_forward_pre_hook(note(name)) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    for name, size in sizes.items():
        replace(network, name, plain(layers[name], size))
    return network


def plain(layer: SameConv2d, size: torch.Size) -> nn.Module:
    """The same convolution of maps of that size, its zeros written out."""
    (top, bottom), (left, right) = layer.padding_for(size)
    weight, around = layer.weight.detach(), (bottom, right)
    before: list[nn.Module] = []
    if (top, left) != around:
        if layer.groups == layer.in_channels:  # zeros in front of the kernel shift it as they do
            weight = F.pad(weight, (right - left, 0, bottom - top, 0))
        else:
            before, around = [nn.ZeroPad2d((left, right, top, bottom))], (0, 0)
    made = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        (weight.shape[2], weight.shape[3]),
        layer.stride,  # type: ignore[arg-type]
        around,
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    made.weight, made.bias = nn.Parameter(weight), layer.bias
    return nn.Sequential(*before, made) if before else made
