"""Class folders as people have them."""

import os
from pathlib import Path

import pytest

from striate.data.folders import open_folders
from striate.data.splits import SPLITS
from striate.errors import DataError


def names(data) -> list[str]:
    return [data.inputs.name(row) for row in range(len(data))]


def classes_of(data) -> dict[str, str]:
    return {
        name: data.classes[target]
        for name, target in zip(names(data), data.targets.numbers, strict=True)
    }


# Layouts


def test_flat_folders_draw_both_splits(many):
    data = open_folders(many(10, "cat", "dog"), seed=0)
    assert data.name == "photos"
    assert data.classes == ("cat", "dog")
    assert data.drawn == {"test", "validation"}
    assert data.counts().tolist() == [[6, 2, 2], [6, 2, 2]]
    assert classes_of(data)["dog/3.png"] == "dog"
    assert data.inputs[0].shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("folders", "drawn"),
    [
        (("train", "val", "test"), set()),
        (("Train", "VALID", "Testing"), set()),
        (("training", "validation"), {"test"}),
        (("train", "test"), {"validation"}),
        (("train",), {"test", "validation"}),
    ],
)
def test_splits_that_the_folder_has_are_kept(many, folders, drawn):
    data = open_folders(many(5, *(f"{split}/{name}" for split in folders for name in "ab")), seed=0)
    assert data.classes == ("a", "b")
    assert data.drawn == drawn
    assert len(data) == 10 * len(folders)
    for name, split in zip(names(data), data.split, strict=True):
        if not drawn:
            assert name.lower().startswith(("tr", "va", "te")[split])
    assert (data.counts() > 0).all()


def test_a_split_may_lie_below_the_class(many):
    data = open_folders(many(3, "cat/train", "cat/test", "dog/train", "dog/test"), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.counts()[:, 2].tolist() == [3, 3]


def test_an_unpacked_archive_is_a_folder_deeper(many):
    data = open_folders(many(5, "set/v1/train/cat", "set/v1/train/dog", "set/v1/test/cat"), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.drawn == {"validation"}
    assert data.notes == ("the test images show nothing of: 'dog'",)


def test_folders_inside_a_class_stay_together_in_a_split(many):
    folders = [
        f"{name}/p{2 * number + (name == 'well')}"
        for name in ("ill", "well")
        for number in range(6)
    ]
    data = open_folders(many(4, *folders), seed=0)
    assert data.classes == ("ill", "well")
    assert "the 2 folders on top are the classes" in data.notes[0]
    places: dict[str, set[int]] = {}
    for name, split in zip(names(data), data.split.tolist(), strict=True):
        places.setdefault(name.rpartition("/")[0], set()).add(split)
    assert len(places) == 12
    assert all(len(splits) == 1 for splits in places.values())
    assert (data.counts() > 0).all()
    other = data.redraw(7)
    assert other.split.tolist() != data.split.tolist()
    groups = data.groups
    assert all(len(set(other.split[groups == group])) == 1 for group in set(groups.tolist()))


def test_a_folder_of_one_name_in_two_classes_is_one_group(many):
    data = open_folders(
        many(6, *(f"{name}/{day}" for name in "ab" for day in ("mon", "tue", "wed"))), seed=0
    )
    assert data.classes == ("a", "b")
    assert [len(set(data.split[data.groups == group].tolist())) for group in range(3)] == [1, 1, 1]
    assert sorted(data.counts().sum(0).tolist()) == [12, 12, 12]


def test_too_few_folders_inside_a_class_are_told_and_drawn_one_by_one(many):
    folders = [f"{kind}/{name}" for kind in ("color", "gray") for name in ("rust", "scab")]
    data = open_folders(many(6, *folders), seed=0)
    assert data.classes == ("color", "gray")
    assert data.groups is None
    assert "too few to keep the images of each in one split" in data.notes[0]
    assert (data.counts() > 0).all()


def test_files_that_are_called_by_their_class_are_told(tree):
    root = tree(*(f"train/{name}.{number}.png" for name in ("cat", "dog") for number in range(3)))
    with pytest.raises(DataError, match="the names begin with 'cat', 'dog': sort them into"):
        open_folders(root, seed=0)


def test_a_folder_that_groups_nothing_is_no_group(many):
    assert open_folders(many(5, "cat/images", "dog/images"), seed=0).groups is None


def test_a_class_beside_its_own_subfolders(many):
    data = open_folders(many(5, "cat", "cat/black", "cat/white", "dog"), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.counts().sum(1).tolist() == [15, 5]


def test_numbers_sort_as_numbers(many):
    data = open_folders(many(12, "10", "9", "1"), seed=0)
    assert data.classes == ("1", "9", "10")
    train = [name for name in names(data.train) if name.startswith("1/")]
    assert train == sorted(train, key=lambda name: int(name[2:-4]))


def test_a_class_called_train_among_other_vehicles(many):
    data = open_folders(many(5, "car", "bus", "train"), seed=0)
    assert data.classes == ("bus", "car", "train")


def test_the_split_depends_on_seed_and_names_only(many):
    root = many(20, "cat", "dog")
    first, again, other = (open_folders(root, seed=seed) for seed in (0, 0, 1))
    assert first.split.tolist() == again.split.tolist() != other.split.tolist()


# What is not learned from


def test_other_files_are_counted_and_clutter_is_ignored(many, tree):
    many(4, "cat", "dog")
    root = tree(**{
        "cat/notes.txt": b"", "cat/more.TXT": b"", "dog/label.xml": b"", "README": b"",
        "cat/.DS_Store": b"", "cat/Thumbs.db": b"", ".git/x.png": b"", "__MACOSX/cat/._1.png": b"",
    })  # fmt: skip
    data = open_folders(root, seed=0)
    assert len(data) == 8
    assert data.notes == ("not images, and not read: 4 files (.txt 2, .xml 1, without a suffix 1)",)
    assert data.left_out == ()


def test_images_in_no_class_folder_are_left_out(many, tree):
    many(4, "train/cat", "train/dog")
    data = open_folders(tree("a.png", "train/b.png", "test/1.png"), seed=0)
    assert [(each.name, each.reason) for each in data.left_out] == [
        ("a.png", "lies in no class folder"),
        ("test/1.png", "lies in no class folder"),
        ("train/b.png", "lies in no class folder"),
    ]
    assert data.classes == ("cat", "dog")


def test_an_empty_class_folder_is_noted(many):
    root = many(4, "cat", "dog")
    (root / "bird").mkdir()
    assert open_folders(root, seed=0).notes == ("without any image: 'bird/'",)


def test_links_are_followed_once(many):
    root = many(4, "cat", "dog")
    (root / "cat" / "around").symlink_to(root)
    (root / "itself").symlink_to(root / "itself")
    for name in ("ant", "bee", "elk", "fly", "yak"):
        (root / name).symlink_to(root / "dog")
    (root / "dog" / "gone.png").symlink_to(root / "nowhere.png")
    data = open_folders(root, seed=0)
    assert data.classes == ("cat", "dog")
    assert len(data) == 9  # the link to nowhere is named when it is read
    assert sum("read already" in note for note in data.notes) == 6


def test_a_linked_class_folder_counts(many, tmp_path):
    root = many(4, "cat")
    elsewhere = tmp_path / "dogs"
    elsewhere.mkdir()
    for number in range(4):
        (elsewhere / f"{number}.png").write_bytes((root / "cat" / "0.png").read_bytes())
    (root / "dog").symlink_to(elsewhere)
    assert open_folders(root, seed=0).classes == ("cat", "dog")


def test_a_folder_without_permission_is_left_out(many, monkeypatch):
    root = many(4, "cat", "dog", "bird")
    real = os.scandir

    def scandir(place):
        if Path(place).name == "bird":
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    (left,) = open_folders(root, seed=0).left_out
    assert (left.name, left.reason) == ("bird/", "folder cannot be read: Permission denied")


def test_a_root_without_permission_is_refused(many, monkeypatch):
    root = many(4, "cat", "dog")

    def scandir(place):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DataError, match="photos cannot be read: Permission denied"):
        open_folders(root, seed=0)


def test_names_that_are_no_utf8(tree):
    root = tree("cat/1.png", "cat/2.png", "cat/3.png", "dog/1.png", "dog/2.png", "dog/3.png")
    (root / "cat" / "3.png").rename(root / "cat" / os.fsdecode(b"caf\xe9.png"))
    data = open_folders(root, seed=0)
    row = names(data).index("cat/caf\ufffd.png")
    assert data.inputs[row].shape == (8, 8, 3)
    assert data.fingerprint()


def test_strange_class_names_are_kept(many):
    odd = ("<script>", "a b", "ñandú", "x\ny", "'; --")
    assert set(open_folders(many(3, *odd), seed=0).classes) == set(odd)


# What cannot be learned from


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((), "empty; expected one folder of images for each class"),
        (("a.png", "b.png"), "2 images, but no class folders"),
        (("train/1.png", "test/2.png"), "2 images, but no class folders"),
        (
            ("train/cat/1.png", "train/dog/1.png", *(f"extra/x/{n}.png" for n in range(3))),
            "'train/cat' beside 'extra/x'",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_one_clear_line(tree, files, words):
    with pytest.raises(DataError) as caught:
        open_folders(tree(*files), seed=0)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_other_files(tree):
    with pytest.raises(DataError, match=r"no images, only 1 file \(\.txt 1\); expected"):
        open_folders(tree(**{"cat/a.txt": b""}), seed=0)


# Other words for splits, other layouts


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("training_set", "test_set", 2),
        ("train_images", "val_images", 1),
        ("train-data", "dev", 1),
        ("TrainSet", "TestSet", 2),
        ("train", "holdout", 2),
        ("train2017", "val2017", 1),
        ("train", "eval", 2),
        ("flowers_train", "flowers_test", 2),
        ("seg_train/seg_train", "seg_test/seg_test", 2),
        ("train/images", "test/images", 2),
        ("Training ", "hold-out", 2),
    ],
)
def test_splits_are_whole_words(many, train, other, split):
    many(5, f"{train}/cat", f"{train}/dog")
    data = open_folders(many(3, f"{other}/cat", f"{other}/dog"), seed=0)
    assert data.classes == ("cat", "dog")
    assert (data.split == split).sum() == 6
    assert SPLITS[split] not in data.drawn
    assert data.left_out == ()


@pytest.mark.parametrize(
    "classes",
    [("train_station", "bus_station"), ("test_tube", "flask"), ("steam train", "contest")],
)
def test_words_of_splits_inside_names_of_classes(many, classes):
    data = open_folders(many(5, *classes), seed=0)
    assert set(data.classes) == set(classes)
    assert data.drawn == {"test", "validation"}


def test_folders_without_labels_are_left_out_and_named(many, tree):
    many(5, "train/cat", "train/dog")
    many(2, "test/cat", "test/dog", "seg_pred/seg_pred")
    data = open_folders(tree("extra/1.png", "unlabeled/9.png"), seed=0)
    assert data.classes == ("cat", "dog")
    assert [(each.name, each.reason) for each in data.left_out] == [
        ("extra/", "1 image: in no split, unlike 'test', 'train'"),
        ("seg_pred/seg_pred/", "2 images: its name says that they have no labels"),
        ("unlabeled/", "1 image: its name says that they have no labels"),
    ]


def test_an_unlabeled_test_folder_is_no_class(many, tree):
    many(6, "train/cat", "train/dog")
    data = open_folders(tree("test/test/1.png", "test/test/2.png"), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.drawn == {"test", "validation"}
    assert {each.reason for each in data.left_out} == {"lies in no class folder"}


def test_masks_beside_images_are_no_class(many):
    data = open_folders(
        many(4, *(f"{a}/{b}" for a in ("cat", "dog") for b in ("images", "masks"))), seed=0
    )
    assert data.classes == ("cat", "dog")
    assert len(data) == 8
    assert "masks or annotations, not read as images of a class" in data.notes[0]


def test_masks_may_be_a_class(many):
    assert open_folders(many(4, "masks", "gloves"), seed=0).classes == ("gloves", "masks")


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [("caf\u00e9", "cafe\u0301", "caf\u00e9"), ("cat ", "cat", "cat"), ("Cat", "cat", "Cat")],
)
def test_a_class_that_is_spelled_in_two_ways(many, one, other, name):
    many(5, f"train/{one}", "train/tea")
    data = open_folders(many(3, f"test/{other}", "test/tea"), seed=0)
    assert data.classes == tuple(sorted((name, "tea")))
    assert data.counts()[:, 2].tolist() == [3, 3]
    assert "read as one class" in data.notes[0]


def test_classes_that_differ_in_case_alone_stay_and_are_noted(many):
    data = open_folders(many(5, "A", "a", "b"), seed=0)
    assert data.classes == ("A", "a", "b")
    assert data.notes == ("classes that differ in case alone: 'A', 'a'",)


def test_the_clothing_photographs(shared):
    data = open_folders(shared("data/clothing"), seed=0)
    assert len(data.classes) == 10
    assert data.counts().sum(0).tolist() == [600, 341, 372]
    assert data.drawn == frozenset()
    assert data.left_out == ()
