"""Borrowed state of a network, given back: training or evaluation mode."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Inside the block the model is in evaluation mode and no gradients are kept."""
    with modes_given_back(model), torch.no_grad():
        model.eval()
        yield model


@contextmanager
def modes_given_back(model: nn.Module) -> Iterator[None]:
    """After the block every layer is in the mode it had before it."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
