"""What a folder, a file or a cell of a list is for, by its name: whole words count, never parts.

`train`, `seg_train`, `training_set`, `train-images`, `val2017` are splits; `train_station` is not.
"""

from collections.abc import Iterable, Mapping

from striate.data.names import canonical, words_of
from striate.data.splits import TEST, TRAIN, VALIDATION

_TRAIN = ("train", "training", "trn", "trainval", "learn")
_VALIDATION = ("val", "valid", "validation", "dev", "development")
_TEST = ("test", "testing", "tst", "eval", "evaluation", "holdout")
_PLAIN = (
    *((word, TRAIN) for word in _TRAIN),
    *((word, VALIDATION) for word in _VALIDATION),
    *((word, TEST) for word in _TEST),
)
# Words that say nothing beside the word of a split: `train_images`, `seg_test`, `new_val_set`.
_FILLERS = frozenset((
    "set", "sets", "data", "dataset", "datasets", "image", "images", "img", "imgs", "picture",
    "pictures", "photo", "photos", "pic", "pics", "split", "splits", "subset", "folder", "folders",
    "dir", "seg", "cls", "det", "raw", "new", "final", "orig", "original", "originals", "clean",
    "resized", "cropped", "sample", "samples", "example", "examples", "file", "files", "the", "my",
    "a", "x", "v", "px", "public", "private", "jpg", "jpeg", "png", "out", "part", "partition",
    "phase", "all", "rgb",
))  # fmt: skip
_OF_FILES = frozenset((
    "annotations", "annotation", "instances", "instance", "labels", "label", "coco", "list", "info",
    "boxes", "bbox", "bboxes", "objects", "object", "person", "keypoints", "gt", "json", "via",
    "result", "results", "export", "exported", "createml", "default",
))  # fmt: skip
SPLIT_WORDS = dict(_PLAIN) | {
    f"{word}{filler}": split
    for word, split in _PLAIN
    for filler in ("set", "data", "images", "image", "imgs", "img", "folder")
}
PICTURES = frozenset((
    "images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "data", "frames",
))  # fmt: skip
MARKS = frozenset((
    "annotations", "annotation", "masks", "mask", "labels", "label", "trimaps", "trimap", "xmls",
    "xml", "groundtruth", "ground_truth", "gt", "segmentationclass", "segmentationobject",
    "segmentations", "segmentation", "imagesets", "instances", "json", "jsons", "mask_images",
    "annots", "anns", "bboxes", "boxes", "labelmaps", "depth",
))  # fmt: skip
_UNLABELED = frozenset((
    "pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "unlabel",
    "submission", "infer", "inference",
))  # fmt: skip


def role(name: str, *, file: bool = False) -> int | None:
    """The split that a folder's name says, alone or with words that mean nothing; None if none.

    Args:
        file: whether it is the name of a file with annotations, without suffix.

    >>> [role(name) for name in ("train", "Test_set", "val2017", "train_station", "contest")]
    [0, 2, 1, None, None]
    """
    found, rest = _parts(name)
    idle = _FILLERS | _OF_FILES if file else _FILLERS
    if found == {TRAIN, VALIDATION}:  # `train_val`
        found = {TRAIN}
    return next(iter(found)) if len(found) == 1 and idle.issuperset(rest) else None


def roles(names: Iterable[str]) -> dict[str, int]:
    """The splits that names beside each other say: also where they differ in that word alone, as
    `flowers_train` and `flowers_test` do.

    >>> roles(["flowers_train", "flowers_test", "notes"])
    {'flowers_train': 0, 'flowers_test': 2}
    """
    names = list(names)
    found = {name: split for name in names if (split := role(name)) is not None}
    alike: dict[tuple[str, ...], dict[str, int]] = {}
    for name in names:
        splits, rest = _parts(name)
        if name not in found and len(splits) == 1:
            alike.setdefault(rest, {})[name] = next(iter(splits))
    for group in alike.values():
        if TRAIN in group.values() and len(set(group.values())) > 1:
            found |= group
    return {name: found[name] for name in names if name in found}


def unlabeled(name: str) -> bool:
    """Whether a folder's name says that its images have no labels: `seg_pred`, `unlabeled`."""
    words = words_of(name)
    return any(word in _UNLABELED for word in words)


def idle(name: str) -> bool:
    """Whether a folder's name says nothing of what its images show: `images`, `data`, `train`."""
    words = words_of(name)
    known = _FILLERS | PICTURES | _UNLABELED | SPLIT_WORDS.keys() | {"unknown", "none"}
    return all(word in known or word.isdecimal() for word in words)


def marks_of_pictures(names: Iterable[str]) -> set[str]:
    """Of folders beside each other, those that hold masks or annotations of what lies in the rest:
    `masks` beside `images`, `annotations` beside `train`; not `masks` beside `gloves`.

    >>> marks_of_pictures(["images", "trimaps"]), marks_of_pictures(["masks", "gloves"])
    ({'trimaps'}, set())
    """
    names = list(names)
    marks = {name for name in names if _plain(name) in MARKS}
    others = [name for name in names if name not in marks]
    held = any(_plain(name) in PICTURES or role(name) is not None for name in others)
    return marks if held else set()


def _plain(name: str) -> str:
    return canonical(name).lower()


def _parts(name: str) -> tuple[set[int], tuple[str, ...]]:
    """The splits that words of a name say, and its other words without numbers."""
    words = words_of(name)
    if words == ("hold", "out"):
        return {TEST}, ()
    splits = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    rest = (word for word in words if word not in SPLIT_WORDS and not word.isdecimal())
    return splits, tuple(rest)


def split_of_cell(cell: str) -> int | None:
    """The split that a word in a list says; None if it says none."""
    return role(cell) if cell else None


TRUTH: Mapping[str, bool] = {
    "1": True, "true": True, "yes": True, "y": True, "t": True, "1.0": True,
    "0": False, "false": False, "no": False, "n": False, "f": False, "0.0": False,
}  # fmt: skip
