"""One word opens anything; what cannot be opened is one clear line."""

import numpy as np
import pytest

import striate.data
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
        ("", "'' is no path"),
        ("a\0b", "is no path"),
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


def test_the_package_exports_what_it_says():
    for name in striate.data.__all__:
        assert getattr(striate.data, name)
    assert callable(striate.data.open)
