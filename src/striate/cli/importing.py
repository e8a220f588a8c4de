"""Imports that do not wait for the garbage collector."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """What a command imports inside the block is there for as long as the command: the garbage
    collector does not search it meanwhile, and never again.

    While torch makes a million objects it would search all of them a dozen times over, and again at
    the end of the process: a quarter of the time that the answer to one picture takes.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
