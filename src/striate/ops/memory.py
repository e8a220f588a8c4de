"""How weights lie in memory, and what becomes of memory that a step no longer needs."""

import ctypes
import platform

import torch
from torch import nn

# mallopt's parameters, from malloc.h of the GNU C library.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGE = 2**30


def channels_last(model: nn.Module) -> nn.Module:
    """Lays the weights of 2-D convolutions out with their channels innermost; returns `model`.

    The CPU convolves images in that layout faster, and the answers are the same up to rounding.
    """
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def keep_memory() -> bool:
    """Has this process keep the memory it frees, for its next request; returns whether it does.

    A step of learning asks for the same hundreds of megabytes as the step before it. By default the
    GNU C library hands blocks of that size back to the system each time and is then given them
    anew, filled with zeros page by page: up to a third of a step. Other libraries are left alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(M_MMAP_THRESHOLD, LARGE)) and bool(
        library.mallopt(M_TRIM_THRESHOLD, LARGE)
    )
