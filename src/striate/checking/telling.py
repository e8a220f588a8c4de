"""What findings are in words, for people, and in plain values, for programs."""

from typing import TYPE_CHECKING, Any

from striate.checking.leaking import sentence
from striate.data import SPLITS, Dataset

if TYPE_CHECKING:
    from striate.checking.findings import Findings

UNEVEN = 3.0  # times as many images in the largest class as in the smallest
SCARCE = 20  # images of a class below which it is worth a word
KINDS = {
    "small": "very small",
    "dark": "very dark",
    "blank": "of one flat color",
    "shape": "of an odd shape",
    "mode": "in another color mode than most",
}


def lines(findings: "Findings") -> tuple[str, ...]:
    """What was found, a sentence each, the worst first."""
    data, found = findings.dataset, []
    if len(findings.leaks):
        found.append(sentence(data, findings.leaks) + _effect(findings))
    found += repetitions(findings)
    if findings.boxes is not None:
        found += findings.boxes.lines
    if data.left_out:
        count = len(data.left_out)
        found.append(f"{count:,} file{'s' if count > 1 else ''} cannot be used")
    if findings.suspects:
        count = len(findings.suspects)
        found.append(f"{count:,} label{'s are' if count > 1 else ' is'} probably wrong")
    for kind, phrase in KINDS.items():
        if count := sum(one.kind == kind for one in findings.odd):
            found.append(f"{_images(count)} {phrase}")
    if words := uneven(data):
        found.append(words)
    return tuple(found)


def repetitions(findings: "Findings") -> tuple[str, ...]:
    """What stands in the set more than once, leaks apart."""
    found = []
    if len(findings.early):
        found.append(f"{_images(len(findings.early), 'validation ')} also in training")
    if findings.conflicts:
        count = len(findings.conflicts)
        found.append(f"{_pictures(count)} under several labels, of which one at most is right")
    if findings.copies:
        exact = sum(copies.exact for copies in findings.copies)
        found.append(
            f"{_images(findings.repeated)} repeat{'s' if findings.repeated == 1 else ''} another: "
            f"{_pictures(len(findings.copies))} more than once, {exact:,} of them byte for byte"
        )
    return tuple(found)


def _effect(findings: "Findings") -> str:
    if findings.effect is None:
        return ""
    return (
        f"; a plain classifier scores {findings.effect.all:.1%} with them and "
        f"{findings.effect.clean:.1%} without".replace("%", " %")
    )


def uneven(data: Dataset) -> str | None:
    """A sentence where classes have very different numbers of images, or too few."""
    counts = data.counts().sum(1)
    most, least = int(counts.argmax()), int(counts.argmin())
    names = data.classes
    if counts[most] >= UNEVEN * counts[least]:
        times = counts[most] / max(counts[least], 1)
        return (
            f"{names[most]} has {times:.1f} times as many images as {names[least]} "
            f"({counts[most]:,} and {counts[least]:,})"
        )
    if counts[least] < SCARCE:
        return f"{names[least]} has {counts[least]:,} images only"
    return None


def to_json(findings: "Findings") -> dict[str, Any]:
    """Everything as plain values, images by their names."""
    data = findings.dataset
    name = data.images.name

    def image(row: int) -> dict[str, str]:
        label = data.classes[data.targets[row]]
        return {"name": name(row), "label": label, "split": SPLITS[data.split[row]]}

    return {
        "data": {
            "name": data.name,
            "images": len(data),
            "classes": {
                word: dict(zip(SPLITS, counts, strict=True))
                for word, counts in zip(data.classes, data.counts().tolist(), strict=True)
            },
            "fingerprint": data.fingerprint(),
            "notes": list(data.notes),
        },
        "summary": list(findings.lines),
        "broken": [{"name": one.name, "reason": one.reason} for one in data.left_out],
        "copies": [
            {
                "images": [image(row) for row in copies.rows],
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
        "boxes": findings.boxes and findings.boxes.to_json(),
    }


def _images(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}image{'' if count == 1 else 's'}"


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"
