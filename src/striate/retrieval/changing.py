"""Pictures taken out of an index."""

import os
from collections.abc import Iterable
from pathlib import Path

from striate.errors import UnknownName, UserError
from striate.retrieval.index import Index, name_below, read_header, writing_to


def remove(
    path: str | os.PathLike[str], names: Iterable[str], *, missing: bool = False
) -> list[str]:
    """Takes pictures out of an index; their names.

    Args:
        names: as the index has them, or paths of the files.
        missing: also those whose files are gone.

    Raises:
        UnknownName: if one is not in the index; then nothing is taken out.
        UserError: if files are missing because their whole folder is.
        DataError, StorageError: as `Index` and `writing_to`.
    """
    path = Path(path)
    read_header(path)
    with writing_to(path):
        index = Index(path)
        if missing and not Path(index.header.folder).is_dir():
            raise UserError(
                f"{index.header.folder}, where the pictures were, is not there itself: is its disk "
                "missing? Nothing was taken out"
            )
        known = index.stamped()
        gone: dict[str, int] = {}
        for name in names:
            found = name if name in known else name_below(index.header.folder, name)
            if found not in known:
                raise UnknownName("picture in the index", name, known)
            gone[found] = known[found][0]
        if missing:
            gone |= {name: row for name, (row, _) in known.items() if not index.place(row).exists()}
        if gone:
            index.remove(gone.values())
    return list(gone)
