"""How results look: tables on a terminal or in a pipe, numbers as people write them, JSON."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from striate.plain import plain

if TYPE_CHECKING:
    from rich.table import Table

    from striate.data import Dataset

PIPE = 200  # characters of a line there; tables that need more have more
NAMED = 10  # of what was left out or is doubtful, in text; JSON has all


def printable(text: str) -> str:
    r"""Text without what would move the cursor or change the terminal: file names may hold it.

    >>> print(printable("cat\x1b[2J.jpg"))
    cat\x1b[2J.jpg
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def print_json(value: Any) -> None:
    """One line on stdout; what is not a number becomes null, for JSON has no nan."""
    print(json.dumps(plain(value), allow_nan=False), flush=True)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[str] = (),
    bold: Iterable[int] = (),
) -> "Table":
    """A table; columns named in `right` hold numbers. Text is shown as it is, never as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    numbers = set(right)
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        side = "right" if head in numbers else "left"
        result.add_column(Text(head), justify=side, overflow="fold", no_wrap=head in numbers)  # type: ignore[arg-type]
    strong = set(bold)
    for number, row in enumerate(rows):
        cells = (Text(printable(cell)) for cell in row)
        result.add_row(*cells, style="bold" if number in strong else None)
    for column in result.columns:
        if column.no_wrap:  # nothing of a number or its heading is cut off
            column.min_width = max(len(str(cell)) for cell in (column.header, *column.cells))
    return result


def print_table(what: "Table") -> None:
    """On stdout: as wide as the terminal, or as wide as it needs to be in a pipe."""
    from rich.console import Console

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE, highlight=False)
    if not sys.stdout.isatty():
        console.width = max(PIPE, narrowest(what))
    console.print(what)


def fitting(build: Callable[[int], "Table"], columns: int) -> "Table":
    """`build(n)` with the most of `columns` whose table a terminal has room for."""
    from rich.console import Console

    console = Console(file=sys.stdout)
    shown = columns
    while shown and sys.stdout.isatty() and narrowest(build(shown)) > console.width:
        shown -= 1
    return build(shown)


def narrowest(what: "Table") -> int:
    """The fewest characters of a line in which nothing of a table is cut off."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(width=10**4)
    return Measurement.get(console, console.options, what).minimum


def percent(share: float | None, spread: float | None = None) -> str:
    """A share of 1 in per cent, with its spread.

    >>> percent(0.9345), percent(0.9345, 0.0121), percent(None)
    ('93.5 %', '93.5 ± 1.2 %', '')
    """
    if share is None or math.isnan(share):
        return ""
    if spread is None:
        return f"{100 * share:.1f} %"
    return f"{100 * share:.1f} ± {100 * spread:.1f} %"


def amount(number: float | None) -> str:
    """A large number in three digits.

    >>> amount(61_706), amount(15_470_264_320), amount(12)
    ('61.7 k', '15.5 G', '12')
    """
    if number is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:g}"


def print_sizes(dataset: "Dataset[Any]") -> None:
    """How many examples there are, and what for."""
    train, validation, test = (int((dataset.split == number).sum()) for number in range(3))
    count = len(dataset.classes)
    classes = f" of {count:,} class{'' if count == 1 else 'es'}" if count else ""
    print(
        printable(
            f"{dataset.name}: {len(dataset):,} examples{classes}: {train:,} to learn from, "
            f"{validation:,} to choose on, {test:,} to score"
        )
    )


def print_doubts(dataset: "Dataset[Any]") -> None:
    """Notes on a dataset, what was left out of it, and what is marked doubtfully."""
    for note in dataset.notes:
        print(f"note: {printable(note)}")
    _print_some("left out", [(one.name, one.reason) for one in dataset.left_out])
    _print_some("doubtful", [(one.image, one.text) for one in dataset.targets.pressing])


def _print_some(heading: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Names with reasons, of many the first."""
    if pairs:
        print(f"{heading}: {len(pairs):,}")
    for name, reason in pairs[:NAMED]:
        print(f"  {printable(name)}: {printable(reason)}")
    if len(pairs) > NAMED:
        print(f"  and {len(pairs) - NAMED:,} more; --json names them all")
