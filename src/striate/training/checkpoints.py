"""The state of a run as one safetensors file: tensors as they are, all else JSON, no pickle."""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import WeightsError, one_line
from striate.tensors import apart, load_tensors, save_tensors
from striate.training.averaging import Average
from striate.training.loop import Objective
from striate.training.sharding import divided, is_divided, whole

RANDOM, RANDOM_CUDA = "random", "random_cuda"
MOST_PARTS = 2**20  # of a batch


def save_checkpoint(
    path: Path | None,
    step: int,
    model: nn.Module,
    objectives: Sequence[Objective[Any]],
    *,
    losses: Sequence[float] = (),
    average: Average | None = None,
) -> None:
    """All that the next step depends on: weights, their average, optimizers, schedules and random
    numbers.

    `losses` are those of the steps since the last evaluation. Without a path nothing is written: a
    process of a group has given its parts of what is divided.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors[RANDOM] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[RANDOM_CUDA] = torch.cuda.get_rng_state()
    if average:
        means = average.tensors().items()
        tensors |= {f"average.{name}": whole(tensor) for name, tensor in means}
    plain: list[dict[str, Any]] = []
    for number, objective in enumerate(objectives):
        state = objective.optimizer.state_dict()
        values: dict[str, dict[str, Any]] = {}
        for parameter, slots in state["state"].items():
            for slot, value in slots.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{number}.{parameter}.{slot}"] = whole(value)
                else:
                    values.setdefault(str(parameter), {})[slot] = value
        plain.append(
            {
                "groups": state["param_groups"],
                "values": values,
                "schedule": _schedule_state(objective),
                "parts": objective.parts.count,
                "scaler": objective.scaler.state_dict() if objective.scaler else None,
            }
        )
    if path is None:
        return
    tensors = apart(tensors)
    header = {"step": step, "losses": list(losses), "objectives": plain, "sum": checksum(tensors)}
    save_tensors(path, tensors, header)


def load_checkpoint(
    path: Path,
    model: nn.Module,
    objectives: Sequence[Objective[Any]],
    *,
    average: Average | None = None,
) -> tuple[int, list[float]]:
    """Puts everything back as it was when `save_checkpoint` was called.

    Returns:
        The number of the last step done, and the losses of the steps since the last evaluation.

    Raises:
        WeightsError: if the file is no checkpoint, or one of another model or optimizer.
    """
    tensors, header = load_tensors(path)
    if not {"step", "losses", "objectives", "sum"} <= header.keys() or RANDOM not in tensors:
        raise WeightsError(f"{path} is not a checkpoint of a run")
    if header["sum"] != checksum(tensors):
        raise WeightsError(f"{path} is damaged: its numbers are not those that were saved")
    try:
        step = _number(header["step"])
        losses = [float(_number(loss)) for loss in header["losses"]]
        _put_back(tensors, header["objectives"], model, objectives)
        if average:
            average.put_back(_below("average.", tensors))
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = one_line(error)
        raise WeightsError(f"{path} is a checkpoint of another model ({reason})") from error
    return int(step), losses


def checksum(tensors: Mapping[str, Tensor]) -> int:
    """CRC-32 of what tensors on the CPU hold, by their names."""
    found = 0
    for name in sorted(tensors):
        found = zlib.crc32(tensors[name].flatten().view(torch.uint8).numpy().data, found)
    return found


def _put_back(
    tensors: dict[str, Tensor],
    plains: list[dict[str, Any]],
    model: nn.Module,
    objectives: Sequence[Objective[Any]],
) -> None:
    model.load_state_dict(_below("model.", tensors))
    for number, (objective, plain) in enumerate(zip(objectives, plains, strict=True)):
        groups = objective.optimizer.param_groups
        parameters = [parameter for group in groups for parameter in group["params"]]
        mine = objective.optimizer.state_dict()["param_groups"]
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"optimizer.{number}."):
                place, slot = name.split(".")[2:]
                state.setdefault(int(place), {})[slot] = _laid_out_as(parameters, place, tensor)
        for parameter, slots in plain["values"].items():
            for slot, value in slots.items():
                known = value if value is None or isinstance(value, bool) else _number(value)
                state.setdefault(int(parameter), {})[slot] = known
        if len({tuple(sorted(slots)) for slots in state.values()}) > 1:
            raise ValueError("its optimizer does not hold the same of each parameter")
        objective.optimizer.load_state_dict(
            {"state": state, "param_groups": _at_their_rates(mine, plain["groups"])}
        )
        if objective.schedule and plain["schedule"]:
            _see_alike(_schedule_state(objective), plain["schedule"])
            objective.schedule.load_state_dict(plain["schedule"])
        if not 1 <= _number(plain["parts"]) <= MOST_PARTS:
            raise ValueError("its batches are in impossibly many parts")
        objective.parts.count = int(plain["parts"])
        if objective.scaler:
            _see_alike(objective.scaler.state_dict(), plain["scaler"])
            objective.scaler.load_state_dict(plain["scaler"])
    torch.set_rng_state(tensors[RANDOM])
    if RANDOM_CUDA in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors[RANDOM_CUDA])


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of the name."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _at_their_rates(mine: list[dict[str, Any]], theirs: Any) -> list[dict[str, Any]]:
    """Groups as the recipe has them, at the rates and momenta where the schedule had come to."""
    rates = []
    for ours, group in zip(mine, theirs, strict=True):
        if len(group["params"]) != len(ours["params"]):
            raise ValueError("its optimizer moves other parameters")
        moved = ("lr", "momentum") if "momentum" in ours else ("lr",)
        rates.append({**ours, **{name: _number(group[name]) for name in moved}})
    return rates


def _number(value: Any) -> int | float:
    """A number that counts or measures something.

    Raises:
        ValueError: if it is none.
    """
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not (known and 0 <= value < 2**53):
        raise ValueError(f"{one_line(repr(value), 40)} is not a number of 0 or more")
    return value


def _see_alike(mine: Any, theirs: Any) -> None:
    """Sees that what a file has is of the form of our own: names, lengths, kinds of values.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(mine, int | float) and not isinstance(mine, bool):
        _number(theirs)
    elif isinstance(mine, dict) and isinstance(theirs, dict) and mine.keys() == theirs.keys():
        for name, value in mine.items():
            _see_alike(value, theirs[name])
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for one, other in zip(mine, theirs, strict=True):
            _see_alike(one, other)
    elif isinstance(mine, dict | list) or type(mine) is not type(theirs):
        raise ValueError("its schedule is of another form")


def _laid_out_as(parameters: Sequence[Tensor], place: str, tensor: Tensor) -> Tensor:
    """A slot with the strides of its parameter: fused optimizers read both side by side in memory,
    so that a contiguous momentum beside channels-last weights would move the wrong ones."""
    parameter = parameters[int(place)]
    if tensor.ndim == 0:  # a count of steps
        return tensor
    if tensor.shape != parameter.shape:
        raise ValueError("its optimizer holds tensors of other sizes")
    if is_divided(parameter):
        return divided(tensor, parameter)
    return torch.empty_like(parameter, dtype=tensor.dtype, requires_grad=False).copy_(tensor)


def _schedule_state(objective: Objective[Any]) -> dict[str, Any] | None:
    """The schedule's numbers; its function is made again from the recipe."""
    if objective.schedule is None:
        return None
    state = objective.schedule.state_dict()
    return {
        name: value for name, value in state.items() if isinstance(value, int | float | list | bool)
    }
