"""striate check: what it prints and writes."""

import json
import shutil
from pathlib import Path

from striate.data import open as open_data


def test_it_prints_what_is_wrong_and_writes_the_page(striate, pictures):
    folder = pictures({"cat": 12, "dog": 12})
    shutil.copyfile(folder / "cat/0.png", folder / "dog/copy.png")
    done = striate("check", folder, "--no-labels")
    assert done.code == 0, done.err
    assert "photos: 25 images of 2 classes" in done.out
    assert "1 picture under several labels" in done.out
    assert "report:      striate-photos/check.html" in done.out
    assert "dog/copy.png" in Path("striate-photos/check.html").read_text()


def test_json_and_a_cleaned_list(striate, pictures, tmp_path):
    folder = pictures({"cat": 12, "dog": 12})
    shutil.copyfile(folder / "cat/0.png", folder / "dog/copy.png")
    (folder / "dog/broken.png").write_bytes(b"no picture")
    done = striate("check", folder, "--no-labels", "--fix", tmp_path / "clean.csv", "--json")
    assert done.code == 0, done.err
    value = json.loads(done.out)
    assert value["left_out"][0]["name"] == "dog/broken.png"
    assert value["list"] == {"path": str(tmp_path / "clean.csv"), "images": 23}
    assert len(open_data(tmp_path / "clean.csv")) == 23
    assert (folder / "dog/copy.png").exists()


def test_a_set_that_is_no_files_has_no_list(striate, tmp_path):
    done = striate("check", "digits", "--no-labels", "--fix", tmp_path / "clean.csv")
    assert done.code == 2
    assert done.one_line
    assert "are not files" in done.err


def test_a_place_that_cannot_be_written_is_refused_before_the_work(striate, pictures, tmp_path):
    (tmp_path / "file").write_text("")
    done = striate("check", pictures({"a": 6, "b": 6}), "--report", tmp_path / "file/page.html")
    assert done.code == 1
    assert "cannot write" in done.err
