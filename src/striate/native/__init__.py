"""Two inner loops in C, for the vectors of the processor at hand; without them all is the same,
slower.

`scripts/build_native.py` compiles them when striate is installed. What each computes stands in
Python beside it: in `layers/pooled_convolution.py` and `images/resampling.py`.
"""

import ctypes
import hashlib
import os
import platform
import warnings
from functools import cache
from pathlib import Path

CPU_FLAGS = Path("/proc/cpuinfo")
LEVELS = (("avx512", {"avx512f", "avx512bw", "avx512vl", "avx512dq"}), ("avx2", {"avx2", "fma"}))
"""Kinds of vectors, the widest first, and what a processor must name to have them."""


def library(name: str) -> ctypes.CDLL | None:
    """A C file of this folder, compiled as it stands there; None where it was not, or where it
    cannot be loaded.

    STRIATE_NATIVE=0 in the environment leaves all of them out.
    """
    return None if os.environ.get("STRIATE_NATIVE") == "0" else _loaded(name)


@cache
def _loaded(name: str) -> ctypes.CDLL | None:
    source = Path(__file__).with_name(f"{name}.c")
    try:
        digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:  # an installation without its C files has no library of them either
        return None
    path = source.with_name(f"lib{name}-{digest}.so")
    if not path.exists():
        return None
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:  # made for another machine, or torch brings no OpenMP
        warnings.warn(f"striate does without {path.name}: {error}", stacklevel=3)
        return None


@cache
def level() -> str:
    """The widest vectors that the processor has and the functions are compiled for."""
    if platform.machine() != "x86_64":
        return "plain"
    try:
        words = set(CPU_FLAGS.read_text().split())
    except OSError:
        return "plain"
    return next((name for name, needed in LEVELS if needed <= words), "plain")
