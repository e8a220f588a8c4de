"""A second device where a machine has none."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class SecondDevice(TorchDispatchMode):
    """The meta device as one that computes: what is moved from it to the CPU comes back as zeros.

    Attributes:
        moved: shapes of what went to it, and of what came back.
        computed: operators that ran on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[tuple[str, tuple[int, ...]]] = []
        self.computed: set[str] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        leaves = tree_leaves((args, kwargs or {}))
        tensors = [one for one in leaves if isinstance(one, Tensor)]
        name = function.overloadpacket.__name__
        if name in ("to", "_to_copy"):
            (given,) = tensors
            target = next((one for one in leaves if isinstance(one, torch.device)), given.device)
            if target.type != given.device.type:
                self.moved.append((target.type, tuple(given.shape)))
                if given.is_meta:
                    return torch.zeros(given.shape, dtype=given.dtype)
        elif any(one.is_meta for one in tensors):
            assert all(one.is_meta or one.ndim == 0 for one in tensors), f"{name}: two devices"
            self.computed.add(name)
        return function(*args, **(kwargs or {}))


@pytest.fixture
def second_device() -> Iterator[SecondDevice]:
    """The device `torch.device("meta")`, and what it did."""
    with SecondDevice() as device:
        yield device
