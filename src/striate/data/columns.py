"""What the columns of a list of images and labels hold."""

import re
from collections.abc import Sequence
from pathlib import Path

from striate.data.headings import FLAGS, HEADINGS, NUMBER, Table, is_path, unused
from striate.data.names import canonical, counted, quoted
from striate.data.roles import TRUTH, split_of_cell
from striate.data.splits import SPLITS, TEST, TRAIN, VALIDATION
from striate.errors import DataError

MOST = 1e9  # of a weight
EXPECTED = "expected path,label or path,label,split"
BLANK = frozenset(("", "nan", "<na>", "n/a", "#n/a", "null"))
ONE_HOT = "one column a class"
MARKED = frozenset(("0", "1", "-1", "0.0", "1.0", "-1.0", ""))  # what its cells hold
SEVERAL = "which names several classes an image, and one is expected; learn tags, or make it one"


def columns_of(path: Path, table: Table) -> None:
    """Sees which column holds the paths, the labels and the splits; what is not used is noted.

    Raises:
        DataError: if it is not known.
    """
    columns, width = table.columns, max(len(fields) for _, fields in table.rows)
    if not table.headings:
        _without_headings(path, table, width)
        return
    weights = _cells_of(table, "weight")
    if "label" not in columns and (set(weights) <= MARKED or not _numbers(weights)):
        columns.pop("weight", None)  # a class of that name, or words for classes
    if not columns.keys() >= {"label"}:
        rest = [
            place
            for place, name in enumerate(table.headings)
            if place not in columns.values() and name and not _flag(name)
        ]
        hot = [place for place in rest if set(table.column(place)) <= MARKED]
        if len(hot) > 1:
            table.notes.append(f"{ONE_HOT}: {quoted(table.titles[place] for place in hot)}")
            columns.update({f"class {place}": place for place in hot})
        elif (place := _label_in(rest, table)) is not None:
            columns["label"] = place
            table.notes.append(f"column {table.headings[place]!r} is taken for the label")
        else:
            names = ", ".join(repr(name) for name in table.headings[:6])
            raise DataError(f"{path}: the first line names no label column ({names}); {EXPECTED}")
    _prefer_words(table)
    used = [*columns.values(), *(p for p, name in enumerate(table.headings) if _flag(name))]
    if note := unused(table, used):
        table.notes.append(note)


def _label_in(places: Sequence[int], table: Table) -> int | None:
    """Of columns that nobody knows the one with words that repeat, if its heading has a word for
    labels as no other has, or there is no other."""
    known = {word for word in HEADINGS["label"] if " " not in word and len(word) > 2}
    named = [place for place in places if known & set(table.headings[place].split())]
    few = named if len(named) == 1 else places
    if len(few) == 1 and 2 * len(set(table.column(few[0]))) <= len(table.rows):
        return few[0]
    return None


def _without_headings(path: Path, table: Table, width: int) -> None:
    first = table.rows[0][1]
    names = ", ".join(repr(cell) for cell in first[:4])
    if width == 1:
        raise DataError(f"{path}: 1 column ({names}); {EXPECTED}")
    if width > 3:
        raise DataError(
            f"{path}: the first line names no path and label columns ({names}), and there are "
            f"{width}; {EXPECTED}"
        )
    if len(first) < 2:
        raise DataError(f"{path}: the first line has 1 column ({names}), and others {width}")
    kinds = ("label", "path") if is_path(first[1]) and not is_path(first[0]) else ("path", "label")
    sides = [cells[kinds.index("path")] for _, cells in table.rows[:50] if len(cells) > 1]
    if not any("/" in side or "\\" in side or "." in side for side in sides):
        raise DataError(
            f"{path}: the first line names no path and label columns ({names}); {EXPECTED}"
        )
    table.columns.update(zip((*kinds, "split"), range(width), strict=False))


def _flag(name: str) -> str | None:
    """The split that a column of yes and no is about."""
    return next((split for split, names in FLAGS.items() if name in names), None)


def _prefer_words(table: Table) -> None:
    """Names of classes instead of their numbers, where both are there."""
    columns = table.columns
    if "label" not in columns or not _numbers(table.column(columns["label"])):
        return
    taken = {place for kind, place in columns.items() if kind != "label"}
    for name in HEADINGS["label"]:
        for place, heading in enumerate(table.headings):
            if heading != name or place in taken or place == columns["label"]:
                continue
            words, numbers = table.column(place), table.column(columns["label"])
            if not _numbers(words) and len(set(zip(numbers, words, strict=True))) == len(
                set(numbers)
            ):
                columns["label"] = place
                return


def _numbers(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.lower() not in BLANK]
    return bool(filled) and all(NUMBER.fullmatch(cell) for cell in filled)


def class_columns(table: Table) -> list[int]:
    """Those of a table that has one column a class."""
    return sorted(place for kind, place in table.columns.items() if kind[:6] == "class ")


def labels_of(path: Path, table: Table) -> list[str]:
    """The label of every row, "" where it has none.

    Raises:
        DataError: if rows have several.
    """
    if hot := class_columns(table):
        return _one_hot(path, table, hot)
    cells = [canonical(cell) for cell in table.column(table.columns["label"])]
    labels = ["" if cell.lower() in BLANK else cell for cell in cells]
    if _numbers(cells) and any("." in label for label in labels):
        values = {label: float(label) for label in set(labels) if label}
        if all(value.is_integer() for value in values.values()):
            labels = [str(int(values[label])) if label else "" for label in labels]
    _see_single(path, labels)
    return labels


def _one_hot(path: Path, table: Table, places: Sequence[int]) -> list[str]:
    labels = []
    several = 0
    for _, fields in table.rows:
        marked = [p for p in places if p < len(fields) and fields[p].strip() in ("1", "1.0")]
        several += len(marked) > 1
        labels.append(table.titles[marked[0]] if len(marked) == 1 else "")
    if several:
        raise DataError(f"{path}: {counted(several, 'line')} with several 1s, {SEVERAL}")
    return labels


SEPARATORS = {"|": r"\s*\|\s*", ";": r"\s*;\s*", ",": r"\s*,\s*", "a blank": r"\s+"}


def _see_single(path: Path, labels: Sequence[str]) -> None:
    """Sees that labels are not several words each, combined in every way.

    Raises:
        DataError: if they are.
    """
    if separator := separator_of(labels):
        several = [label for label in labels if re.search(SEPARATORS[separator], label)]
        raise DataError(f"{path}: labels like {min(several)!r:.60}, {SEVERAL}")


def separator_of(labels: Sequence[str]) -> str | None:
    """What separates several classes in labels, a key of SEPARATORS; None where each is one."""
    words = {label for label in labels if label}
    for called, separator in SEPARATORS.items():
        pieces = {label: frozenset(re.split(separator, label)) for label in words}
        several = {label for label, parts in pieces.items() if len(parts) > 1}
        if not several:
            continue
        held: dict[str, int] = {}
        for parts in pieces.values():
            for part in parts:
                held[part] = held.get(part, 0) + 1
        # `red shiny`, `red dull`, `blue shiny`, `blue dull`; not `golden retriever`, `old boat`.
        if all(held[part] > 1 for label in several for part in pieces[label]) or (
            called in ("|", ";")
            and any(held[part] > 1 for label in several for part in pieces[label])
        ):
            return called
    return None


def _cells_of(table: Table, kind: str) -> list[str]:
    """The cells of the column of a kind; none where there is no such column."""
    return table.column(table.columns[kind]) if kind in table.columns else []


def weights_of(table: Table) -> list[float]:
    """How much each row counts in learning; 1 where a cell is empty, and all where the column holds
    anything else than numbers of 0 or more."""
    cells = _cells_of(table, "weight")
    if not cells:
        return [1.0] * len(table.rows)
    filled = [cell for cell in cells if cell.lower() not in BLANK]
    name = table.titles[table.columns["weight"]]
    wrong = [cell for cell in filled if not NUMBER.fullmatch(cell) or not 0 <= float(cell) < MOST]
    if wrong or not any(float(cell) for cell in filled):
        why = f"it holds {wrong[0]!r:.40}" if wrong else "it holds nothing above 0"
        table.notes.append(f"column {name!r} does not say how much images count: {why}")
        return [1.0] * len(table.rows)
    table.notes.append(
        f"column {name!r} says how much each image counts in learning; choices and scores count "
        "all alike"
    )
    return [1.0 if cell.lower() in BLANK else float(cell) for cell in cells]


def splits_of(path: Path, table: Table) -> list[int | None]:
    """The split of every row by the list's own column; None where that says nothing that is known.

    Raises:
        DataError: if it is not known what the column means.
    """
    flags = {place: split for place, name in enumerate(table.headings) if (split := _flag(name))}
    if "split" in table.columns:
        return _by_word(path, table)
    if flags:
        table.notes.append(f"splits are of {quoted(table.headings[place] for place in flags)}")
        return [_flagged(fields, flags) for _, fields in table.rows]
    return [TRAIN] * len(table.rows)


def _flagged(fields: Sequence[str], flags: dict[int, str]) -> int | None:
    said = {
        split: TRUTH.get(fields[place].strip().lower())
        for place, split in flags.items()
        if place < len(fields)
    }
    for split, number in (("test", TEST), ("validation", VALIDATION), ("train", TRAIN)):
        if said.get(split):
            return number
    if None in said.values() or not said:
        return None
    return TEST if set(said) == {"train"} else TRAIN


def _by_word(path: Path, table: Table) -> list[int | None]:
    cells = [cell.strip() for cell in table.column(table.columns["split"])]
    words = {cell.lower().removesuffix(".0") for cell in cells}
    known = _numbered([cell.lower().removesuffix(".0") for cell in cells])
    if known:
        called = ", ".join(f"{word} {SPLITS[split]}" for word, split in sorted(known.items()))
        table.notes.append(f"the list's split has numbers, taken for: {called}")
        return [known[cell.lower().removesuffix(".0")] for cell in cells]
    found = [split_of_cell(cell) for cell in cells]
    if 2 * found.count(None) > len(found):
        unknown = quoted({cell for cell, split in zip(cells, found, strict=True) if split is None})
        raise DataError(
            f"{path}: split {unknown} of {len(words)} words; it must be one of {', '.join(SPLITS)}"
        )
    return found


def _numbered(cells: Sequence[str]) -> dict[str, int] | None:
    """What 0, 1 (and 2) mean where they stand for splits: the most frequent is learned from."""
    words = set(cells)
    if words == {"0", "1"} or (words == {"false", "true"}):
        low, high = sorted(words)
        more = low if cells.count(low) >= cells.count(high) else high
        return {low: TRAIN if more == low else TEST, high: TRAIN if more == high else TEST}
    if words == {"0", "1", "2"} and cells.count("0") > max(cells.count("1"), cells.count("2")):
        return {"0": TRAIN, "1": VALIDATION, "2": TEST}
    return None
