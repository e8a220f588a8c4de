"""What findings are in words, for people, and in plain values, for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from striate.checking.findings import Findings
from striate.checking.kinds import KINDS
from striate.checking.leaking import sentence
from striate.data import SPLITS, Dataset
from striate.data.names import counted

UNEVEN = 3.0  # times as many images in the largest class as in the smallest
NAMED = 10  # left out, that are named in a summary
FEW = 3  # classes that are named in a sentence
SCARCE = 20  # images of a class below which it is worth a word


def lines(findings: Findings) -> tuple[str, ...]:
    """What was found, a sentence each, the worst first."""
    data, found = findings.dataset, []
    if len(findings.leaks):
        found.append(sentence(data, findings.leaks) + _effect(findings))
    found += repetitions(findings)
    found += findings.facts.faults
    if data.left_out:
        found.append(left_out(data))
    if findings.suspects:
        count = len(findings.suspects)
        found.append(f"{count:,} label{'s are' if count > 1 else ' is'} probably wrong")
    for kind, phrase in KINDS[data.thing].odd.items():
        if count := sum(one.kind == kind for one in findings.odd):
            found.append(f"{_things(data, count)} {phrase}")
    if words := uneven(data):
        found.append(words)
    return tuple(found)


def left_out(data: Dataset) -> str:
    """How many files, and entries of files, are left out; the first by name, with its reason."""
    count, first = len(data.left_out), data.left_out[0]
    what = f"{count:,} file{'s' if count > 1 else ''} or entr{'ies' if count > 1 else 'y'}"
    return f"{what} cannot be used: {first.name} ({first.reason}){' ...' if count > 1 else ''}"


def other_lines(findings: Findings) -> tuple[str, ...]:
    """Of those, what a score does not say of itself: copies and uneven classes."""
    rough = uneven(findings.dataset)
    return (*repetitions(findings), *((rough,) if rough else ()))


def summary(findings: Findings) -> str:
    """A heading and what was found, a line each."""
    data = findings.dataset
    head = f"{data.name}: {len(data):,} {data.thing}s"
    if data.classes:
        what = f" of {data.targets.things}" if data.targets.things else ""
        head += f" of {counted(len(data.classes), 'class')}{what}"
    told = [f"  {line}" for line in lines(findings) or ("nothing wrong found",)]
    named = [f"    {one.name}: {one.reason}" for one in data.left_out[1:NAMED]]
    if more := len(data.left_out) - NAMED:
        named += [f"    and {more:,} more; --json names them all"] if more > 0 else []
    if named:
        place = 1 + next(k for k, line in enumerate(told) if line[2:] == left_out(data))
        told[place:place] = named
    return "\n".join([head, *told, *(f"  note: {note}" for note in data.notes)])


def repetitions(findings: Findings) -> tuple[str, ...]:
    """What stands in the set more than once, leaks apart."""
    data, found = findings.dataset, []
    if len(findings.early):
        found.append(f"{_things(data, len(findings.early), 'validation ')} also in training")
    if findings.conflicts:
        count = len(findings.conflicts)
        found.append(f"{_nouns(data, count)} {findings.dataset.targets.contradiction}")
    if findings.copies:
        exact = sum(copies.exact for copies in findings.copies)
        repeat = "repeats" if findings.repeated == 1 else "repeat"
        found.append(
            f"{_things(data, findings.repeated)} {repeat} another: "
            f"{_nouns(data, len(findings.copies))} more than once, {exact:,} of them byte for byte"
        )
    return tuple(found)


def _effect(findings: Findings) -> str:
    if findings.effect is None:
        return ""
    return (
        f"; a plain classifier scores {findings.effect.all:.1%} with them and "
        f"{findings.effect.clean:.1%} without".replace("%", " %")
    )


def uneven(data: Dataset) -> str | None:
    """A sentence where the classes have very different numbers of examples, or one too few."""
    counts, things = data.counts().sum(1), data.targets.things or f"{data.thing}s"
    if not len(counts):
        return None
    most, least = int(counts.argmax()), int(counts.argmin())
    names = data.classes
    if not counts[most]:
        return None
    fewest = [name for name, count in zip(names, counts, strict=True) if count == counts[least]]
    if not counts[least]:
        return f"{_have(fewest)} no {things}"
    if counts[most] >= UNEVEN * counts[least]:
        times = counts[most] / counts[least]
        return (
            f"{names[most]} has {times:.1f} times as many {things} as {names[least]} "
            f"({counts[most]:,} and {counts[least]:,})"
        )
    if counts[least] < SCARCE:
        each = "only" if len(fewest) == 1 else "each"
        return f"{_have(fewest)} {counts[least]:,} {things} {each}"
    return None


def _have(names: Sequence[str]) -> str:
    """The beginning of a sentence on classes, of many their number and an example.

    >>> _have(["dress"]), _have(["dress", "shoes"]), _have("abcd")
    ('dress has', 'dress and shoes have', '4 classes, such as a, have')
    """
    if len(names) > FEW:
        return f"{counted(len(names), 'class')}, such as {names[0]}, have"
    *others, last = names
    return f"{', '.join(others)} and {last} have" if others else f"{last} has"


def to_json(findings: Findings) -> dict[str, Any]:
    """Everything as plain values, images by their names."""
    data = findings.dataset
    name = data.inputs.name

    def image(row: int) -> dict[str, str]:
        words = data.targets.words(row)
        return {"name": name(row), "label": words, "split": SPLITS[data.split[row]]}

    return {
        "data": {
            "name": data.name,
            "targets": data.targets.kind,
            f"{data.thing}s": len(data),
            "classes": {
                word: dict(zip(SPLITS, counts, strict=True))
                for word, counts in zip(data.classes, data.counts().tolist(), strict=True)
            },
            "fingerprint": data.fingerprint(),
            "notes": list(data.notes),
        },
        "summary": list(lines(findings)),
        "left_out": [{"name": one.name, "reason": one.reason} for one in data.left_out],
        "copies": [
            {
                f"{data.thing}s": [image(row) for row in copies.rows],
                "exact": copies.exact,
                "mirrored": copies.mirror,
                "likeness": round(copies.likeness, 4),
            }
            for copies in findings.copies
        ],
        "conflicts": [[name(row) for row in copies.rows] for copies in findings.conflicts],
        "leaks": {
            "test": [name(row) for row in findings.leaks.tolist()],
            "validation": [name(row) for row in findings.early.tolist()],
            "effect": findings.effect and vars(findings.effect),
        },
        "odd": [
            {"name": name(one.row), "kind": one.kind, "reason": one.reason} for one in findings.odd
        ],
        "labels": {
            "judged": findings.judged,
            "suspects": [
                {
                    **image(one.row),
                    "suggested": data.classes[one.given],
                    "probability": round(one.probability, 4),
                }
                for one in findings.suspects
            ],
        },
        "imbalance": uneven(data),
        "doubts": [asdict(doubt) for doubt in data.targets.doubts],
        "facts": dict(findings.facts.values),
    }


def _things(data: Dataset, count: int, kind: str = "") -> str:
    return f"{count:,} {kind}{data.thing}{'' if count == 1 else 's'}"


def _nouns(data: Dataset, count: int) -> str:
    return f"{count:,} {KINDS[data.thing].noun}{'' if count == 1 else 's'}"
