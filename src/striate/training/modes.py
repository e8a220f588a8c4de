"""Borrowed state, given back: training or evaluation mode, and the random numbers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Inside the block the model is in evaluation mode and no gradients are kept."""
    with _modes_given_back(model), torch.no_grad():
        model.eval()
        yield model


@contextmanager
def learning(model: nn.Module, *, freeze_statistics: bool = False) -> Iterator[nn.Module]:
    """Inside the block the model is in training mode.

    With `freeze_statistics`, batch normalization keeps the means and variances it came with: a few
    hundred images are too few to replace what a million taught.
    """
    with _modes_given_back(model):
        model.train()
        if freeze_statistics:
            for module in model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        yield model


@contextmanager
def _modes_given_back(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside the block, torch's random numbers start from `seed`; the caller's go on afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Inside the block torch computes with `count` threads (None: as many as it has now)."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
