"""Borrowed state, given back: training mode, random numbers, threads, Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from striate.inference.modes import modes_given_back


@contextmanager
def learning(model: nn.Module, *, freeze_statistics: bool = False) -> Iterator[nn.Module]:
    """Inside the block the model is in training mode.

    With `freeze_statistics`, batch normalization keeps the means and variances it came with: a few
    hundred images are too few to replace what a million taught.
    """
    with modes_given_back(model):
        model.train()
        if freeze_statistics:
            for module in model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        yield model


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


@contextmanager
def patient() -> Iterator[Callable[[], bool]]:
    """Inside the block Ctrl-C waits for the work in hand: what is yielded says whether it was
    pressed. Pressed again, it interrupts at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread hears signals
        return
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield lambda: False  # someone else has plans for it
        return
    pressed = False

    def remember(number: int, frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
