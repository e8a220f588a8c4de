"""What lies below a folder, found without opening a file, once for all readers."""

import os

import pytest

from striate.data import walking
from striate.data.names import natural
from striate.data.remembering import once
from striate.data.walking import marks_below, walk


def test_walking_opens_no_file(many, monkeypatch):
    root = many(3, "cat", "dog")
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("opened a file"))
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened a file"))
    assert {path: len(files) for path, files in walk(root).files.items()} == {
        ("cat",): 3,
        ("dog",): 3,
    }


def test_files_that_may_mark_images_are_found(tree):
    root = tree("a.png", **{"x/a.xml": b"", "b.JSON": b"", "c.mp4": b"", ".hidden.xml": b""})
    found = walk(root)
    assert found.marking(".xml", ".json") == ["b.JSON", "x/a.xml"]
    assert dict(found.others) == {".xml": 1, ".json": 1, ".mp4": 1}


def test_a_folder_is_walked_once_while_it_is_opened(many, monkeypatch):
    root, calls = many(3, "cat"), []
    real = walking._walked
    monkeypatch.setattr(
        walking, "_walked", lambda path, kinds: calls.append(path) or real(path, kinds)
    )
    with once():
        assert walk(root) is walk(root)
    walk(root)
    assert calls == [root, root]


def test_folders_of_masks():
    places = [("images",), ("trimaps",), ("a", "images"), ("a", "masks"), ("b", "masks")]
    assert marks_below(places) == {("trimaps",), ("a", "masks")}


def test_natural_order():
    assert sorted(["a10", "B", "a9", "A1", "a01", "", "9" * 5000], key=natural) == [
        "", "9" * 5000, "A1", "a01", "a9", "a10", "B",
    ]  # fmt: skip
