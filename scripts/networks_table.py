"""Writes the table of docs/networks.md anew: `python scripts/networks_table.py`."""

import re
from pathlib import Path

from striate.models import NETWORKS, describe

DOCUMENT = Path(__file__).parents[1] / "docs" / "networks.md"
HEAD = (
    "| name | year | input | parameters | neurons | multiply-adds | last map sees "
    "| published result |",
    "|---|---|---|---:|---:|---:|---:|---|",
)


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
