"""Masks that are files beside their pictures: found, paired, and their values understood.

images/NAME.jpg   masks/NAME.png                       also train/images, labels, annotations ...
NAME.jpg          NAME.png                             or NAME_mask.png, NAME_L.png
JPEGImages/NAME.jpg   SegmentationClass/NAME.png   ImageSets/Segmentation/train.txt
train/SPECIES/NAME.jpg   masks/train/NAME.png
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from striate.data.names import printable, stem_of, words_of
from striate.data.places import key_of
from striate.data.remembering import remembered
from striate.data.roles import PICTURES, idle, role
from striate.data.walking import Folder, Place, marks_below, walk

# Folders of masks, the most usual first: of several masks of a picture, that of the first is taken.
FOLDERS = (
    "masks", "mask", "segmentationclass", "trimaps", "trimap", "labels", "label", "labelmaps",
    "annotations", "annotation", "annots", "annot", "groundtruth", "gt", "segmentation",
    "segmentations",
)  # fmt: skip
OTHERS = frozenset(("instances", "instance", "object", "objects", "depth", "overlay", "overlays"))
ENDING = re.compile(
    r"[_-](masks?|labels?|seg|segmentation|gt|trimap|groundtruth|annotation|lbl|l|labelids)$",
    re.IGNORECASE,
)
# What names have in which ENDING is.
MARKED = tuple(
    f"{dash}{word}"
    for dash in "_-"
    for word in ("mask", "label", "seg", "gt", "trimap", "groundtruth", "annotation", "lbl", "l.")
)
EXACT = frozenset((".png", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pnm"))
EXPECTED = "pictures with masks: images/1.jpg and masks/1.png, or 1.jpg beside 1.png"


@dataclass(frozen=True)
class Pair:
    """A picture and its mask, paths below the root."""

    picture: str
    mask: str


@dataclass
class Pairing:
    """What belongs together below a folder."""

    pairs: list[Pair] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)  # pictures without mask
    lone: dict[str, str] = field(default_factory=dict)  # masks without picture, with reasons


def rank(name: str) -> int | None:
    """The place of a folder's name in FOLDERS; None if it holds no masks.

    >>> rank("masks"), rank("train_labels"), rank("trainannot"), rank("SegmentationObject")
    (0, 5, 11, None)
    """
    words = words_of(name)
    if OTHERS.intersection(words):
        return None
    joined = "".join(words)
    for place, word in enumerate(FOLDERS):
        if word in words or joined in (word, f"train{word}", f"val{word}", f"test{word}"):
            return place
    return None


def paired(folder: Folder) -> Pairing:
    """The pictures below a folder and their masks, by names alone."""
    pictures: dict[str, Place] = {}
    masks: dict[str, tuple[int, Place]] = {}
    for place, names in folder.files.items():
        if any(OTHERS.intersection(words_of(part)) for part in place):
            continue
        ranks = [found for part in place if (found := rank(part)) is not None]
        start = "".join(f"{part}/" for part in place)
        for name in names:
            if ranks:
                masks[start + name] = (min(ranks), place)
            else:
                pictures[start + name] = place
    beside = _beside(pictures) if not masks else {}
    for mask in beside.values():
        masks[mask] = (len(FOLDERS), pictures.pop(mask))
    return _joined(pictures, masks)


def _beside(pictures: Mapping[str, Place]) -> dict[str, str]:
    """Masks that lie in the folder of their pictures, by picture."""
    stems: dict[tuple[Place, str], list[str]] = {}
    for path, place in pictures.items():
        name = path.rpartition("/")[2]
        stems.setdefault((place, key_of(stem_of(name))), []).append(path)
    found = {}
    for (place, stem), paths in stems.items():
        exact = [path for path in paths if suffix(path) in EXACT]
        if len(paths) == 2 and len(exact) == 1:
            found[next(path for path in paths if path not in exact)] = exact[0]
        short = ENDING.sub("", stem)
        owner = stems.get((place, short), [])
        if short != stem and len(paths) == len(owner) == 1:
            found[owner[0]] = paths[0]
    return found if 2 * len(found) >= len(pictures) - len(found) else {}


def suffix(path: str) -> str:
    """The suffix of a path, in lower case."""
    return f".{path.rpartition('.')[2].lower()}"


def _joined(pictures: Mapping[str, Place], masks: Mapping[str, tuple[int, Place]]) -> Pairing:
    """Each mask with the picture of its name that lies where it should."""
    by_stem: dict[str, list[str]] = {}
    for path in pictures:
        by_stem.setdefault(key_of(stem_of(path.rpartition("/")[2])), []).append(path)
    chosen: dict[str, list[tuple[int, str]]] = {}
    result = Pairing()
    for mask, (order, place) in masks.items():
        stem = key_of(stem_of(mask.rpartition("/")[2]))
        paths = by_stem.get(stem) or by_stem.get(ENDING.sub("", stem), [])
        near = _nearest(paths, pictures, place)
        if len(near) == 1:
            chosen.setdefault(near[0], []).append((order, mask))
        else:
            result.lone[mask] = (
                f"is the mask of one of {len(near)} pictures of its name" if near
                else "has no picture of its name"
            )  # fmt: skip
    for picture in pictures:
        found = sorted(chosen.get(picture, ()))
        if not found:
            result.bare.append(picture)
        elif len(found) > 1 and found[0][0] == found[1][0]:
            for _, mask in found:
                result.lone[mask] = f"is one of {len(found)} masks of {printable(picture)!r}"
            result.bare.append(picture)
        else:
            result.pairs.append(Pair(picture, found[0][1]))
    return result


def _nearest(paths: Sequence[str], pictures: Mapping[str, Place], place: Place) -> list[str]:
    """Those pictures whose folders have most in common with a mask's, and no other split."""
    mine, split = set(map(key_of, place)), split_of(place)
    scored = [
        (len(mine.intersection(map(key_of, pictures[path]))), path)
        for path in paths
        if None in (split, split_of(pictures[path])) or split == split_of(pictures[path])
    ]
    best = max((score for score, _ in scored), default=0)
    return [path for score, path in scored if score == best]


def split_of(place: Place) -> int | None:
    for part in place:
        words = [word for word in words_of(part) if word not in FOLDERS]
        found = role(part) if words else None
        if found is None and words:
            found = role("_".join(words))
        if found is not None:
            return found
    return None


def is_masked(root: Path) -> bool:
    """Whether a folder holds pictures with masks."""
    return root.is_dir() and _may_be(walk(root)) and bool(_pairs(root))


def _pairs(root: Path) -> list[Pair]:
    return _pairing(root).pairs


def _pairing(root: Path) -> Pairing:
    return remembered(("masks", root), lambda: paired(walk(root)))


def _may_be(folder: Folder) -> bool:
    """Whether some names are those of masks, or files of several kinds lie in one folder; else
    there is nothing to pair, which large sets without masks shall not pay for."""
    for place, names in folder.files.items():
        if any(rank(part) is not None for part in place):
            return True
        text = "\n".join((*names, "")).lower()
        if any(mark in text for mark in MARKED):
            return True
        if any(0 < text.count(f"{end}\n") < len(names) for end in EXACT):
            return True
    return False


def is_masked_only(root: Path) -> bool:
    """Whether it does, and nothing else is marked there: no boxes, no class folders."""
    if not is_masked(root) or walk(root).marking(".xml", ".json"):
        return False
    places = {pair.picture.rpartition("/")[0] for pair in _pairs(root)}
    lasts = {place.rpartition("/")[2] for place in places}
    return len(lasts - {""}) < 2 or all(plain(last) for last in lasts)


def is_masked_badly(root: Path) -> bool:
    """Whether a folder is meant to hold pictures with masks and nothing else: folders of both kinds
    are there, also where no mask is that of a picture, or masks are in files that are not read."""
    if not root.is_dir():
        return False
    folder = walk(root)
    if not folder.files or not _may_be_meant(folder):
        return False
    pairing = _pairing(root)
    pictures = (*pairing.bare, *(pair.picture for pair in pairing.pairs))
    return bool(pictures) and all(plain(name) for path in pictures for name in path.split("/")[:-1])


def _may_be_meant(folder: Folder) -> bool:
    """Whether a folder of masks lies beside one of pictures; not one of lists of boxes."""
    empty = [tuple(name.rstrip("/").split("/")) for name in folder.empty]
    masks = marks_below((*folder.files, *(place for place in empty if place not in folder.marks)))
    return any(rank(place[-1]) is not None for place in masks)


def labeled(pictures: Iterable[str]) -> bool:
    """Whether pictures lie in folders that say what they show, at least two.

    >>> labeled(["train/cat/1.jpg", "train/dog/1.jpg"])
    True
    >>> labeled(["train/1.jpg", "val/images/1.jpg"])
    False
    """
    lasts = {path.rpartition("/")[0].rpartition("/")[2] for path in pictures}
    return len(lasts) > 1 and not any(map(plain, lasts))


def plain(name: str) -> bool:
    """Whether a folder's name says nothing of what its pictures show."""
    return not name or idle(name) or role(name) is not None or name.lower() in PICTURES
