import json


def test_a_folder_is_indexed_and_searched(striate, pictures, recognizer):
    folder = pictures({"bars": 4, "dots": 4})
    (folder / "bars/broken.png").write_bytes(b"no picture")
    done = striate("index", folder, "--model", recognizer, "--out", "photos.index")
    assert done.code == 0, done.err
    assert "broken.png" in done.err
    assert "photos.index: 8 pictures" in done.out
    found = striate("search", "photos.index", folder / "bars/1.png", "--top", "2")
    assert found.code == 0
    assert found.out.splitlines()[1].endswith("bars/1.png")
    more = ("--expand", "2", "--alpha", "0", "--json", "--out", "page.html")
    as_json = striate("search", "photos.index", folder / "bars/1.png", *more)
    assert len(json.loads(as_json.out)["found"]) == 8


def test_added_and_removed_without_anew(striate, pictures, recognizer):
    folder, other = pictures({"bars": 3}), pictures({"dots": 2}, "other")
    assert striate("index", folder, "--model", recognizer).code == 0
    done = striate("index", other, "--into", "photos.index", "--json")
    assert json.loads(done.out) == {
        "index": "photos.index", "pictures": 5, "dimensions": 16, "added": 2, "changed": 0,
        "left_out": 0, "removed": 0,
    }  # fmt: skip
    done = striate("index", "--into", "photos.index", "--remove", "bars/1.png")
    assert "4 pictures" in done.out
    assert "1 removed" in done.out


def test_mistakes_are_one_line(striate, pictures, recognizer):
    folder = pictures({"bars": 2})
    wrong = [
        ("index",),
        ("index", folder),
        ("index", folder, "--pool", "max"),
        ("index", folder, "--model", recognizer, "--p", "2", "--pool", "max"),
        ("index", folder, "--model", recognizer, "--whiten", "1", "--no-whitening"),
        ("index", folder, "--model", recognizer, "--whiten", "nan"),
        ("index", folder, "--model", "nothing"),
        ("index", "--into", "photos.index"),
        ("search", "photos.index", folder),
    ]
    for arguments in wrong:
        done = striate(*arguments)
        assert (done.code, done.one_line) == (2, True), (arguments, done)
    assert striate("index", folder, "--model", recognizer).code == 0
    for arguments in [
        ("search", "photos.index"),
        ("search", "photos.index", folder, "--alpha", "1"),
    ]:
        done = striate(*arguments)
        assert (done.code, done.one_line) == (2, True), (arguments, done)


def test_indexes_are_evaluated(striate, pictures, recognizer):
    folder = pictures({"bars": 3, "dots": 3})
    for pool in ("max", "mean"):
        command = ("index", folder, "--model", recognizer, "--pool", pool, "--out", f"{pool}.index")
        assert striate(*command).code == 0
    one = striate("evaluate", "max.index", "folders", "--expand", "2", "--json")
    (found,) = json.loads(one.out)["indexes"]
    assert found["queries"] == 6
    assert 0 < found["mean_average_precision"] <= 1
    both = striate("evaluate", "max.index", "mean.index", "folders")
    assert "behind the best" in both.out
    assert both.out.count("points") == 2
    for wrong in (("--ensemble",), ("--alpha", "1"), ("--split", "all")):
        done = striate("evaluate", "max.index", "folders", *wrong)
        assert (done.code, done.one_line) == (2, True), done
    assert striate("evaluate", recognizer, folder, "--expand", "2").code == 2


def test_pairs_and_an_approximate_search(striate, pictures, recognizer):
    folder = pictures({"bars": 3})
    (folder / "bars/copy.png").write_bytes((folder / "bars/1.png").read_bytes())
    assert striate("index", folder, "--model", recognizer).code == 0
    done = striate("search", "photos.index", "--duplicates", "0.9999")
    assert done.out == "1.000  bars/1.png  bars/copy.png\n"
    as_json = striate("search", "photos.index", "--duplicates", "0.9999", "--json")
    assert json.loads(as_json.out)["second"] == "bars/copy.png"
    for wrong in (
        ("search", "photos.index", folder, "--duplicates", "0.9"),
        ("search", "photos.index", folder, "--approximate"),
        ("index", "--into", "photos.index", "--approximate"),
    ):
        done = striate(*wrong)
        assert (done.code, done.one_line) == (2, True), done
