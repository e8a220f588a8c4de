"""Tensors and a JSON header in one safetensors file, arrays of rows in one .npy file: no pickle,
whole or not there."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from striate.errors import StorageError, WeightsError, one_line
from striate.files import writing


def save_tensors(
    path: str | os.PathLike[str], tensors: dict[str, Tensor], header: dict[str, Any]
) -> None:
    """Writes tensors and a JSON header, atomically: a whole new file, or what was there before."""
    with writing(path) as temporary:
        try:
            save_file(apart(tensors), temporary, metadata={"striate": json.dumps(header)})
        except SafetensorError as error:  # what it makes of a full disk
            reason = re.sub(r"^.*I/O error: | \(os error \d+\)$", "", str(error))
            raise StorageError(f"cannot write {path}: {reason}") from error


def see_finite(tensors: Mapping[str, Tensor]) -> None:
    """Refuses numbers with which nothing can be computed.

    Raises:
        ValueError: naming the first tensor that holds one.
    """
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"not all numbers of {name} are finite")


def same_form(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Sees that both have the same names, shapes and types, and that every number is finite.

    Raises:
        ValueError: if not.
    """
    for name in expected.keys() | tensors.keys():
        if name not in expected or name not in tensors:
            raise ValueError(f"it has no tensor {name}, or one too many")
        mine, theirs = expected[name], tensors[name]
        if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
            raise ValueError(f"its tensor {name} is {tuple(theirs.shape)} of {theirs.dtype}")
        if not bool(theirs.isfinite().all()):
            raise ValueError(f"its tensor {name} holds numbers that are not finite")


def apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as they are written: on the CPU, row after row, each in memory of its own. Only
    what is not so yet is copied: a checkpoint may be half of what memory holds."""
    found: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        one = tensor.detach().cpu().contiguous()
        memory = one.untyped_storage()
        if memory.data_ptr() in taken or memory.nbytes() != one.nbytes:
            one = one.clone()
        taken.add(one.untyped_storage().data_ptr())
        found[name] = one
    return found


def load_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the header that `save_tensors` wrote.

    Raises:
        WeightsError: if there is no such file, or striate did not write it.
    """
    if not Path(path).is_file():
        raise WeightsError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["striate"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, OSError, RecursionError) as error:
        reason = one_line(error)
        raise WeightsError(f"{path} is not a file that striate wrote ({reason})") from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path} is not a file that striate wrote (its header is not an object)")
    return tensors, header


def save_rows(path: str | os.PathLike[str], rows: Iterable[NDArray[np.float32]]) -> tuple[int, int]:
    """Writes rows (D,) as they come into one .npy file (N, D) of float32; returns N and D.

    Memory does not grow with N.

    Raises:
        StorageError: if the disk is full or the folder may not be written.
        ValueError: if a row has another length than the first.
    """
    count, width = 0, 0
    with writing(path) as temporary, temporary.open("wb") as file:
        start = _npy_header(file, 0, 0)
        for row in rows:
            if row.ndim != 1 or (count and len(row) != width):
                raise ValueError(f"a row of shape {row.shape} beside rows of {width} numbers")
            count, width = count + 1, len(row)
            file.write(np.ascontiguousarray(row, "<f4").tobytes())
        file.seek(0)
        if _npy_header(file, count, width) != start:
            raise AssertionError("a .npy header has grown")
    return count, width


def _npy_header(file: BinaryIO, count: int, width: int) -> int:
    """Writes the header, which leaves room for any number of rows; returns where it ends."""
    about = {"descr": "<f4", "fortran_order": False, "shape": (count, width)}
    np.lib.format.write_array_header_1_0(file, about)
    return file.tell()
