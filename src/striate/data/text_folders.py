"""Class folders of texts: the class of a `.txt` file is the folder that it lies in.

Flat (`pos/ neg/`), or below the folders of splits (`train/pos/`, `test/neg/`).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from striate.audio import SUFFIXES as RECORDINGS
from striate.data.dataset import Dataset, LeftOut
from striate.data.names import canonical, natural, printable, quoted
from striate.data.roles import roles, unlabeled
from striate.data.splits import TRAIN
from striate.data.targets import Labels
from striate.data.texts import SUFFIXES, TextFiles
from striate.data.walking import CLUTTER
from striate.errors import DataError
from striate.images import SUFFIXES as PICTURES

EXPECTED = (
    "one folder of .txt files for each class, at least two (texts/pos/1.txt, texts/neg/1.txt)"
)
LOOKED = 400  # files by which a folder is told


def is_text_folder(path: Path) -> bool:
    """Whether folders in a folder hold texts, and none of its first files is a picture or a
    recording, which texts beside it tell of."""
    if not path.is_dir():
        return False
    texts = others = 0
    for number, place in enumerate(_files(path)):
        suffix = Path(place).suffix.lower()
        texts += suffix in SUFFIXES and os.sep in place
        others += suffix in PICTURES or suffix in RECORDINGS
        if others or number >= LOOKED:
            break
    return texts > 1 and not others


def open_text_folder(root: Path, *, seed: int) -> Dataset[Labels]:
    """The texts of class folders; what no class can be said of is left out with the reason.

    Raises:
        DataError: if there is nothing to learn from; it says what is expected.
    """
    files = [place for place in _files(root) if Path(place).suffix.lower() in SUFFIXES]
    splits = roles(_tops(files))
    rows: list[tuple[int, str, str]] = []
    left_out: list[LeftOut] = []
    for place in files:
        parts = Path(place).parts
        split = splits.get(parts[0], TRAIN)
        above = parts[1:-1] if parts[0] in splits else parts[:-1]
        if not above:
            left_out.append(LeftOut(printable(place), "lies in no class folder"))
        elif unlabeled(above[0]) or above[0].lower() == "unsup":
            left_out.append(LeftOut(printable(place), "its folder says that it has no label"))
        else:
            rows.append((split, canonical(above[0]), place))
    if not rows:
        raise DataError(f"{root}: no class folders of texts; expected {EXPECTED}")
    rows.sort(key=lambda row: (row[0], natural(row[2])))
    classes = sorted({label for _, label, _ in rows}, key=natural)
    number = {label: place for place, label in enumerate(classes)}
    empty = sorted({each.name for each in root.iterdir() if each.is_dir()} - _tops(files))
    notes = (f"without any text: {quoted(empty)}",) if empty else ()
    data = Dataset(
        name=root.resolve().name or str(root),
        inputs=TextFiles([place for _, _, place in rows], root),
        targets=Labels(
            tuple(map(printable, classes)),
            np.array([number[label] for _, label, _ in rows], dtype=np.int64),
        ),
        split=np.array([split for split, _, _ in rows], dtype=np.int8),
        left_out=tuple(left_out),
        notes=notes,
    )
    return data.complete(seed)


def _tops(files: list[str]) -> set[str]:
    return {Path(place).parts[0] for place in files if os.sep in place}


def _files(root: Path) -> Iterator[str]:
    """Every file below a folder, relative to it, in order; what systems put there is skipped."""
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(
            one for one in inside if not one.startswith(".") and one.lower() not in CLUTTER
        )
        for name in sorted(names):
            if not name.startswith(".") and name.lower() not in CLUTTER:
                yield os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118
