"""Compiling is a decision by measurement, and is taken back."""

import pytest
import torch
from torch import nn

from striate.training import compiling as module
from striate.training.compiling import TIMED, WARM, Compiling, compiling

ONE = WARM + TIMED


def told(choice: Compiling, seconds: float, first: int = 1) -> None:
    for number in range(first, first + ONE):
        choice.stepped(number, seconds)


def test_no_means_no() -> None:
    with compiling(nn.Linear(1, 1), "no", 10**6, backend="eager") as choice:
        told(choice, 60.0)
        assert not choice.compiled


def test_yes_compiles_until_the_block_ends() -> None:
    model = nn.Linear(2, 2)
    expected = model(torch.ones(1, 2))
    with compiling(model, "yes", 10, backend="eager") as choice:
        assert choice.compiled
        torch.testing.assert_close(model(torch.ones(1, 2)), expected)
    assert model._compiled_call_impl is None


@pytest.mark.parametrize(
    ("device", "mode"), [("cuda", "reduce-overhead"), ("cpu", None), ("mps", None)]
)
def test_a_gpu_launches_the_kernels_of_a_step_at_once(
    device: str, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA graphs: a network as small as LeNet-5 spends its time in launching."""
    asked: list[object] = []
    monkeypatch.setattr(module, "device_of", lambda model: torch.device(device))
    monkeypatch.setattr(nn.Module, "compile", lambda self, **options: asked.append(options))
    with compiling(nn.Linear(1, 1), "yes", 10):
        assert asked == [{"backend": "inductor", "mode": mode}]


def test_a_short_run_is_left_alone() -> None:
    with compiling(nn.Linear(1, 1), "measured", 1_000, backend="eager") as choice:
        told(choice, 0.5)  # 493 s to go
        assert not choice.compiled
        assert not choice.deciding


@pytest.mark.parametrize(("seconds", "stays"), [(0.9, True), (0.999, False), (1.5, False)])
def test_a_long_run_tries_and_keeps_what_is_faster(seconds: float, stays: bool) -> None:
    with compiling(nn.Linear(1, 1), "measured", 1_000, backend="eager") as choice:
        told(choice, 1.0)
        assert choice.compiled
        told(choice, seconds, first=ONE + 1)
        assert choice.compiled == stays
        told(choice, 100.0, first=2 * ONE + 1)  # decided is decided
        assert choice.compiled == stays
