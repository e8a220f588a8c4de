"""Pixels where Pillow keeps them, by the Arrow C data interface: nothing is copied."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


class _Array(ctypes.Structure):
    """ArrowArray, as the Arrow C data interface defines it."""


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.argtypes, _pointer.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p


@contextmanager
def address(image: "Image.Image") -> Iterator[int | None]:
    """Where the pixels of an image in mode RGB (4 bytes each) or L (1 byte each) lie, row after row
    without gaps, as long as the block lasts; None where Pillow is too old to tell, or keeps them in
    several pieces, as it does with more than 16 MiB."""
    try:
        _, capsule = image.__arrow_c_array__()
    except (AttributeError, ValueError):
        yield None
        return
    array = _Array.from_address(_pointer(capsule, b"arrow_array"))
    count, step = image.width * image.height, 1
    if array.n_children == 1:
        array, step = array.children[0].contents, 4
    expected = 4 if image.mode == "RGB" else 1
    known = array.n_children == 0 and array.n_buffers == 2 and array.offset == 0
    if known and step == expected and array.length == count * step:
        yield array.buffers[1]
    else:
        yield None
    del capsule  # which holds the pixels until here
