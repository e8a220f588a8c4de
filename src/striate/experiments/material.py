"""Where the data of the experiments lie: below the folder that STRIATE_DATA names.

Sets of the catalog (`striate datasets`) are opened by their names, as everywhere; any other name is
a folder or file, opened for what lies in it.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import CATALOG, Dataset, decode
from striate.data.catalog import here, open_named
from striate.errors import DataError
from striate.tasks.opening import open as open_any
from striate.tasks.pictures.problem import natural_view

VARIABLE = "STRIATE_DATA"


def opened(name: str, *, seed: int = 0) -> Dataset[Any]:
    """The set of that name.

    Raises:
        DataError: if it is not there; it says where it is looked for.
    """
    if name in CATALOG:
        return open_named(name, seed=seed)
    return open_any(place(name), seed=seed)


def pictured(name: str, *, seed: int = 0) -> tuple[Dataset[Any], NDArray[np.uint8]]:
    """A set of small pictures, and the pixels (N, H, W, C) of all of them in their own size."""
    dataset = opened(name, seed=seed)
    view = natural_view(dataset)
    return dataset, decode(dataset, [view]).pixels[view]


def place(name: str) -> Path:
    """The folder or file of that name below the folder that STRIATE_DATA names.

    Raises:
        DataError: if it is not there.
    """
    root = os.environ.get(VARIABLE)
    if not root:
        raise DataError(f"there is no {name}: set {VARIABLE} to the folder that has {name}")
    found = Path(root).expanduser() / name
    if not found.exists():
        raise DataError(f"there is no {found}: {VARIABLE} names the folder that has {name}")
    return found


def where(names: Sequence[str]) -> str:
    """What brings sets that are not here."""
    ways = []
    if any(name in CATALOG for name in names):
        ways.append("`striate datasets` says how to get it")
    root = os.environ.get(VARIABLE)
    if not root:
        ways.append(f"set {VARIABLE} to the folder that has it")
    elif not Path(root).expanduser().is_dir():
        ways.append(f"{VARIABLE} names {root}, which is no folder")
    else:
        ways.append(f"{VARIABLE} names {root}, which lacks it")
    return "; ".join(ways)


def lacking(names: tuple[str, ...]) -> list[str]:
    """Those of these sets that are not on this machine; nothing is fetched."""
    return [name for name in names if not _is_here(name)]


def _is_here(name: str) -> bool:
    if name in CATALOG:
        return CATALOG[name].form == "sklearn" or here(name) is not None
    try:
        place(name)
    except DataError:
        return False
    return True
