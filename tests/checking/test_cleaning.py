"""The cleaned list: read back by `data.open`, and the user's files as they were."""

import shutil

import pytest
from PIL import Image

import striate
from striate.checking import check, summary, write_list
from striate.checking.findings import Suspect
from striate.errors import DataError


@pytest.fixture
def faulty(folder):
    """One leak, one conflict of three, one copy within training."""
    shutil.copyfile(folder / "train/cat/0.png", folder / "test/cat/leak.png")
    shutil.copyfile(folder / "train/dog/1.png", folder / "train/cat/conflict.png")
    shutil.copyfile(folder / "train/dog/1.png", folder / "test/dog/conflict.png")
    shutil.copyfile(folder / "train/dog/5.png", folder / "train/dog/again.png")
    Image.new("RGB", (96, 80)).save(folder / "train/dog/black.png")
    return folder


def state(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(data):
    return {data.inputs.path(row).resolve() for row in range(len(data))}


def test_the_list_is_what_stays(faulty, tmp_path):
    before = state(faulty)
    findings = check(faulty, deep=False, judge=False)
    kept = write_list(findings, tmp_path / "lists" / "clean.csv")
    assert state(faulty) == before
    clean = striate.data.open(tmp_path / "lists" / "clean.csv")
    assert len(clean) == kept == len(findings.dataset) - 6
    gone = names(findings.dataset) - names(clean)
    assert {path.relative_to(faulty.resolve()).as_posix() for path in gone} == {
        "train/cat/0.png",  # the copy that is scored stays
        "train/dog/1.png", "train/cat/conflict.png", "test/dog/conflict.png",  # nobody knows
        "train/dog/again.png",
        "train/dog/black.png",
    }  # fmt: skip
    assert clean.classes == findings.dataset.classes
    labels = {clean.inputs.path(row).parent.name for row in range(len(clean))}
    assert labels == {"cat", "dog"}
    again = check(clean, deep=False, judge=False)
    assert again.sound, summary(again)


def test_splits_that_were_drawn_are_written_down(tmp_path, scene):
    for number in range(20):
        place = tmp_path / "plain" / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        scene(number).save(place / f"{number}.png")
    findings = check(tmp_path / "plain", deep=False, judge=False)
    write_list(findings, tmp_path / "clean.csv")
    data = striate.data.open(tmp_path / "clean.csv", seed=5)
    assert not data.drawn
    assert data.counts().tolist() == findings.dataset.counts().tolist()


def test_suspects_stay_with_a_remark(folder, tmp_path):
    from dataclasses import replace

    findings = replace(check(folder, deep=False, judge=False), suspects=(Suspect(3, 1, 0.971),))
    write_list(findings, tmp_path / "clean.csv")
    lines = (tmp_path / "clean.csv").read_text().splitlines()
    assert lines[0] == "path,label,split,remark"
    assert lines[1 + 3] == "set/train/cat/3.png,cat,train,perhaps dog: 0.97"
    assert len(striate.data.open(tmp_path / "clean.csv")) == len(findings.dataset)


def test_what_cannot_be_listed_is_refused(folder, tmp_path):
    digits = check("digits", deep=False, judge=False)
    with pytest.raises(DataError, match="are not files"):
        write_list(digits, tmp_path / "clean.csv")
    findings = check(folder, deep=False, judge=False)
    with pytest.raises(DataError, match=r"ends in \.csv"):
        write_list(findings, folder / "train/cat/0.png")
    (folder / "train/cat/0.png").rename(folder / "train/cat/two\nlines.png")
    with pytest.raises(DataError, match="rename it"):
        write_list(check(folder, deep=False, judge=False), tmp_path / "clean.csv")
    assert not (tmp_path / "clean.csv").exists()
