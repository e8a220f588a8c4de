"""Class folders as people have them."""

import os
from pathlib import Path

import pytest

from striate.data.folders import display_names, natural, open_folders, walk
from striate.errors import DataError


def names(data) -> list[str]:
    return [data.images.name(row) for row in range(len(data))]


def classes_of(data) -> dict[str, str]:
    return {
        name: data.classes[target] for name, target in zip(names(data), data.targets, strict=True)
    }


# Layouts


def test_flat_folders_draw_both_splits(many):
    data = open_folders(many(10, "cat", "dog"), seed=0)
    assert data.name == "photos"
    assert data.classes == ("cat", "dog")
    assert data.drawn == {"test", "validation"}
    assert data.counts().tolist() == [[6, 2, 2], [6, 2, 2]]
    assert classes_of(data)["dog/3.png"] == "dog"
    assert data.images[0].shape == (8, 8, 3)


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


def test_two_folders_of_one_name_stay_two_classes(many):
    data = open_folders(many(5, "a/cat", "b/cat", "b/dog"), seed=0)
    assert data.classes == ("a/cat", "b/cat", "dog")
    assert data.counts().sum(1).tolist() == [5, 5, 5]


def test_a_class_beside_its_own_subfolders(many):
    data = open_folders(many(5, "cat", "cat/black", "dog"), seed=0)
    assert data.classes == ("cat", "black", "dog")
    assert data.notes == ("cat/ holds images and folders of images: they are classes of their own",)


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
    assert data.notes == (
        "passed over, no images by their names: 4 files (.txt 2, .xml 1, without a suffix 1)",
    )
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
    assert data.images[row].shape == (8, 8, 3)
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
        (("cat/1.png", "cat/2.png"), "one class only ('cat')"),
        (("train/cat/1.png", "train/cat/2.png"), "one class only ('cat')"),
        (("train/1.png", "test/2.png"), "2 images, but no class folders"),
        (("train/cat/1.png", "train/dog/1.png", "test/Cat/1.png"), "train/ lacks: 'Cat'"),
        (("test/cat/1.png", "test/dog/1.png"), "no train/ to learn from, only 'test'"),
        (("train/cat/1.png", "train/dog/1.png", "extra/x/1.png"), "'train/cat' beside 'extra/x'"),
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


# Parts


def test_walking_opens_no_file(many, monkeypatch):
    root = many(3, "cat", "dog")
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("opened a file"))
    assert {path: len(files) for path, files in walk(root).files.items()} == {
        ("cat",): 3,
        ("dog",): 3,
    }


def test_natural_order():
    assert sorted(["a10", "B", "a9", "A1", "a01", "", "9" * 5000], key=natural) == [
        "", "9" * 5000, "A1", "a01", "a9", "a10", "B",
    ]  # fmt: skip


def test_display_names():
    assert display_names([("cat",), ("x", "dog"), ("y", "dog")]) == ("cat", "x/dog", "y/dog")


def test_the_clothing_photographs(shared):
    data = open_folders(shared("data/clothing"), seed=0)
    assert len(data.classes) == 10
    assert data.counts().sum(0).tolist() == [600, 341, 372]
    assert data.drawn == frozenset()
    assert data.left_out == ()
