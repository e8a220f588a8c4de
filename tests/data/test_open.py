"""One word opens anything; what cannot be opened is one clear line."""

import numpy as np
import pytest

import striate.data
from striate.data import READERS, Array, Dataset, Labels, Reader
from striate.data import open as open_data
from striate.errors import DataError, UnknownName


def test_folders_lists_and_names(many):
    root = many(6, "cat", "dog")
    names = [f"{name}/{number}.png,{name}" for name in ("cat", "dog") for number in range(3)]
    (root / "list.csv").write_text("\n".join(names))
    assert open_data(root).classes == open_data(str(root)).classes == ("cat", "dog")
    assert len(open_data(root / "list.csv")) == 6
    assert open_data("digits", seed=3).name == "digits"


def test_a_name_of_the_catalog_is_that_set_and_a_path_is_the_folder(many, monkeypatch):
    root = many(6, "digits/cat", "digits/dog")
    monkeypatch.chdir(root)
    assert len(open_data("digits")) == 1797
    assert open_data("./digits").classes == ("cat", "dog")


def test_idx_and_cifar_folders_are_known_by_their_files(shared):
    assert len(open_data(shared("data/mnist"))) == 70_000
    one = open_data(shared("data/mnist/t10k-images-idx3-ubyte.gz"))
    assert (len(one), one.drawn) == (10_000, {"test", "validation"})
    assert open_data(shared("data/cifar10")).drawn == {"validation"}


def test_binary_cifar_below_its_usual_folder(tmp_path):
    folder = tmp_path / "cifar" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        records = np.zeros((30, 3073), np.uint8)
        records[:, 0] = np.arange(30) % 10
        (folder / name).write_bytes(records.tobytes())
    data = open_data(tmp_path / "cifar")
    assert (data.name, len(data)) == ("cifar", 60)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("", "'' is not a path"),
        ("a\0b", "is not a path"),
        ("no/such/folder", "no/such/folder: no such folder or file"),
        ("list.csv", "list.csv: no such folder or file"),
    ],
)
def test_what_is_not_there(word, words):
    with pytest.raises(DataError) as caught:
        open_data(word)
    assert words in str(caught.value)


def test_a_name_nearly_right():
    with pytest.raises(
        UnknownName, match="no folder or data set is called 'digit'; did you mean dig"
    ):
        open_data("digit")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("photos.zip", "an archive; unpack it"),
        ("photos.tar.gz", "an archive; unpack it"),
        ("cat.jpg", "one image; expected one folder of images for each class"),
        ("movie.mp4", "not a folder, a list (.csv) or an IDX file"),
    ],
)
def test_files_of_other_kinds(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError) as caught:
        open_data(tmp_path / name)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("count", "words"), [(1, "one image a class"), (2, "2 images in the smallest class")]
)
def test_too_few_images(many, count, words):
    with pytest.raises(DataError) as caught:
        open_data(many(count, "cat", "dog"))
    assert f"{words}; expected at least 3 (one to learn from," in str(caught.value)


def test_splits_of_the_folder_may_be_small(many):
    data = open_data(many(1, "train/cat", "train/dog", "test/cat", "test/dog", "val/cat"))
    assert data.counts().tolist() == [[1, 1, 1], [1, 0, 1]]


def test_a_class_of_one_image_is_noted(many, tree):
    many(6, "cat", "dog")
    data = open_data(tree("fox/1.png"))
    assert data.notes == ("one image only, which is learned from and never tested: fox",)
    assert data.counts()[2].tolist() == [1, 0, 0]


def test_three_images_a_class_are_enough(many):
    assert open_data(many(3, "cat", "dog")).counts().tolist() == [[1, 1, 1], [1, 1, 1]]


MARKED = (
    "<annotation><size><width>8</width><height>8</height></size><object><name>cat</name><bndbox>"
    "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def both(tree):
    """A folder with boxes (VOC) and with lists of bytes (IDX) in one."""
    root = tree(*(f"JPEGImages/{number}.png" for number in range(9)))
    (root / "Annotations").mkdir()
    for number in range(9):
        (root / "Annotations" / f"{number}.xml").write_text(MARKED)
    records = np.zeros((30, 3073), np.uint8)
    records[:, 0] = np.arange(30) % 10
    (root / "data_batch_1.bin").write_bytes(records.tobytes())
    return root


def test_two_kinds_in_one_folder_have_to_be_chosen_between(both):
    with pytest.raises(DataError, match=r"CIFAR-10 with labels and as PASCAL VOC .* with boxes"):
        open_data(both)
    assert open_data(both, kinds=["boxes"]).targets.kind == "boxes"
    assert open_data(both, kinds=["labels"]).targets.kind == "labels"


def test_other_targets_than_wanted_are_refused(both, many):
    expected = r"expected boxes, which are read from CVAT .*, PASCAL VOC .*, COCO .*csv\)"
    with pytest.raises(DataError, match=rf"{expected}; it has labels"):
        open_data("digits", kinds=["boxes"])
    folder = many(6, "more/cat", "more/dog") / "more"
    with pytest.raises(DataError, match=rf"{expected}; .*more is none of these"):
        open_data(folder, kinds=["boxes"])
    (both / "data_batch_1.bin").unlink()
    with pytest.raises(DataError, match=r"is PASCAL VOC .* with boxes"):
        open_data(both, kinds=["masks"])


def test_a_reader_of_ones_own(tmp_path):
    (tmp_path / "set.mine").write_text("3")

    def read(path, *, seed):
        count = int(path.read_text()) * 3
        pixels = np.zeros((count, 8, 8), np.uint8)
        labels = Labels(("a", "b"), np.arange(count) % 2)
        return Dataset("mine", Array(pixels), labels, np.zeros(count, np.int8)).complete(seed)

    mine = Reader("mine", "labels", lambda path: path.suffix == ".mine", read)
    data = open_data(tmp_path / "set.mine", readers=(*READERS, mine))
    assert (data.name, len(data)) == ("mine", 9)


def test_the_package_exports_what_it_says():
    for name in striate.data.__all__:
        assert getattr(striate.data, name)
    assert callable(striate.data.open)


# What cannot be learned from can still be scored


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("cat/1.png", "cat/2.png"), "one class only ('cat')"),
        (("train/cat/1.png", "train/cat/2.png"), "one class only ('cat')"),
        (
            ("train/cat/1.png", "train/dog/1.png", "test/cow/1.png"),
            "no training image of 'cow'",
        ),
        (("test/cat/1.png", "test/dog/1.png"), "no training split to learn from, only test"),
        (("val/cat/1.png", "val/dog/1.png"), "to learn from, only validation"),
        (("cat/1.png", "dog/1.png"), "one image a class"),
    ],
)
def test_what_cannot_be_learned_from_is_opened_to_be_scored(tree, files, words):
    root = tree(*files)
    with pytest.raises(DataError) as caught:
        open_data(root)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(open_data(root, learn=False)) == len(files)


def test_lists_and_idx_files_with_a_test_split_alone(tree, tmp_path):
    root = tree("a.png", "b.png")
    (root / "list.csv").write_text("a.png,cat,test\nb.png,dog,test\n")
    with pytest.raises(DataError, match="no training split to learn from, only test"):
        open_data(root / "list.csv")
    assert len(open_data(root / "list.csv", learn=False).test) == 2
    idx = tmp_path / "idx"
    idx.mkdir()
    (idx / "t10k-images-idx3-ubyte").write_bytes(
        bytes.fromhex("00000803 00000002 00000002 00000002") + bytes(8)
    )
    (idx / "t10k-labels-idx1-ubyte").write_bytes(bytes.fromhex("00000801 00000002") + b"\0\1")
    with pytest.raises(DataError, match="no training split to learn from, only test"):
        open_data(idx)
    assert open_data(idx, learn=False).counts()[:, 2].tolist() == [1, 1]
