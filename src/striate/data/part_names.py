"""What the names of parts tell: which are left and right of each other, and which are eyes."""

import re
from collections.abc import Sequence

from striate.data.names import words_of

OTHER = {"left": "right", "l": "r", "right": "left", "r": "l"}
LEFT = ("left", "l")
SIDED = re.compile(r"^(left|right)(?=.)|(?<=.)(left|right)$")  # `leftear`, `earleft`
CAPITAL = re.compile(r"^([LR])(?=[A-Za-z])|(?<=[a-z])([LR])$")  # `Lear`, `earL`
IBUG = 68  # landmarks of a face, as iBUG's 300-W numbers them (Sagonas et al. 2013, Figure 1)
IBUG_EYES = (tuple(range(36, 42)), tuple(range(42, 48)))
# First and last of each run, and the sum of two that are each other's mirror images.
IBUG_SUMS = (
    (0, 16, 16), (17, 26, 43), (31, 35, 66), (36, 39, 81), (40, 41, 87), (42, 45, 81),
    (46, 47, 87), (48, 54, 102), (55, 59, 114), (60, 64, 124), (65, 67, 132),
)  # fmt: skip


def numbered(names: Sequence[str]) -> bool:
    """Whether parts are called by their numbers alone."""
    return len(names) > 1 and all(name.isdecimal() for name in names)


def mirrored_parts(names: Sequence[str]) -> tuple[int, ...] | None:
    """The part that each becomes in the mirror; None where the names do not tell.

    >>> mirrored_parts(["snout", "leftear", "rightear"]), mirrored_parts(["eye_l", "eye_R"])
    ((0, 2, 1), (1, 0))
    >>> mirrored_parts(["0", "1"]) is None, mirrored_parts(["left_ear", "tail"]) is None
    (True, True)
    """
    if numbered(names):
        return ibug_mirrored() if len(names) == IBUG else None
    places = {tuple(map(str, words_of(name))): place for place, name in enumerate(names)}
    plain = {name.lower(): place for place, name in enumerate(names)}
    plain |= {name: place for place, name in enumerate(names)}
    found = []
    for place, name in enumerate(names):
        forms = _others(name)
        others = [plain[form] for form in forms if form in plain]
        others += [places[w] for form in forms if (w := words_of(form)) in places]
        if not others and _sure(name):
            return None  # a side without the other one
        found.append(others[0] if others else place)
    if any(found[other] != place for place, other in enumerate(found)):
        return None
    return tuple(found)


def _others(name: str) -> list[str]:
    """Names that the same part may have on the other side."""
    words = words_of(name)
    forms = [
        " ".join((*words[:k], OTHER[word], *words[k + 1 :]))
        for k, word in enumerate(words)
        if word in OTHER
    ]
    low = name.lower()
    if match := SIDED.search(low):
        forms.append(low[: match.start()] + OTHER[match.group()] + low[match.end() :])
    if match := CAPITAL.search(name):
        other = OTHER[match.group().lower()].upper()
        forms.append(name[: match.start()] + other + name[match.end() :])
    return forms


def _sure(name: str) -> bool:
    """Whether a name says for certain that its part has a side."""
    return side_of(name) is not None and bool(
        {"left", "right"} & set(words_of(name)) or SIDED.search(name.lower())
    )


def side_of(name: str) -> str | None:
    """ "left" or "right" where a name says it: as a word, or at its beginning or end."""
    sides = {"left" if word in LEFT else "right" for word in words_of(name) if word in OTHER}
    if match := SIDED.search(name.lower()):
        sides.add(match.group())
    if not sides and (match := CAPITAL.search(name)):
        sides.add("left" if match.group() == "L" else "right")
    return sides.pop() if len(sides) == 1 else None


def eyes_of(names: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The parts of the left and of the right eye; None where there are not both.

    >>> eyes_of(["nose", "left_eye", "righteye", "left_eyebrow"])
    ((1,), (2,))
    """
    if numbered(names):
        return IBUG_EYES if len(names) == IBUG else None
    eyes: dict[str, list[int]] = {"left": [], "right": []}
    for place, name in enumerate(names):
        low, side = name.lower(), side_of(name)
        if "eye" in low and "brow" not in low and "lash" not in low and side is not None:
            eyes[side].append(place)
    if not (eyes["left"] and eyes["right"]):
        return None
    return tuple(eyes["left"]), tuple(eyes["right"])


def ibug_mirrored() -> tuple[int, ...]:
    """The mirror images of iBUG's 68 landmarks."""
    found = list(range(IBUG))
    for first, last, total in IBUG_SUMS:
        for place in range(first, last + 1):
            found[place] = total - place
    return tuple(found)
