"""The page: whole, with pictures, without a network, and without trusting a name."""

import re
import shutil
from dataclasses import replace

import pytest

from striate.checking import Suspect, check, write_page
from striate.checking.page import GROUPS, contents


@pytest.fixture
def findings(folder):
    evil = "<img src=x onerror=alert(1)>&.png"
    shutil.copyfile(folder / "train/cat/0.png", folder / "test/cat" / evil)
    shutil.copyfile(folder / "train/dog/1.png", folder / "train/cat/conflict.png")
    (folder / "train/cat/<b>broken.png").write_bytes(b"")
    found = check(folder, deep=False, judge=False)
    return replace(found, suspects=(Suspect(0, 1, 0.97),), judged=True)


def test_every_part_stands_there_with_its_pictures(findings, tmp_path):
    page = write_page(findings, tmp_path / "page.html").read_text()
    for words in (
        "1 of 9 test images (11.1 %) also stand", "Pictures in more than one split",
        "The same picture under several labels", "Labels that are probably wrong",
        "dog? 97 %", "empty file",
    ):  # fmt: skip
        assert words in page, words
    assert page.count("data:image/jpeg;base64,") == 2 + 2 + 1


def test_names_are_escaped_and_nothing_is_fetched(findings, tmp_path):
    page = write_page(findings, tmp_path / "page.html").read_text()
    assert "<img src=x" not in page
    assert "<b>broken" not in page
    assert "&lt;img src=x onerror" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.lstrip().startswith("<!doctype html>")


def test_many_groups_are_counted_and_some_shown(folder, scene):
    for number in range(GROUPS + 3):
        for copy in range(2):
            scene(100 + number).save(folder / "train/cat" / f"{number}-{copy}.png")
    inside = contents(check(folder, deep=False, judge=False))["inside"]
    assert (inside["count"], len(inside["shown"]), inside["more"]) == (GROUPS + 3, GROUPS, 3)
