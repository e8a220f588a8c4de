"""What a person names: lists, shards, tables and stores give the rows that single files give."""

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from striate.errors import UserError
from striate.inference.walking import walk
from striate.recognizing import given, lists, parquet, recognize, sources, stores
from striate.recognizing.holding import Budget, Held
from striate.recognizing.sources import PASSED
from striate.tasks.table import TASKS

TASK = TASKS["classification"]


def tarred(path: Path, files: dict[str, bytes]) -> str:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.fixture
def shard(paths, tmp_path) -> str:
    """The twenty files of `paths`, each with a label beside it."""
    files = {}
    for path in map(Path, paths):
        files[f"train/{path.name}"] = path.read_bytes()
        files[f"train/{path.stem}.cls"] = b"3"
    return tarred(tmp_path / "shard.tar", files)


@pytest.fixture
def table(paths, tmp_path) -> str:
    """The same as Hugging Face writes them, in row groups of six."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    cells = [{"bytes": Path(path).read_bytes(), "path": Path(path).name} for path in paths]
    columns = pa.table({"image": cells, "label": list(range(20)), "raw": [b"x"] * 20})
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel"}}
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    path = tmp_path / "table.parquet"
    write_table(columns.replace_schema_metadata(told), path, row_group_size=6)
    return str(tmp_path / "table.parquet")


def said(recognizer, inputs) -> list[dict]:
    """Rows without their names."""
    rows = [one.to_json() for one in recognizer.predict(inputs, batch_size=3)]
    for row in rows:
        row.pop("path")
    return rows


def test_shards_give_what_single_files_give(recognizer, paths, shard, table):
    expected = said(recognizer, paths)
    for place in (shard, table):
        assert said(recognizer, given(TASK, [place])) == expected
    names = [named.name for named in given(TASK, [shard])]
    assert names[:2] == [f"{shard}/train/00.png", f"{shard}/train/01.png"]
    assert [named.name for named in given(TASK, [table])][19] == f"{table}:19"
    assert given(TASK, [table]).count == 20


@pytest.mark.parametrize("kind", ["shard", "table", "folder", "list"])
def test_every_source_goes_on_from_the_middle(kind, paths, shard, table, tmp_path, monkeypatch):
    """The same names; those that are done are not read, and those that follow are whole."""
    monkeypatch.setattr(sources, "MOST", 3)
    (tmp_path / "list.txt").write_text("\n".join(paths) + f"\n{shard}\n")
    places = {"shard": shard, "table": table, "folder": str(tmp_path / "photos"),
              "list": str(tmp_path / "list.txt")}  # fmt: skip
    whole = list(given(TASK, [places[kind], shard]))
    for skip in (0, 1, 6, 7, 13, 20, 25, len(whole)):
        again = list(given(TASK, [places[kind], shard]).items(skip))
        assert [named.name for named in again] == [named.name for named in whole]
        assert all(named.item is not PASSED for named in again[skip:])
        if kind in ("shard", "table"):
            assert all(named.item is PASSED for named in again[: min(skip, 20)])
            fresh = list(given(TASK, [places[kind]]))
            for named, one in zip(again[skip:20], fresh[skip:], strict=True):
                assert named.item.fetch() == one.item.fetch()


def test_a_killed_run_over_shards_goes_on(recognizer, shard, table, tmp_path):
    class Killed(Exception):
        pass

    class Ending(sources.Chain):
        def items(self, skip=0):
            for number, one in enumerate(super().items(skip)):
                if number == 34:
                    raise Killed
                yield one

    inputs = [given(TASK, [place]) for place in (shard, table)]
    out = tmp_path / "found.jsonl"
    with pytest.raises(Killed):
        recognize(recognizer, Ending(inputs), out, batch_size=3, seconds=0)
    assert recognize(recognizer, sources.Chain(inputs), out, batch_size=3) == (40, 2)
    recognize(recognizer, sources.Chain(inputs), tmp_path / "whole.jsonl", batch_size=3)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_files_of_a_key_belong_together(tmp_path):
    place = tarred(
        tmp_path / "a.tar",
        {"1.jpg": b"A", "1.seg.png": b"mask", "1.json": b"{}",  # a picture and its mask
         "2.left.jpg": b"B", "2.right.jpg": b"C",  # two pictures
         "IMG_1.5.jpg": b"D", "IMG_1.6.jpg": b"E",  # a name with a dot
         "__MACOSX/._1.jpg": b"no", "readme": b"no",
         "3.jpg": b"F", "4.jpg": b"G", "3.png": b"H"},
    )  # fmt: skip
    found = {
        named.name.removeprefix(f"{place}/"): named.item.fetch() for named in given(TASK, [place])
    }
    assert found == {
        "1.jpg": b"A", "2.left.jpg": b"B", "2.right.jpg": b"C", "IMG_1.5.jpg": b"D",
        "IMG_1.6.jpg": b"E", "3.jpg": b"F", "4.jpg": b"G", "3.png": b"H",
    }  # fmt: skip


def test_pairs_and_questions_are_of_one_key(tmp_path):
    place = tarred(
        tmp_path / "a.tar",
        {"1.a.jpg": b"A", "1.b.jpg": b"B", "2.jpg": b"C", "3.txt": b"what?", "3.jpg": b"D"},
    )
    faces = list(given(TASKS["faces"], [place]))
    assert [named.name.removeprefix(f"{place}/") for named in faces] == ["1", "2", "3"]
    assert faces[0].item.fetch() == (b"A", b"B")
    with pytest.raises(UserError, match="two pictures of one key are compared, not 1"):
        faces[1].item.fetch()
    gallery = given(TASKS["faces"], [place], {"gallery": Path("people")})
    assert [named.item.fetch() for named in gallery] == [b"A", b"B", b"C", b"D"]
    asked = {named.name[-5:]: named.item for named in given(TASKS["questions"], [place])}
    assert asked["3.jpg"].fetch() == (b"D", b"what?")
    with pytest.raises(UserError, match="no question"):
        asked["tar/2"].fetch()
    asked = given(TASKS["questions"], [place], {"question": "how many?"})
    assert [named.item.fetch()[1] for named in asked] == ["how many?"] * 4


def test_broken_shards_are_rows_with_reasons(recognizer, shard, table, paths, tmp_path):
    data = Path(shard).read_bytes()
    (tmp_path / "cut.tar").write_bytes(data[: len(data) // 2])
    (tmp_path / "bad.parquet").write_text("PAR1 no table")
    broken = Path(table).read_bytes()
    (tmp_path / "bad2.parquet").write_bytes(broken[:200] + bytes(700) + broken[900:])
    places = [str(tmp_path / name) for name in
              ("cut.tar", "gone.tar", "bad.parquet", "bad2.parquet", "gone.parquet")]  # fmt: skip
    for place in places:
        rows = {one.name: one.error for one in recognizer.predict(given(TASK, [place]))}
        again = [named.name for named in given(TASK, [place]).items(12)]
        assert list(rows) == again
        if place.endswith("bad2.parquet"):
            assert len(rows) == 20
            assert sum(error is not None for error in rows.values()) == 6 + 1
            assert "damaged row group" in rows[f"{place}:0"]
        else:
            assert rows[place]
    assert (
        "cut off"
        in {o.name: o.error for o in recognizer.predict(given(TASK, [places[0]]))}[places[0]]
    )


def test_which_column(table, paths, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    place = str(tmp_path / "other.parquet")
    data = Path(paths[0]).read_bytes()
    write_table(
        pa.table({"photo": [data, None], "thumb": [b"x", b"y"], "file": ["photos/01.png", None]}),
        place,
    )
    with pytest.raises(
        UserError,
        match=r"other\.parquet: .*: inputs may be in photo or thumb; give",
    ):
        given(TASK, [place])
    with pytest.raises(UserError, match="--column fot: there are only photo, thumb, file"):
        given(TASK, [place], column="fot")
    first, second = given(TASK, [place], column="photo")
    assert first.item.fetch() == data
    with pytest.raises(UserError, match="the cell is empty"):
        second.item.fetch()
    first, second = given(TASK, [place], column="file")
    assert first.item.fetch() == tmp_path / "photos" / "01.png"
    with pytest.raises(UserError, match="--column photo is for Parquet"):
        given(TASK, [paths[0]], column="photo")
    assert isinstance(
        parquet.held_by({"bytes": None, "path": "s3://a/b.jpg"}, place, texts=False), UserError
    )
    write_table(pa.table({"text": ["good", "bad"], "n": [1, 2]}), place)
    assert [named.item.fetch() for named in given(TASKS["text"], [place])] == ["good", "bad"]
    with pytest.raises(UserError, match="none holds bytes"):
        given(TASK, [place])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "photos/00.png\n\nphotos/01.png"),
        ("a.lst", "\ufeffphotos/00.png\r\nphotos/01.png\r\n"),
        ("a.csv", "label,image\ncat,photos/00.png\ndog,photos/01.png\n"),
        ("a.csv", "photos/00.png\nphotos/01.png\n"),
        ("a.tsv", "id\tfile\n7\tphotos/00.png\n8\tphotos/01.png\n"),
        ("a.jsonl", '{"path": "photos/00.png"}\n{"path": "photos/01.png", "error": "x"}\n'),
    ],
)
def test_lists(name, text, paths, tmp_path):
    (tmp_path / name).write_text(text, newline="")
    found = list(given(TASK, [str(tmp_path / name)]))
    assert [named.name for named in found] == paths[:2]
    assert [named.item.fetch() for named in found] == list(map(Path, paths[:2]))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "label,kind\ncat,x\n", "names no column of paths (label, kind)"),
        ("a.jsonl", '{"path": "a.jpg"}\n{"file": 3}\n', 'line 2 is not {"path": "..."}'),
        ("gone.txt", None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_list(name, text, words, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as caught:
        list(given(TASK, [str(tmp_path / name)]))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["x.txt", "x.jsonl"])
def test_a_line_without_an_end_is_no_path(name, tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "LONGEST", 10)
    (tmp_path / name).write_text("x" * 11)
    with pytest.raises(UserError, match="a line of more than 10 letters"):
        list(lists.paths_in(str(tmp_path / name)))


def test_tables_that_a_task_reads_by_itself_are_no_lists(tmp_path):
    (tmp_path / "pairs.csv").write_text("a,b\na.jpg,b.jpg\n")
    (named,) = given(TASKS["faces"], [str(tmp_path / "pairs.csv")])
    assert named.name.count(" | ") == 1


@pytest.fixture
def bucket(paths, shard):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.store.clear()
    for path in paths[:3]:
        store.pipe_file(f"/bucket/photos/{Path(path).name}", Path(path).read_bytes())
    store.pipe_file("/bucket/photos/._00.png", b"no")
    store.pipe_file("/bucket/photos/deep/x.tar", Path(shard).read_bytes())
    store.pipe_file(
        "/bucket/list.txt", b"photos/00.png\nmemory://bucket/photos/01.png\ns3://b/c.png\n"
    )
    yield "memory://bucket"
    store.store.clear()


def test_an_object_store(recognizer, paths, shard, bucket):
    inputs = given(TASK, [f"{bucket}/photos"])
    names = [named.name for named in inputs]
    assert names[:4] == [
        *(f"{bucket}/photos/0{n}.png" for n in range(3)), f"{bucket}/photos/deep/x.tar/train/00.png"
    ]  # fmt: skip
    assert said(recognizer, inputs) == said(recognizer, [*paths[:3], *paths])
    assert [named.name for named in inputs.items(5)] == names
    pattern = given(TASK, [f"{bucket}/photos/*.png"])
    assert len([named.name for named in pattern if "._" not in named.name]) == 3
    listed = [one.error for one in recognizer.predict(given(TASK, [f"{bucket}/list.txt"]))]
    assert listed[:2] == [None, None]
    assert "not at one of the same kind" in listed[2]
    (gone,) = recognizer.predict(given(TASK, [f"{bucket}/gone.png"]))
    assert "No such file" in gone.error or "gone.png" in gone.error


def test_addresses_are_read_only_where_a_person_names_one(tmp_path, monkeypatch):
    """A list here may come from anywhere, and so may a table."""
    monkeypatch.setattr(stores, "store_of", lambda address: pytest.fail(f"asked for {address}"))
    (tmp_path / "list.txt").write_text("memory://bucket/a.png\nhttps://example.org/b.png\n")
    for named in given(TASK, [str(tmp_path / "list.txt")]):
        with pytest.raises(UserError, match="an address"):
            named.item.fetch()


def test_a_store_without_its_package(monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UserError, match="s3"):
        list(given(TASK, ["s3://bucket/photos"]))


def test_a_folder_of_shards_and_patterns(shard, tmp_path, paths):
    place = tmp_path / "shards" / "deep"
    place.mkdir(parents=True)
    Path(shard).rename(place / "a.tar")
    (place / "notes.gz").write_bytes(b"")
    assert len(list(given(TASK, [str(tmp_path / "shards")]))) == 20
    assert len(list(given(TASK, [str(place / "*.tar"), paths[0]]))) == 21
    assert [Path(path).name for path in walk([str(place)], {".tar"})] == ["a.tar"]


def test_bytes_that_wait_are_bounded():
    budget = Budget(10)
    first = Held(b"123456", budget)
    second = Held(b"1234", budget)
    assert budget.held == 10
    assert (first.fetch(), budget.held) == (b"123456", 4)
    with pytest.raises(UserError, match="already"):
        first.fetch()
    second.fetch()
    Held(b"x" * 99, budget).fetch()  # alone, one may be larger
    assert budget.held == 0


def test_a_stream_waits_for_its_decoders(recognizer, shard, monkeypatch):
    monkeypatch.setattr("striate.recognizing.holding.Budget.__init__.__defaults__", (1000,))
    assert len(list(recognizer.predict(given(TASK, [shard]), batch_size=8))) == 20
