"""Modes, random numbers and threads are borrowed, and given back after exceptions too."""

import signal

import pytest
import torch
from torch import nn

from striate.inference import evaluating
from striate.training import learning, seeded
from striate.training.modes import patient, threads


@pytest.fixture
def mixed() -> nn.Sequential:
    """Dropout in training mode inside a network in evaluation mode."""
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5)).eval()
    network[2].train()
    return network


def modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


def test_inside_and_after(mixed: nn.Sequential) -> None:
    before = modes(mixed)
    with learning(mixed):
        assert modes(mixed) == [True] * 4
        with evaluating(mixed):
            assert modes(mixed) == [False] * 4
            assert not torch.is_grad_enabled()
        assert modes(mixed) == [True] * 4
        assert torch.is_grad_enabled()
    with learning(mixed, freeze_statistics=True):
        assert modes(mixed) == [True, True, False, True]
    assert modes(mixed) == before == [False, False, False, True]


@pytest.mark.parametrize("borrow", [evaluating, learning])
def test_modes_come_back_after_an_exception(borrow, mixed: nn.Sequential) -> None:  # type: ignore
    before = modes(mixed)
    with pytest.raises(KeyError), borrow(mixed):
        raise KeyError
    assert modes(mixed) == before
    assert torch.is_grad_enabled()


def test_random_numbers_go_on_where_they_were() -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with seeded(5):
        first = torch.rand(2)
    with pytest.raises(KeyError), seeded(5):  # noqa: PT012
        assert torch.equal(torch.rand(2), first)
        raise KeyError
    assert torch.equal(torch.rand(2), expected)


def test_threads_come_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), threads(before + 1):  # noqa: PT012
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before
    with threads(None):
        assert torch.get_num_threads() == before


def test_ctrl_c_waits_for_the_work_in_hand_but_not_twice() -> None:
    before = signal.getsignal(signal.SIGINT)
    with patient() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_stays_with_whoever_has_plans_for_it() -> None:
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with patient() as pressed:
            signal.raise_signal(signal.SIGINT)
            assert not pressed()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [1]
