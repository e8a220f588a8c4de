"""A store under construction: what is done stays, what is not whole is not taken for done."""

import errno
import os

import numpy as np
import pytest

from striate.data import part as parts
from striate.data.contents import content_of
from striate.data.part import Part
from striate.data.store import open_store
from striate.images import View

VIEW = View(4, 3)
ROWS = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
NAMES = [content_of(row.tobytes()) for row in ROWS]
CONTENTS = np.stack([np.frombuffer(name, np.uint8) for name in NAMES])
STAMPS = np.zeros((6, 16), np.uint8)


@pytest.fixture
def fresh(tmp_path):
    """A part of six rows; called again, whoever goes on with it."""
    opened = []

    def make(name: str = "key") -> Part:
        opened.append(Part(tmp_path / f"{name}.part", VIEW, CONTENTS, STAMPS))
        return opened[-1]

    yield make
    for part in opened:
        part.close()


def put(part: Part, *rows: int) -> None:
    for row in rows:
        part.put(row, ROWS[row], NAMES[row])


def test_a_finished_part_is_a_store(fresh, tmp_path):
    part = fresh()
    put(part, 5, 0, 3, 1, 4, 2)
    assert part.missing() == []
    part.finish(tmp_path / "key")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    store = open_store(tmp_path / "key", VIEW)
    np.testing.assert_array_equal(store.pixels, ROWS)
    np.testing.assert_array_equal(store.contents, CONTENTS)
    assert store.broken == {}


@pytest.mark.parametrize("broken", [[0], [5], [1, 2, 4], [0, 1, 2, 3, 4, 5]])
def test_the_broken_leave_no_gaps(fresh, tmp_path, broken):
    part = fresh()
    for row in broken:
        part.fail(row, f"reason {row}", NAMES[row])
    good = [row for row in range(6) if row not in broken]
    put(part, *good)
    part.finish(tmp_path / "key")
    store = open_store(tmp_path / "key", VIEW)
    np.testing.assert_array_equal(store.pixels, ROWS[good])
    assert store.places()[good].tolist() == list(range(len(good)))
    assert store.broken == {row: f"reason {row}" for row in broken}


def test_another_process_goes_on(fresh):
    put(fresh(), 1, 4)
    part = fresh()
    assert part.missing() == [0, 2, 3, 5]


@pytest.mark.parametrize("damage", ["row", "cut", "sums cut", "no pixels", "no sums"])
def test_rows_that_are_not_whole_are_made_again(fresh, damage):
    part = fresh()
    put(part, *range(6))
    part.close()
    place = part.folder / ("sums" if "sums" in damage else "pixels")
    if damage.startswith("no"):
        place.unlink()
    elif damage == "row":
        with place.open("r+b") as file:
            file.seek(3 * 48 + 7)
            file.write(bytes([ROWS[3].ravel()[7] ^ 1]))
    else:
        os.truncate(place, place.stat().st_size * 5 // 6 - 1)
    expected = {"row": [3], "cut": [4, 5], "sums cut": [4, 5]}.get(damage, [0, 1, 2, 3, 4, 5])
    assert fresh().missing() == expected


def test_what_another_store_has_is_taken_over(fresh, tmp_path):
    part = fresh()
    put(part, 0, 1, 2, 4)
    part.fail(3, "broken PNG", NAMES[3])
    part.fail(5, "broken PNG", b"other content".ljust(16))
    part.finish(tmp_path / "key")
    other = fresh("other")
    other.contents[:] = CONTENTS[::-1]
    other.copy(open_store(tmp_path / "key", VIEW))
    assert other.missing() == [0]  # 5 was of another content than was expected
    assert other.broken == {2: "broken PNG"}
    put_rows = [1, 3, 4, 5]
    other.put(0, ROWS[5], NAMES[5])
    other.finish(tmp_path / "last")
    found = open_store(tmp_path / "last", VIEW)
    np.testing.assert_array_equal(found.pixels, ROWS[::-1][[0, *put_rows]])


def test_a_row_of_a_file_that_has_changed_since_is_never_found_again(fresh, tmp_path):
    part = fresh()
    put(part, 0, 1, 2, 3, 4)
    part.put(5, ROWS[5], b"other content".ljust(16))
    part.finish(tmp_path / "key")
    assert open_store(tmp_path / "key", VIEW).contents.any(1).tolist() == [True] * 5 + [False]


def test_a_disk_that_fills_up_is_noticed_while_writing(fresh, monkeypatch):
    """A full disk takes a part of what is written, and then nothing."""

    class Filling:
        room = 20

        def seek(self, _):
            pass

        def write(self, data):
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            took, self.room = min(self.room, len(data)), max(0, self.room - len(data))
            return took

        def close(self):
            pass

    with pytest.raises(OSError, match="No space left"):
        parts._write(Filling(), 0, bytes(48))
    part = fresh()
    with monkeypatch.context() as patch:
        patch.setattr(part, "_pixels", Filling())
        with pytest.raises(OSError, match="No space left"):
            put(part, 0)
    assert part.missing() == [0, 1, 2, 3, 4, 5]
