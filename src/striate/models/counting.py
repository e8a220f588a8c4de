"""How large every network is, remembered until the code of the networks changes: counting takes
seconds."""

import json
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from striate.errors import StorageError
from striate.files import cache_folder, writing
from striate.models._describe import describe
from striate.progress import track


def counted(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Of each network of these names its "input" (C, S, S), "parameters" and "multiply_adds"."""
    names = list(names)
    code = sorted(Path(__file__).parent.glob("*.py"))
    state = sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
    kept = cache_folder() / f"networks-{state[:16]}.json"
    with suppress(OSError, ValueError, KeyError):
        known = json.loads(kept.read_text())
        return {name: dict(known[name]) for name in names}
    counts = {}
    for name in track(names, "measure the networks, once"):
        found = describe(name)
        counts[name] = {
            "input": list(found.input),
            "parameters": found.parameters,
            "multiply_adds": found.multiply_adds,
        }
    with suppress(StorageError), writing(kept) as temporary:
        temporary.write_text(json.dumps(counts))
    return counts
