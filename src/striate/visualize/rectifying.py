"""Going back through a network by other rules than the gradient's, in any `nn.Module`.

The way back from a feature map to the pixels is the gradient's way with one thing changed: what
happens at a rectifier (Zeiler & Fergus 2014, Section 2.1; Springenberg et al. 2015, arXiv:
1412.6806, Figure 1). With g the signal from above and x what the rectifier read:

    gradient                 g where x > 0
    DeconvNet                g where g > 0
    guided back-propagation  g where x > 0 and g > 0

ReLU6 and the soft rectifiers (leaky, ELU, GELU, SiLU ...) go back by the same rules: what a unit
that is full passes on is not lost. All the rest is the same: the gradient of a convolution filters
with its transposed filters, that of max pooling follows the switches, that of a sum or a
concatenation hands each branch its share, and that of batch normalization, with its statistics
fixed, scales each map.

So no layer is replaced and no hook waits for a gradient. Inside `going_back` every call of an
activation function is answered by one whose backward pass has the other rule: modules, functions,
methods, in place or not, shared by many places or not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from striate.errors import ModelError
from striate.layers import LocalResponseNorm
from striate.models.efficientnet import ReLU6

Rule = Literal["deconvnet", "guided"]

RECTIFIERS = {  # every function of torch that rectifies, and those that do so softly
    torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, F.relu, F.relu6, F.leaky_relu,
    F.leaky_relu_, F.prelu, torch.prelu, F.elu, F.elu_, F.selu, torch.selu, torch.selu_, F.celu,
    torch.celu, torch.celu_, F.gelu, F.silu, F.mish, F.hardswish, F.softplus, F.rrelu, torch.rrelu,
}  # fmt: skip
FROM_ZERO = {  # these rectify where their lower limit is 0
    F.hardtanh, F.hardtanh_, F.threshold, torch.threshold_, torch.threshold,
    torch.clamp, torch.clamp_, Tensor.clamp, Tensor.clamp_, Tensor.clip, Tensor.clip_, torch.clip,
    torch.clip_, torch.clamp_min, torch.clamp_min_, Tensor.clamp_min, Tensor.clamp_min_,
}  # fmt: skip
NORMALIZERS = {F.local_response_norm}
OWN = (ReLU6, LocalResponseNorm)  # modules of ours that bring a backward pass of their own


@contextmanager
def going_back(model: nn.Module, rule: Rule) -> Iterator[None]:
    """Inside the block, what the model computes goes back by `rule`; it is given back as it was.

    Response normalization passes the signal on unchanged: the paper's way down is unpooling,
    rectification and filtering, and no more. What a model of one's own computes in a
    `torch.autograd.Function` keeps the backward pass written there.

    Raises:
        ModelError: if the model is compiled TorchScript, whose activations cannot be seen.
    """
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ModelError(f"{type(model).__name__} is TorchScript; give the module it was made of")
    originals: list[Tensor] = []

    def lend(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        originals.append(inputs[0])
        return (inputs[0].detach().clone(),)

    def answer(module: nn.Module, inputs: tuple[Tensor, ...], result: Tensor) -> Tensor:
        x = originals.pop()
        if not follows((x,), {}):
            return result
        if isinstance(module, LocalResponseNorm):
            return Unchanged.apply(x, result)
        return Rectified.apply(x, F.relu6, False, rule)

    own = [module for module in model.modules() if isinstance(module, OWN)]
    handles = [module.register_forward_pre_hook(lend) for module in own]
    handles += [module.register_forward_hook(answer) for module in own]
    try:
        with Backward(rule):
            yield
    finally:
        for handle in handles:
            handle.remove()


class Backward(TorchFunctionMode):
    """Answers calls of activation functions by ones that go back by `rule`."""

    def __init__(self, rule: Rule):
        super().__init__()
        self.rule = rule

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in NORMALIZERS and follows(args, kwargs):
            source = args[0] if args else kwargs["input"]
            with torch.no_grad():
                result = func(
                    source, *args[1:], **{k: v for k, v in kwargs.items() if k != "input"}
                )
            return Unchanged.apply(source, result)
        if not follows(args, kwargs) or not rectifies(func, args, kwargs):
            return func(*args, **kwargs)
        named = dict(kwargs)
        source = args[0] if args else named.pop("input" if "input" in named else "self")
        rest = args[1:]

        def plain(x: Tensor) -> Tensor:
            return func(x, *rest, **named)

        return Rectified.apply(source, plain, in_place(func, rest, named), self.rule)


def follows(args: tuple, kwargs: dict) -> bool:
    """Whether the call's first tensor is on the way from the images."""
    source = args[0] if args else kwargs.get("input", kwargs.get("self"))
    return isinstance(source, Tensor) and source.requires_grad and torch.is_grad_enabled()


def rectifies(func: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether a call lets the positive through and holds the negative back."""
    if func in RECTIFIERS:
        return True
    if func not in FROM_ZERO:
        return False
    low = next((kwargs[name] for name in ("min_val", "threshold", "min") if name in kwargs), None)
    if low is None and len(args) > 1:
        low = args[1]
    return isinstance(low, int | float) and low == 0


def in_place(func: Callable, rest: tuple, kwargs: dict) -> bool:
    """Whether a call overwrites what it reads."""
    overwrites = kwargs.get("inplace", any(value is True for value in rest))
    return bool(overwrites) or func.__name__.endswith("_")


class Switches(TorchFunctionMode):
    """Counts what is pooled by its maximum, meanwhile."""

    count = 0

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        self.count += "max_pool" in getattr(func, "__name__", "")
        return func(*args, **(kwargs or {}))


class Rectified(torch.autograd.Function):
    """An activation function forward, a rule backward."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor], overwrite: bool, rule: Rule
    ) -> Tensor:
        ctx.let_through = x.detach() > 0 if rule == "guided" else None
        result = function(x.detach().clone())
        if not overwrite:
            return result
        ctx.mark_dirty(x)
        return x.copy_(result)

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor | None, ...]:
        positive = signal.clamp(min=0)
        return positive if ctx.let_through is None else positive * ctx.let_through, None, None, None


class Unchanged(torch.autograd.Function):
    """A result computed elsewhere, whose signal goes back to `x` as it is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, result: Tensor) -> Tensor:
        return result.clone()

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor, None]:
        return signal, None
