"""A graph of torch in the forms of other runtimes: ONNX and OpenVINO."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import MissingExtra, ModelError, StriateError, one_line
from striate.inference.program import Graph
from striate.models import surgery
from striate.models.efficientnet import SameConv2d


def to_program(graph: Graph) -> torch.export.ExportedProgram:
    """What a graph computes, traced once.

    Raises:
        ModelError: if it cannot be traced.
    """
    ready = deepcopy(graph.module).cpu().eval().requires_grad_(False)
    free = tuple(
        {axis: torch.export.Dim(name, min=graph.least.get(name)) for axis, name in axes.items()}
        for axes in graph.shapes.values()
    )
    with warnings.catch_warnings(), _refusing():
        warnings.simplefilter("ignore")
        return torch.export.export(ready, graph.examples, dynamic_shapes=free, strict=False)


def to_onnx(graph: Graph, program: torch.export.ExportedProgram | None = None) -> Any:
    """An `onnx.ModelProto`; inputs with a default may be left out when it is run.

    Args:
        program: what `to_program` made of the graph, where it is at hand.

    Raises:
        ModelError: if the graph cannot be written in ONNX.
        MissingExtra: if onnx or onnxscript is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtra("ONNX", "export") from error
    program = to_program(graph) if program is None else program
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # it warns of parts that we do not use
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _refusing():
            warnings.simplefilter("ignore")
            found = torch.onnx.export(
                program,
                input_names=list(graph.shapes),
                output_names=list(graph.outputs),
                dynamo=True,
                optimize=False,  # the runtimes do that by themselves, in a tenth of the time
                verbose=False,
                custom_translation_table=graph.translations() or None,
            )
    finally:
        quiet.setLevel(level)
    assert found is not None
    model = found.model_proto
    settle_kinds(model)
    for name, value in graph.defaults.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value.numpy(), name))
    return model


def settle_kinds(model: Any) -> None:
    """Writes constants of an `onnx.ModelProto` in the kind of number that they are used as.

    The exporter leaves that to the runtime ("cast like x"), which then sees no constant: ONNX
    Runtime would compute the bounds of every ReLU6 anew, and the ReLU6 apart from its convolution.
    """
    import onnx

    graph = model.graph
    typed = (*graph.value_info, *graph.input, *graph.output)
    kinds = {each.name: each.type.tensor_type.elem_type for each in typed}
    known = {
        node.output[0]: onnx.helper.get_attribute_value(node.attribute[0])
        for node in graph.node
        if node.op_type == "Constant"
    }
    for node in graph.node:
        if node.op_type != "CastLike" or node.input[0] not in known or not kinds.get(node.input[1]):
            continue
        value = known[node.input[0]]
        if isinstance(value, onnx.TensorProto):
            value = onnx.numpy_helper.to_array(value)
        kind = onnx.helper.tensor_dtype_to_np_dtype(kinds[node.input[1]])
        (name,) = node.output
        tensor = onnx.numpy_helper.from_array(np.asarray(value).astype(kind), name)
        node.CopyFrom(onnx.helper.make_node("Constant", [], [name], node.name, value=tensor))


def to_openvino(graph: Graph, program: torch.export.ExportedProgram | None = None) -> Any:
    """An `openvino.Model`; arguments as `to_onnx` takes them.

    Raises:
        ModelError: if the graph cannot be converted.
        MissingExtra: if onnx, onnxscript or openvino is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise MissingExtra("OpenVINO", "export") from error
    model = to_onnx(replace(graph, defaults={}), program)  # there all inputs are given
    with tempfile.TemporaryDirectory() as folder, _refusing():
        between = Path(folder) / "model.onnx"
        between.write_bytes(model.SerializeToString())
        return openvino.convert_model(between)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """What converters raise becomes a ModelError: their exceptions share no root of their own."""
    try:
        yield
    except StriateError:
        raise
    except Exception as error:
        raise ModelError(f"this network cannot be exported ({one_line(error)})") from error


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
        surgery.replace(network, name, plain(layers[name], size))
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
