"""Drawing one split from another: stratified, seeded, and tied to names instead of order."""

from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from striate.data.names import counted, quoted

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
ASIDE = -1

Rows = NDArray[np.int64] | Sequence[int]


def nothing_to_learn(split: NDArray[np.int8], *, name: str, thing: str, marked: str) -> str:
    """Why a set cannot be learned from whose training split has nothing marked.

    >>> nothing_to_learn(np.array([1], np.int8), name="a", thing="image", marked="has a caption")
    'a: no training image has a caption, for its files or lists name all for validation or test'
    """
    why = ", for its files or lists name all for validation or test" if len(split) else ""
    return f"{name}: no training {thing} {marked}{why}"


def stratified(
    strata: NDArray[np.int64],
    share: float,
    *,
    seed: int,
    keys: Sequence[str] | None = None,
    keep: int = 1,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Draws `share` of every stratum (class): (N,) bool, True where drawn.

    Of a class of n images it draws round(share * n), but at least one, and it leaves at least
    `keep` (so that of a class of `keep` or fewer it draws none). Inside a class, the images whose
    key has the smallest keyed hash are drawn: the order of the rows has no influence, and a file
    added later moves few of the others to another split.

    Args:
        strata: (N,) the number of each one's stratum.
        share: in [0, 1].
        keys: (N,) what names each image wherever it stands; without it, the row's number.
        groups: (N,) equal for images that are drawn together or not at all. The smallest keyed hash
            of its images stands for a group, and `keep` counts groups.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], not {share}")
    strata = np.asarray(strata)
    if keys is None:
        keys = [str(row) for row in range(len(strata))]
    salt = seed.to_bytes(16, "little", signed=True)
    hashes = [
        blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16, key=salt).digest()
        for key in keys
    ]
    ranked = sorted(range(len(strata)), key=lambda row: (hashes[row], row))
    ranking = np.array(ranked, dtype=np.int64)
    if groups is not None:
        return _grouped(strata, np.asarray(groups), ranking, share, keep)
    drawn = np.zeros(len(strata), dtype=bool)
    by_class = ranking[np.argsort(strata[ranking], kind="stable")]
    classes, counts = np.unique(strata, return_counts=True)
    for rows in np.split(by_class, np.cumsum(counts)[:-1]) if len(classes) else ():
        drawn[rows[: count(len(rows), share, keep)]] = True
    return drawn


def _grouped(
    strata: NDArray[np.int64],
    groups: NDArray[np.int64],
    ranking: NDArray[np.int64],
    share: float,
    keep: int,
) -> NDArray[np.bool_]:
    """As `stratified`, whole groups at a time: one is drawn if that brings the classes nearer to
    their share. Of groups of one image each, the same are drawn as without groups.

    Args:
        ranking: (N,) the rows in the order of their hashes.
    """
    members: dict[int, list[int]] = {}
    for row in ranking.tolist():
        members.setdefault(int(groups[row]), []).append(row)
    contents = {group: Counter(strata[rows].tolist()) for group, rows in members.items()}
    left = Counter(stratum for content in contents.values() for stratum in content)  # groups
    wanted = {
        stratum: count(images, share, 1) for stratum, images in Counter(strata.tolist()).items()
    }
    drawn = np.zeros(len(strata), dtype=bool)
    taken: Counter[int] = Counter()  # images drawn of each class

    def draw(group: int) -> None:
        drawn[members[group]] = True
        for stratum, images in contents[group].items():
            taken[stratum] += images
            left[stratum] -= 1

    def spared(group: int) -> bool:
        return all(left[stratum] > keep for stratum in contents[group])

    def nearer(group: int) -> bool:
        gain = 0
        for stratum, images in contents[group].items():
            missing = wanted[stratum] - taken[stratum]
            gain += abs(missing) - abs(missing - images)
        return gain > 0

    for group in members:
        if spared(group) and nearer(group):
            draw(group)
    for stratum in sorted(wanted):  # a class of a few large groups, none of which was near enough
        if wanted[stratum] and not taken[stratum]:
            able = [each for each in members if stratum in contents[each] and spared(each)]
            able = [each for each in able if not drawn[members[each][0]]]
            if able:
                draw(min(able, key=lambda each: len(members[each])))
    return drawn


def count(images: int, share: float, keep: int) -> int:
    """How many of a class of `images` are drawn.

    >>> [count(n, 0.2, keep=1) for n in (1, 2, 5, 7, 8, 100)]
    [0, 1, 1, 1, 2, 20]
    """
    if share == 0:
        return 0
    return max(0, min(max(1, int(share * images + 0.5)), images - keep))


def joined(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) the finest groups that keep together what either of two groupings (N,) does.

    >>> joined(np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7])).tolist()
    [0, 0, 0, 3]
    """
    leader = list(range(len(first)))

    def lead(row: int) -> int:
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    for groups in (first, second):
        known: dict[int, int] = {}
        for row, group in enumerate(groups.tolist()):
            low, high = sorted((lead(known.setdefault(group, row)), lead(row)))
            leader[high] = low
    return np.array([lead(row) for row in range(len(leader))], np.int64)


def straddling(
    split: NDArray[np.int8], groups: NDArray[np.int64], parts: Collection[int]
) -> NDArray[np.int64]:
    """The groups of which some are in one of these splits, and some in another split.

    >>> straddling(np.array([0, 2, 0, 1]), np.array([7, 7, 8, 8]), {2}).tolist()
    [7]
    """
    used = split != ASIDE
    both = [np.intersect1d(groups[split == part], groups[used & (split != part)]) for part in parts]
    return np.unique(np.concatenate(both)) if both else np.empty(0, np.int64)


def torn(names: Sequence[str], split: NDArray[np.int8]) -> str | None:
    """A note on groups that a set's own splits tear apart; None where there are none.

    Args:
        names: (N,) of the group of each input; "" where it is of none.
    """
    index = {name: number for number, name in enumerate(dict.fromkeys(filter(None, names)))}
    rows = [row for row, name in enumerate(names) if name]
    groups = np.array([index[names[row]] for row in rows], np.int64)
    across = straddling(split[rows], groups, range(len(SPLITS)))
    if not len(across):
        return None
    called = list(index)
    some = quoted([called[number] for number in across.tolist()], most=3)
    return (
        f"{len(across):,} of {counted(len(index), 'group')} in several splits of the list "
        f"({some}): scores are too good where a group that is scored was learned from"
    )
