"""Networks of which only the form is wanted: to be filled from a file, or asked for its shapes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Network = TypeVar("Network", bound=nn.Module)
DRAWN = frozenset({
    nn.init.uniform_, nn.init.normal_, nn.init.trunc_normal_, nn.init.xavier_uniform_,
    nn.init.xavier_normal_, nn.init.kaiming_uniform_, nn.init.kaiming_normal_,
    nn.init.orthogonal_, Tensor.uniform_, Tensor.normal_,
})  # fmt: skip


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of random weights: memory as it was found stands in their place."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in DRAWN:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


@contextmanager
def undrawn() -> Iterator[None]:
    """Modules made within have weights that nobody has drawn: for those that a file fills."""
    with _Undrawn():
        yield


@contextmanager
def skeleton() -> Iterator[None]:
    """Modules made within take no memory: their shapes are known before that of a file is taken.

    Asked for its output, torch would first load its compiler, two seconds of processor time: the
    shape of what a module answers is had sooner from `undrawn` weights, or from a `hollow` copy,
    and a batch of no images.
    """
    with torch.device("meta"), _Undrawn():
        yield


def hollow(model: Network) -> Network:
    """A copy on the CPU to ask for shapes, by a batch of no images: in evaluation mode, and with
    whatever memory held for weights, none of which is touched. Tables keep their numbers: they
    are places to look up."""

    def copied(tensor: Tensor) -> Tensor:  # "like" a tensor of a skeleton loads torch's compiler
        if tensor.is_floating_point():
            return torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
        if tensor.is_meta:
            return torch.zeros(tensor.shape, dtype=tensor.dtype, device="cpu")
        return tensor.cpu()

    tensors = (*model.parameters(), *model.buffers())
    return deepcopy(model, {id(tensor): copied(tensor) for tensor in tensors}).eval()
