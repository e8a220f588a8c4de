import json

import numpy as np
import pytest

from striate.errors import DataError, StorageError
from striate.retrieval import Description, Index, Whitening
from striate.retrieval.index import HEADER, Header, create, name_below, writing_to


def header(**more):
    about = {"model": "m", "content": None, "description": Description(), "folder": "/photos",
             "whitened": False, "pictures": 0, "dimensions": 3}  # fmt: skip
    return Header(**{**about, **more})


def vectors(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


@pytest.fixture
def index(tmp_path):
    found = create(tmp_path / "one.index", header(), None)
    found.add(["a.jpg", "b/ü.jpg"], [(1, 2), (3, 4)], vectors(2))
    return found


def test_what_is_added_is_there_when_it_is_opened_again(index):
    index.add(["c\n.jpg"], [(5, 6)], vectors(1, 1))
    again = Index(index.path)
    assert list(again.names) == ["a.jpg", "b/ü.jpg", "c\n.jpg"]
    np.testing.assert_allclose(again.vectors[:2], vectors(2), atol=2e-3)
    np.testing.assert_allclose(again.vectors[2:], vectors(1, 1), atol=2e-3)
    assert again.stamped() == {
        "a.jpg": (0, (1, 2)), "b/ü.jpg": (1, (3, 4)), "c\n.jpg": (2, (5, 6))
    }  # fmt: skip
    assert str(again.place(1)) == "/photos/b/ü.jpg"


def test_removed_rows_are_passed_over_and_in_the_end_gone(index):
    index.add(["c.jpg", "d.jpg", "e.jpg"], [(5, 6)] * 3, vectors(3, 1))
    index.remove([1, 3])
    assert len(index) == 3
    assert index.rows.tolist() == [0, 2, 4]
    assert index.header.rows == 5
    (index.path / "vectors-7.f16").touch()  # of a process that was killed
    index.remove([0])  # more than half: written anew
    assert len(index) == 2
    assert index.header.rows == 2
    again = Index(index.path)
    assert list(again.names) == ["c.jpg", "e.jpg"]
    np.testing.assert_allclose(again.vectors, vectors(3, 1)[[0, 2]], atol=2e-3)
    assert sorted(path.name for path in index.path.iterdir()) == [
        "ends-1", HEADER, "letters-1", "stamps-1", "vectors-1.f16"
    ]  # fmt: skip
    again.add(["f.jpg"], [(7, 8)], vectors(1, 2))
    assert list(Index(index.path).names) == ["c.jpg", "e.jpg", "f.jpg"]


def test_everything_can_be_removed(index):
    index.remove([0, 1])
    assert len(Index(index.path)) == 0
    index.add(["c.jpg"], [(5, 6)], vectors(1))
    assert list(Index(index.path).names) == ["c.jpg"]


@pytest.mark.parametrize("what", ["vectors-0.f16", "letters-0", "ends-0", "stamps-0"])
def test_killed_while_it_was_written_it_is_as_before(index, what):
    with (index.path / what).open("ab") as file:
        file.write(b"half of a row")
    again = Index(index.path)
    assert list(again.names) == ["a.jpg", "b/ü.jpg"]
    again.add(["c.jpg"], [(5, 6)], vectors(1, 1))
    once_more = Index(index.path)
    assert list(once_more.names) == ["a.jpg", "b/ü.jpg", "c.jpg"]
    np.testing.assert_allclose(once_more.vectors[2:], vectors(1, 1), atol=2e-3)


def test_a_header_that_cannot_be_written_changes_nothing(index, monkeypatch):
    import striate.retrieval.index as module

    def full(path, header):
        raise StorageError("the disk is full")

    monkeypatch.setattr(module, "write_header", full)
    with pytest.raises(StorageError):
        index.add(["c.jpg"], [(5, 6)], vectors(1, 1), remove=[0])
    with pytest.raises(StorageError):
        index.remove([0])
    assert list(Index(index.path).names) == ["a.jpg", "b/ü.jpg"]
    assert len(Index(index.path)) == 2


@pytest.mark.parametrize("what", ["vectors-0.f16", "letters-0", "ends-0", "stamps-0"])
def test_files_that_were_cut_off_are_refused(index, what):
    path = index.path / what
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="damaged"):
        Index(index.path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 10**9},  # more than the files hold
        {"rows": -1},
        {"rows": True},
        {"dimensions": 10**12},
        {"format": "striate index 0"},
        {"description": {"layer": None}},
        {"removed": 3},
        {"model": 3},
    ],
)
def test_headers_that_do_not_fit_are_refused_before_memory_is_taken(index, wrong):
    path = index.path / HEADER
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    with pytest.raises(DataError, match="damaged"):
        Index(index.path)


def test_no_index_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not an index"):
        Index(tmp_path)


def test_names_that_lie_outside_their_file_are_refused(index):
    ends = np.fromfile(index.path / "ends-0", "<i8")
    np.array([10**6, ends[1]], "<i8").tofile(index.path / "ends-0")
    with pytest.raises(DataError, match="row 0"):
        list(Index(index.path).names)


def test_the_whitening_comes_back_and_must_fit(tmp_path):
    import torch

    whitening = Whitening(torch.ones(5), torch.ones(5, 3))
    path = tmp_path / "one.index"
    create(path, header(whitened=True), whitening)
    found = Index(path).whitening
    assert found is not None
    assert found.projection.shape == (5, 3)
    with pytest.raises(DataError, match="whitening"):
        create(path, header(whitened=True, dimensions=2), None)


def test_one_process_writes(tmp_path):
    with writing_to(tmp_path), pytest.raises(StorageError, match="another process"):
        with writing_to(tmp_path):
            pass


def test_names_are_below_the_folder_or_whole():
    assert name_below("/photos/", "/photos/../photos/a.jpg") == "a.jpg"
    assert name_below("/photos", "/photos2/a.jpg") == "/photos2/a.jpg"
