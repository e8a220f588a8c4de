"""A network as a list of operations, traced by torch.fx, each with what it reads of a map.

    window      reads a rectangle around each place: convolution, pooling, every n-th place
    pointwise   reads one place, of one map or several: activations, normalization over channels or
                by fixed statistics, sums, products, concatenation
    whole       reads everything: full connections, global pooling, and whatever has no rule here
    shape       reads only how large a map is
    constant    reads nothing of the image

Batch normalization is folded into the convolution before it. Nothing works in place: who reads a
tensor after it was overwritten, reads the operation that did so.
"""

import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.node import map_arg
from torch.nn.utils.fusion import fuse_conv_bn_eval

from striate.layers import Dropout, LocalResponseNorm, Pool2d, ScaledTanh
from striate.models.efficientnet import ReLU6, SameConv2d
from striate.models.lenet import PadTo
from striate.models.resnet import PadChannels
from striate.training import evaluating
from striate.visualize.windows import Window, window_of

Kind = Literal["input", "window", "pointwise", "whole", "shape", "constant"]

LEAVES = (SameConv2d, ReLU6, LocalResponseNorm, Pool2d, ScaledTanh, Dropout, PadChannels, PadTo)

# fmt: off
POINTWISE_MODULES = {
    nn.ReLU, nn.ReLU6, ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU,
    nn.SiLU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Hardshrink, nn.Softshrink,
    nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Tanhshrink, nn.Softplus, nn.Softsign, nn.Threshold,
    ScaledTanh, nn.Identity, nn.Dropout, nn.Dropout2d, nn.AlphaDropout, Dropout,
    nn.LocalResponseNorm, LocalResponseNorm, nn.Softmax2d,
}
POINTWISE_FUNCTIONS = {
    F.relu, torch.relu, F.relu6, F.leaky_relu, F.prelu, F.elu, F.selu, F.celu, F.gelu, F.silu,
    F.mish, F.hardswish, F.hardsigmoid, F.hardtanh, F.sigmoid, torch.sigmoid, F.logsigmoid, F.tanh,
    torch.tanh, F.softplus, F.softsign, torch.exp, torch.log, torch.sqrt, torch.abs, torch.square,
    torch.clamp, torch.clip, torch.pow, torch.neg, F.local_response_norm,
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow,
    operator.iadd, operator.isub, operator.imul, operator.itruediv,
    torch.add, torch.sub, torch.mul, torch.div, torch.maximum, torch.minimum, torch.lerp,
}
POINTWISE_METHODS = {
    "relu", "sigmoid", "tanh", "exp", "log", "sqrt", "abs", "square", "clamp", "clip", "pow",
    "neg", "add", "sub", "mul", "div", "contiguous", "clone", "detach", "float", "double",
    "maximum", "minimum",
}
WHOLE_BY_NATURE = (  # these read a whole map, and no rule could spare that
    nn.Linear, nn.Flatten, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.GroupNorm,
    nn.InstanceNorm2d, F.linear, F.adaptive_avg_pool2d, F.adaptive_max_pool2d, torch.flatten,
    torch.mean, torch.amax, torch.sum, torch.reshape, torch.squeeze, "flatten", "mean", "amax",
    "sum", "view", "reshape", "squeeze", F.group_norm, F.instance_norm,
)
IN_PLACE = {operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
            operator.itruediv: operator.truediv}
# fmt: on
CONCATENATIONS = {torch.cat, torch.concat, torch.concatenate}
ALIASES = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.AlphaDropout, Dropout)


class Untraceable(Exception):
    """The network cannot be followed; its text says why."""


@dataclass(frozen=True)
class Operation:
    """One operation of the network.

    Attributes:
        name: of the layer or function, for messages.
        sources: numbers of the operations that it reads tensors of, made of the image.
        call: runs it, given what looks up the result of an operation by number.
        window: where `kind` is "window".
        weights: how many numbers it reads beside the maps.
        products: multiply-adds for each number that it gives.
        known: False where it is "whole" only because there is no rule for it.
    """

    name: str
    kind: Kind
    sources: tuple[int, ...]
    call: Callable[[Callable[[int], Any]], Any]
    window: Window | None = None
    weights: int = 0
    products: int = 0
    known: bool = True


@dataclass(frozen=True)
class Network:
    """The operations in order, what each gives for the clean image, and which ones are asked for.

    Attributes:
        values: of every operation, for the clean image alone.
        output: the number of the operation that gives the logits.
        layer: of the one that gives the maps of the layer that is watched; None without.
    """

    operations: list[Operation]
    values: list[Any]
    output: int
    layer: int | None


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
    """Keeps our own layers whole, and knows which node each module's answer is."""

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
    """Sends whoever reads an overwritten tensor later on to the operation that overwrote it."""
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
    """Puts batch normalization into the convolution before it, where nobody else reads that."""
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


def operation_of(
    node: fx.Node,
    number: dict[fx.Node, int],
    operations: list[Operation],
    values: list[Any],
    call: Callable[[Callable[[int], Any]], Any],
    modules: dict[str, nn.Module],
) -> Operation:
    """What kind of operation a node is, seen with the value that it gave."""
    name = str(node.target) if node.op == "call_module" else node.name
    if node.op == "placeholder":
        return Operation(name, "input" if node.users else "constant", (), call)
    read = [number[source] for source in node.all_input_nodes]
    sources = tuple(n for n in read if operations[n].kind != "constant")
    value = values[len(operations)]
    if not sources:
        return Operation(name, "constant", (), call)
    if not holds_tensors(value) and about_shape(node, [values[n] for n in sources]):
        return Operation(name, "shape", sources, call)
    target: Any = modules[str(node.target)] if node.op == "call_module" else node.target
    weights = sum(p.numel() for p in target.parameters()) if isinstance(target, nn.Module) else 0
    maps = [values[n] for n in sources if isinstance(values[n], Tensor)]
    flat = any(operations[n].kind == "shape" for n in sources) or len(maps) != len(sources)
    if not flat and all(each.ndim == 4 for each in (value, *maps)):
        window = window_of(target, node, maps[0], values, number)
        if window is not None:
            kernel = window.weight
            products = 0 if kernel is None else kernel.numel() // kernel.shape[0]
            return Operation(name, "window", sources, call, window, weights, products)
        places = {each.shape[-2:] for each in (value, *maps)}
        others = [values[n] for n in read if n not in sources]
        if len(places) == 1 and pointwise(target, node) and all(map(everywhere, others)):
            return Operation(name, "pointwise", sources, call)
    by_nature = target in WHOLE_BY_NATURE or isinstance(
        target, tuple(t for t in WHOLE_BY_NATURE if isinstance(t, type))
    )
    broadcast = pointwise(target, node)
    products = int(maps[0].shape[-1]) if maps and weights else 0
    known = by_nature or broadcast or not any(each.ndim == 4 for each in maps)
    return Operation(name, "whole", sources, call, None, weights, products, known)


def pointwise(target: Any, node: fx.Node) -> bool:
    """Whether an operation reads nothing but the same place of its maps."""
    if isinstance(target, nn.BatchNorm2d):
        return target.running_mean is not None
    if isinstance(target, nn.Module):
        return type(target) in POINTWISE_MODULES or (
            type(target) is nn.Softmax and target.dim in (1, -3)
        )
    if node.op == "call_method":
        return str(target).removesuffix("_") in POINTWISE_METHODS
    if target in CONCATENATIONS:
        dimension = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        return dimension in (1, -3)
    if target is F.dropout or target is F.dropout2d:
        return not node.kwargs.get("training", True)
    if target is F.batch_norm:
        return not node.kwargs.get("training", False)
    return target in POINTWISE_FUNCTIONS


def everywhere(constant: Any) -> bool:
    """Whether a constant says the same of every place."""
    if not isinstance(constant, Tensor):
        return True
    return all(side == 1 for side in constant.shape[-2:]) or constant.numel() == 1


def about_shape(node: fx.Node, values: list[Any]) -> bool:
    """Whether an operation asks only how large its tensors are."""
    if not any(map(holds_tensors, values)):
        return True
    if node.op == "call_method":
        return node.target in ("size", "dim", "numel", "stride", "ndimension")
    return node.target is getattr and node.args[1] in ("shape", "ndim", "dtype", "device")


def holds_tensors(value: Any) -> bool:
    """Whether a result is a tensor or contains some."""
    if isinstance(value, tuple | list):
        return any(map(holds_tensors, value))
    return isinstance(value, Tensor)


def first_line(error: Exception) -> str:
    """An error in one line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
