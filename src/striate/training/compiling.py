"""Compiling a network while it learns, where that pays for itself within the run.

torch.compile takes tens of seconds before the first step and gains a few percent to a half on each:
a loss in a short run. So a recipe says "yes", "no" or "measured"; what is measured depends on the
machine's mood, and compiled products round otherwise, so such a run is not repeatable bit for bit.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import nn

from striate import progress
from striate.inference.devices import device_of

WARM, TIMED = 5, 10  # steps before a measurement, and in it
WORTH = 600.0  # seconds a run must still take before a minute of compiling is tried
GAIN = 1.03  # how many times as fast a compiled step must be to stay

Mode = Literal["no", "yes", "measured"]


class Compiling:
    """Decides, between the steps of a run of `steps`, in which form the network computes."""

    def __init__(self, model: nn.Module, mode: Mode, steps: int, *, backend: str = "inductor"):
        self.model, self.backend, self.steps = model, backend, steps
        self.deciding = mode == "measured"
        self.plain: float | None = None  # seconds of a step that is not compiled
        self.seconds: list[float] = []
        if mode == "yes":
            self._compile()

    @property
    def compiled(self) -> bool:
        return self.model._compiled_call_impl is not None

    def stepped(self, number: int, seconds: float) -> None:
        """Takes in how long a step took, and changes the form if that is due."""
        if not self.deciding:
            return
        self.seconds.append(seconds)
        if len(self.seconds) < WARM + TIMED:
            return
        step = statistics.median(self.seconds[WARM:])
        self.seconds.clear()
        if self.plain is None:
            self.plain = step
            if step * (self.steps - number) < WORTH:
                self.deciding = False
            else:
                self._compile()
            return
        self.deciding = False
        if step * GAIN > self.plain:
            self.undo()

    def _compile(self) -> None:
        # CUDA graphs where there are any: small networks spend their time in launching kernels.
        cuda = device_of(self.model).type == "cuda" and self.backend == "inductor"
        mode = "reduce-overhead" if cuda else None
        with progress.stage("compile: the next step takes longer"):
            self.model.compile(backend=self.backend, mode=mode)

    def undo(self) -> None:
        """Puts the plain form back."""
        self.model._compiled_call_impl = None


@contextmanager
def compiling(
    model: nn.Module, mode: Mode, steps: int, *, backend: str = "inductor"
) -> Iterator[Compiling]:
    """Inside the block the network may be compiled; afterwards it is not."""
    choice = Compiling(model, mode, steps, backend=backend)
    try:
        yield choice
    finally:
        choice.undo()
