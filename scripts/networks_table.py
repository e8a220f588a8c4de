"""Writes the table of docs/networks.md anew, and what `striate models` lists without counting:
`python scripts/networks_table.py`."""

import json
import re
from functools import cache
from pathlib import Path

import striate
from striate.models import NETWORKS, Description
from striate.models import describe as counted

LIST = Path(striate.__file__).parent / "models" / "networks.json"
DOCUMENT = Path(__file__).parents[1] / "docs" / "networks.md"
HEAD = (
    "| name | year | input | parameters | neurons | multiply-adds | last map sees "
    "| published result |",
    "|---|---|---|---:|---:|---:|---:|---|",
)


@cache
def describe(name: str) -> Description:
    """Each network is counted once."""
    return counted(name)


def listed() -> str:
    """JSON, one line a network."""
    rows = []
    for name, entry in NETWORKS.items():
        found = describe(name)
        row = {
            "name": name, "year": entry.year, "input": list(found.input),
            "parameters": found.parameters, "multiply_adds": found.multiply_adds,
            "classes": entry.classes, "result": entry.result, "paper": entry.paper,
            "weights": list(entry.weights),
        }  # fmt: skip
        rows.append(json.dumps(row, ensure_ascii=False))
    return "[\n" + ",\n".join(rows) + "\n]\n"


def table() -> str:
    """One line a network, as `describe` counts it."""
    return "\n".join([*HEAD, *map(line, NETWORKS)])


def line(name: str) -> str:
    """The line of one network."""
    known, description = NETWORKS[name], describe(name)
    maps = [row for row in description.stages if len(row.output) == 3]
    sees = f"{maps[-1].field[0].size}" if maps[-1].field else ""
    size = f"{known.channels} x {known.image_size} x {known.image_size}"
    return (
        f"| `{name}` | {known.year} | {size} | {description.parameters:,} | "
        f"{description.neurons:,} | {description.multiply_adds:,} | {sees} | {known.result} |"
    )


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    text = re.sub(r"\| name \| year .*?\n\n", lambda _: table() + "\n\n", text, flags=re.DOTALL)
    DOCUMENT.write_text(text, encoding="utf-8")
    LIST.write_text(listed(), encoding="utf-8")
