"""Parameters, gradients and optimizer states divided among the processes of a group, where they are
too many for one device (fully sharded data parallelism; Zhao et al. 2023, "PyTorch FSDP", VLDB
16(12); torch's `fully_shard`).

What learns is a divided copy of the model. The model itself stays whole and as it was made, and is
given the copy's weights to be evaluated and saved: so evaluations, checkpoints and what comes after
learning know nothing of this.
"""

import copy
import gc
import sys
from collections.abc import Iterable
from functools import _lru_cache_wrapper
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from striate.errors import UserError, one_line
from striate.models.stages import Stages

NOT_DIVIDED = "shard_parameters: this method cannot divide its network; leave it out"


class Shards:
    """The divided copy of a model.

    Args:
        model: it is not changed but by `gather`.

    Raises:
        UserError: if it cannot be divided.
    """

    def __init__(self, model: nn.Module):
        if any(isinstance(one, nn.modules.batchnorm._BatchNorm) for one in model.modules()):
            raise UserError("shard_parameters: not with batch normalization; leave it out")
        self.model = model
        # As it lies in memory by default: other layouts cannot be divided.
        self.copy = copy.deepcopy(model).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        try:
            _divide(self.copy)
        except (ValueError, NotImplementedError) as error:
            raise UserError(f"shard_parameters: {one_line(error)}; leave it out") from error

    def see_all_divided(self, learned: Iterable[Tensor]) -> None:
        """Sees that the copy is what learns.

        Raises:
            UserError: if some of these parameters are not its own.
        """
        own = {id(parameter) for parameter in self.copy.parameters()}
        if not all(id(parameter) in own for parameter in learned):
            raise UserError(NOT_DIVIDED)

    def see_learning(self) -> None:
        """Sees after a step that it is the copy that has learned.

        Raises:
            UserError: if not.
        """
        if all(parameter.grad is None for parameter in self.copy.parameters()):
            raise UserError(NOT_DIVIDED)

    @torch.no_grad()
    def gather(self) -> None:
        """Gives the model the weights and statistics of the copy; all processes at once."""
        for mine, part in self._pairs():
            mine.copy_(whole(part))

    @torch.no_grad()
    def spread(self) -> None:
        """Gives the copy those of the model."""
        for mine, part in self._pairs():
            part.copy_(divided(mine, part))

    def _pairs(self) -> list[tuple[Tensor, Tensor]]:
        mine, parts = self.model.state_dict(), self.copy.state_dict()
        return [(tensor, parts[name]) for name, tensor in mine.items()]


def _divide(model: nn.Module) -> None:
    # Here, for it takes seconds.
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    kind = "cuda" if dist.get_backend() == "nccl" else "cpu"
    mesh = init_device_mesh(kind, (dist.get_world_size(),))
    stages = [
        stage for part in model.modules() if isinstance(part, Stages) for _, stage in part.stages()
    ]
    # A stage is put together when it is computed, and taken apart behind it.
    units = [stage for stage in stages if any(True for _ in stage.parameters())]
    for unit in [*units, model]:
        divided_unit: Any = fully_shard(unit, mesh=mesh)
        divided_unit.set_gradient_divide_factor(1.0)  # shares are in the losses: gradients add up
        divided_unit.set_force_sum_reduction_for_comms(True)
    if hasattr(model, "losses"):
        register_fsdp_forward_method(model, "losses")


def forgotten() -> None:
    """Has torch forget how it divided: its caches would keep the group and its threads after its
    end, and these would abort the interpreter's."""
    if "torch.distributed.fsdp" not in sys.modules:
        return
    from torch.distributed.tensor import _redistribute, debug

    debug._clear_sharding_prop_cache()
    _redistribute.clear_redistribute_planner_cache()
    for one in gc.get_objects():
        if type(one) is _lru_cache_wrapper and one.__module__.startswith("torch.distributed"):
            one.cache_clear()
    gc.collect()


def is_divided(tensor: Tensor) -> bool:
    """Whether this process holds a part of it alone."""
    return hasattr(tensor, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor that is divided; all processes ask for it at once. Others as they are."""
    return cast(Any, tensor).full_tensor() if is_divided(tensor) else tensor


def divided(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, the same in all processes, divided as another one is."""
    if not is_divided(like):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    tensor = tensor.to(like.device).contiguous()
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)
