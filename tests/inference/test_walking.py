"""Files, folders and patterns; what systems put beside them; what is not read here."""

import os
from pathlib import Path

import pytest

from striate.errors import UserError
from striate.images import SUFFIXES
from striate.inference.walking import expanded, walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, and what a Mac, Windows and a NAS leave beside them."""
    place = tmp_path / "holiday"
    for name in (
        "a.jpg", "B.PNG", "sea/b.png", "notes.txt", "._a.jpg", ".DS_Store", "Thumbs.db",
        "__MACOSX/._a.jpg", "__MACOSX/a.jpg", "sea/@eaDir/b.png", ".thumbnails/1.jpg",
    ):  # fmt: skip
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"")
    return place


def names(places: list[str], folder: Path) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in walk(places, SUFFIXES)]


def test_system_files_are_skipped_unless_a_person_names_them(folder):
    assert names([str(folder)], folder) == ["B.PNG", "a.jpg", "sea/b.png"]
    assert names([str(folder / "._a.jpg")], folder) == ["._a.jpg"]


def test_links_in_a_circle_end(folder):
    (folder / "sea" / "back").symlink_to(folder)
    assert names([str(folder)], folder) == ["B.PNG", "a.jpg", "sea/b.png"]


def test_a_picture_that_is_a_link_to_itself_costs_only_itself(folder):
    (folder / "sea" / "loop.png").symlink_to("loop.png")
    assert names([str(folder)], folder) == ["B.PNG", "a.jpg", "sea/b.png", "sea/loop.png"]


def test_a_folder_that_cannot_be_read_comes_as_itself(folder, monkeypatch):
    def refuse(path):
        raise PermissionError

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(walk([str(folder)], SUFFIXES)) == [str(folder)]


def test_a_pattern_that_the_shell_left_alone(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert expanded(["*.jpg"]) == ["a.jpg"]
    assert expanded(["**/*.png"]) == ["sea/b.png"]
    assert expanded(["sea/@eaDir/*"]) == ["sea/@eaDir/b.png"]
    assert expanded(["nowhere.jpg", "sea"]) == ["nowhere.jpg", "sea"]
    # What a shell makes of `* .*`:
    assert expanded(["._a.jpg", ".DS_Store", "Thumbs.db", "a.jpg", ".b.jpg"]) == ["a.jpg", ".b.jpg"]
    Path("[1].jpg").write_bytes(b"")
    assert expanded(["[1].jpg"]) == ["[1].jpg"]  # it is the name of a file


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("-", "standard input is not read; give paths"),
        ("https://example.org/cat.jpg", "not downloaded here; save it and give the file"),
        ("data:image/png;base64,AAAA", "not downloaded here"),
        ("photos.zip", "an archive; unpack it and give the folder"),
        ("photos.tar.gz", "an archive"),
        ("*.gif", "no file matches this pattern"),
    ],
)
def test_what_is_not_read_says_what_to_do(place, words):
    with pytest.raises(UserError, match=r"^[^\n]+$") as caught:
        expanded(["a.jpg", place])
    assert words in str(caught.value)
    assert place[:20] in str(caught.value)
