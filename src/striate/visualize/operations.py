"""What an operation of a network reads of its maps.

window      reads a rectangle around each place: convolution, pooling, every n-th place
pointwise   reads one place, of one map or several: activations, normalization over channels or
            by fixed statistics, sums, products, concatenation
whole       reads everything: full connections, global pooling, and whatever has no rule here
shape       reads only how large a map is
constant    reads nothing of the image
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from striate.layers import Dropout, LocalResponseNorm, ScaledTanh
from striate.layers.max_min_pooling import MaxMinPooling
from striate.models.efficientnet import ReLU6
from striate.visualize.windows import Window, window_of

Kind = Literal["input", "window", "pointwise", "whole", "shape", "constant"]

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
    nn.InstanceNorm2d, MaxMinPooling, F.linear,
    F.adaptive_avg_pool2d, F.adaptive_max_pool2d, torch.flatten,
    torch.mean, torch.amax, torch.sum, torch.reshape, torch.squeeze, "flatten", "mean", "amax",
    "sum", "var", "view", "reshape", "squeeze", F.group_norm, F.instance_norm, torch.var,
)
# fmt: on
CONCATENATIONS = {torch.cat, torch.concat, torch.concatenate}


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
    """Whether a constant is the same at every place."""
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
