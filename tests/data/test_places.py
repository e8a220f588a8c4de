"""Which file a name means, in a folder that was moved since."""

import pytest

from striate.data.places import NO_FILE, Missed, Pictures, parts_of
from striate.data.walking import Folder


def pictures(*paths: str) -> Pictures:
    folder = Folder()
    for path in paths:
        *place, name = path.split("/")
        folder.files.setdefault(tuple(place), []).append(name)
    return Pictures(folder)


HERE = ("images/train/a.jpg", "images/val/a.jpg", "images/val/b.JPG", "c d.png", "caf\u00e9.png")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("images/train/a.jpg", "images/train/a.jpg"),
        ("C:\\x\\images\\val\\a.jpg", "images/val/a.jpg"),
        ("train/a.jpg", "images/train/a.jpg"),
        ("../up/4/b.jpg", "images/val/b.JPG"),
        ("b.png", "images/val/b.JPG"),
        ("c%20d.png", "c d.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("/x/y/C D.PNG", "c d.png"),
        ("0a1b2c3d-c%20d.png", "c d.png"),
    ],
)
def test_by_the_last_parts(name: str, found: str) -> None:
    assert pictures(*HERE).join([(name, ())]) == [found]
    assert pictures(*HERE).one(name) == found


def test_folders_nearby_come_first() -> None:
    assert pictures(*HERE).one("a.jpg", [("images", "val")]) == "images/val/a.jpg"
    two = pictures(*HERE).one("a.jpg")
    assert isinstance(two, Missed)
    assert two.reason == "2 files have its name: 'images/train/a.jpg', 'images/val/a.jpg'"


def test_a_missing_file_is_not_another_one_of_its_name() -> None:
    there = pictures("cat/1.jpg", "dog/1.jpg", "dog/2.jpg")
    assert there.join([("cat/2.jpg", ())]) == [NO_FILE]  # although dog/2.jpg is there
    taken, missed = there.join([("dog/2.jpg", ()), ("x/2.jpg", ())])
    assert taken == "dog/2.jpg"
    assert isinstance(missed, Missed)
    assert "belongs to another entry" in missed.reason
    for found in there.join([("x/2.jpg", ()), ("y/2.jpg", ())]):
        assert isinstance(found, Missed)
        assert found.reason == "2 entries name 'dog/2.jpg' by a part of its path"


def test_masks_are_no_pictures() -> None:
    assert set(pictures("images/a.jpg", "masks/a.png").paths) == {"images/a.jpg"}


def test_parts() -> None:
    assert parts_of("https://x.org/a/b.jpg?c=d") == ("a", "b.jpg")
    assert parts_of("..") == parts_of("") == parts_of("/") == ()
