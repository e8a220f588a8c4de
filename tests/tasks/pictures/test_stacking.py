"""Machines learned one above the other: each goes on bit for bit, and each learns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.models.rbm import RBM
from striate.tasks.pictures.stacking import (
    FIRST_MOMENTUM,
    MACHINE,
    RisingMomentum,
    Seen,
    Stack,
    stacked,
)
from striate.training.optimizers import optimizer_for

RULE = Preprocessing(View(4, channels=1, fit="squash"), Normalization((0.0,), (255.0,)))
SHORT = MACHINE.but(epochs=10, batch_size=10, learning_rate=0.1)


def bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 4, 4, 1): one row of four is lit, or one column."""
    targets = np.random.default_rng(seed).integers(0, 8, count)
    pixels = np.zeros((count, 4, 4, 1), np.uint8)
    for picture, target in zip(pixels, targets, strict=True):
        picture[(target,) if target < 4 else (slice(None), target - 4)] = 255
    return pixels, targets // 4


@pytest.fixture(scope="module")
def seen() -> Seen:
    (train, targets), (held_out, wanted) = bars(60, 0), bars(30, 1)
    return Seen(train, held_out, RULE, targets, wanted, {"data": "bars"})


def alike(one: Stack, other: Stack) -> bool:
    return all(
        torch.equal(tensor, machine.state_dict()[name])
        for before, machine in zip(one.machines, other.machines, strict=True)
        for name, tensor in before.state_dict().items()
    )


def test_each_machine_learns_from_the_one_below(seen: Seen) -> None:
    found = stacked(seen, (12, 6), SHORT.but(epochs=25), labels=2)
    lower, top = found.machines
    assert (lower.weight.shape, top.weight.shape) == ((12, 16), (6, 14))
    for history in found.histories:
        assert history[-1]["explained_variance"] > history[0]["explained_variance"]
    assert found.histories[0][-1]["explained_variance"] > 0.5


def test_a_stopped_stack_goes_on_bit_for_bit(seen: Seen, tmp_path: Path) -> None:
    """Momentum and chains among the rest."""
    ways = {"chains": 5, "steps": 2, "seed": 3}
    recipe = SHORT.but(epochs=2)
    whole = stacked(seen, (8, 6), recipe, **ways)
    stacked(seen, (8, 6), recipe, **ways, folder=tmp_path, seconds=0.0)  # a step of each
    again = stacked(seen, (8, 6), recipe, **ways, folder=tmp_path, resume=True)
    assert [row["step"] for row in again.histories[0]] == [1, 6, 12]
    assert [row["step"] for row in again.histories[1]] == [6, 12]  # from the machine as it is now
    assert alike(again, whole)
    assert not alike(again, stacked(seen, (8, 6), recipe, **{**ways, "seed": 4}))


def test_momentum_rises() -> None:
    machine = RBM(2, 2)
    optimizer = optimizer_for(machine, MACHINE, new=machine.parameters())
    schedule = RisingMomentum(optimizer, MACHINE, steps=20)
    found = []
    for _ in range(4):
        found.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        schedule.step()
    assert found == [FIRST_MOMENTUM, FIRST_MOMENTUM, 0.9, 0.9]
