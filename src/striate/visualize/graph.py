"""A network as a list of operations, traced by torch.fx, each with what it reads of a map.

Batch normalization is folded into the convolution before it. Nothing works in place: what reads a
tensor after it was overwritten, reads the operation that did so.
"""

import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg
from torch.nn.utils.fusion import fuse_conv_bn_eval

from striate.inference import evaluating
from striate.layers import Dropout, LocalResponseNorm, Pool2d, ScaledTanh
from striate.layers.max_min_pooling import MaxMinPooling
from striate.models.efficientnet import ReLU6, SameConv2d
from striate.models.lenet import PadTo
from striate.models.resnet import PadChannels
from striate.visualize.operations import Operation, operation_of

LEAVES = (
    SameConv2d, ReLU6, LocalResponseNorm, Pool2d, MaxMinPooling, ScaledTanh, Dropout, PadChannels,
    PadTo,
)  # fmt: skip

# fmt: off
IN_PLACE = {operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
            operator.itruediv: operator.truediv}
# fmt: on
ALIASES = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.AlphaDropout, Dropout)


class Untraceable(Exception):
    """The network cannot be followed; the text is the reason."""


@dataclass(frozen=True)
class Network:
    """The operations in order, what each gives for clean images, and the numbers of two of them.

    Attributes:
        values: of every operation, for the clean images alone.
        output: the number of the operation that gives the logits.
        layer: of the one that gives the maps of the layer that is watched; None without.
    """

    operations: list[Operation]
    values: list[Any]
    output: int
    layer: int | None

    def on(self, images: Tensor) -> "Network":
        """The same operations, run on other clean images (N, C, H, W)."""
        values: list[Any] = []
        for operation, value in zip(self.operations, self.values, strict=True):
            if operation.kind == "input":
                values.append(images)
            elif operation.kind == "constant":
                values.append(value)
            else:
                values.append(operation.call(values.__getitem__))
        return replace(self, values=values)

    @property
    def kept(self) -> int:
        """Bytes of all values."""
        tensors = [value for value in self.values if isinstance(value, Tensor)]
        return sum(each.numel() * each.element_size() for each in tensors)


def network_of(model: nn.Module, image: Tensor, layer: nn.Module | None = None) -> Network:
    """Traces a model and runs it on a clean image (1, C, H, W).

    Raises:
        Untraceable: if torch.fx cannot follow it, or if what it followed is another computation.
    """
    with evaluating(model):
        return traced(model, image, layer)


def traced(model: nn.Module, image: Tensor, layer: nn.Module | None) -> Network:
    """`network_of` a model in evaluation mode."""
    tracer = Tracer()
    try:
        graph = tracer.trace(model)
    except Exception as error:  # whatever the model's own code raises on symbols
        raise Untraceable(f"torch.fx cannot trace it ({first_line(error)})") from error
    watched = None if layer is None else tracer.outputs.get(id(layer))
    if layer is not None and watched is None:
        raise Untraceable("the watched layer gives more than one tensor, or takes no part")
    modules = dict(model.named_modules(remove_duplicate=False))
    follow_overwritten(graph, modules)
    fold(graph, modules, watched)
    nodes = [node for node in graph.nodes if node.op != "output"]
    number = {node: n for n, node in enumerate(nodes)}
    if sum(node.op == "placeholder" for node in nodes if node.users) != 1:
        raise Untraceable("it takes more than the images")
    (result,) = next(node for node in graph.nodes if node.op == "output").args
    if not isinstance(result, fx.Node):
        raise Untraceable("it gives more than one tensor")
    operations: list[Operation] = []
    values: list[Any] = []
    for node in nodes:
        call = call_of(node, number, model, modules)
        if node.op == "placeholder":
            value = image if node.users else None
        else:
            try:
                value = call(values.__getitem__)
            except Exception as error:
                raise Untraceable(f"{node.name} fails outside it ({first_line(error)})") from error
        values.append(value)
        operations.append(operation_of(node, number, operations, values, call, modules))
    expected, found = model(image), values[number[result]]
    scale = float(expected.abs().max())
    if not torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * scale):
        raise Untraceable("what torch.fx followed computes something else")
    return Network(operations, values, number[result], None if watched is None else number[watched])


class Tracer(fx.Tracer):
    """Keeps our own layers whole, and notes which node each module's output is."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[int, fx.Node] = {}  # by the module's id; its first call, as in `cut`

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in LEAVES or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple, kwargs: dict
    ) -> Any:
        result = super().call_module(m, forward, args, kwargs)
        if isinstance(result, fx.Proxy):
            self.outputs.setdefault(id(m), result.node)
        return result


def follow_overwritten(graph: fx.Graph, modules: dict[str, nn.Module]) -> None:
    """What later reads an overwritten tensor, reads the operation that overwrote it instead."""
    order = {node: n for n, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        if not overwrites(node, modules) or not isinstance(node.args[0], fx.Node):
            continue
        tensor: Any = node.args[0]
        while True:
            for user in list(tensor.users):
                if order[user] > order[node]:
                    user.replace_input_with(tensor, node)
            alias = tensor.op == "call_module" and isinstance(modules[tensor.target], ALIASES)
            if not alias:
                break
            tensor = tensor.args[0]


def overwrites(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Whether an operation works in place."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        return isinstance(module, ReLU6) or bool(getattr(module, "inplace", False))
    if node.op == "call_method":
        name = str(node.target)
        return name.endswith("_") and not name.endswith("__")
    return node.target in IN_PLACE or bool(node.kwargs.get("inplace", False))


def fold(graph: fx.Graph, modules: dict[str, nn.Module], watched: fx.Node | None) -> None:
    """Puts batch normalization into the convolution before it, where nothing else reads that."""
    calls = [str(node.target) for node in graph.nodes if node.op == "call_module"]
    for node in list(graph.nodes):
        if node.op != "call_module" or type(modules[node.target]) is not nn.BatchNorm2d:
            continue
        before, norm = node.args[0], modules[node.target]
        if (
            before.op != "call_module"
            or type(modules[before.target]) not in (nn.Conv2d, SameConv2d)
            or len(before.users) > 1
            or before is watched
            or calls.count(before.target) > 1
            or norm.running_mean is None
        ):
            continue
        convolution = cast(nn.Conv2d, modules[before.target])
        modules[before.target] = fuse_conv_bn_eval(convolution, cast(nn.BatchNorm2d, norm))
        modules[node.target] = nn.Identity()


def call_of(
    node: fx.Node, number: dict[fx.Node, int], model: nn.Module, modules: dict[str, nn.Module]
) -> Callable[[Callable[[int], Any]], Any]:
    """What runs a node, out of place."""
    if node.op == "get_attr":
        constant = operator.attrgetter(str(node.target))(model)
        return lambda look_up: constant
    kwargs = {k: False if k == "inplace" else v for k, v in node.kwargs.items()}
    function: Any
    if node.op == "call_module":
        function = out_of_place(modules[str(node.target)])
    elif node.op == "call_method":
        name = str(node.target)
        if name.endswith("_") and not name.endswith("__"):
            name = name.removesuffix("_")
        return lambda look_up: method(
            name,
            map_arg(node.args, lambda n: look_up(number[n])),
            map_arg(kwargs, lambda n: look_up(number[n])),
        )
    else:
        function = IN_PLACE.get(cast(Any, node.target), node.target)
    return lambda look_up: function(
        *map_arg(node.args, lambda n: look_up(number[n])),
        **map_arg(kwargs, lambda n: look_up(number[n])),
    )


def method(name: str, args: Any, kwargs: Any) -> Any:
    """Calls a tensor's method."""
    return getattr(args[0], name)(*args[1:], **kwargs)


def out_of_place(module: nn.Module) -> nn.Module:
    """The module itself, or a twin that leaves its input as it is."""
    if isinstance(module, ReLU6):
        return nn.ReLU6()
    if not getattr(module, "inplace", False):
        return module
    twin = copy.copy(module)
    twin.__dict__["inplace"] = False
    return twin


def first_line(error: Exception) -> str:
    """An error in one line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
