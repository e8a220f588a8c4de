"""Learning part models that is stopped after any round and goes on: the same model, bit for bit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import StorageError
from striate.handcrafted import deformable_learning
from striate.handcrafted.deformable_learning import Settings
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection import keeping
from striate.tasks.detection.dpm import method
from striate.tasks.detection.dpm import rounds as kept_rounds
from striate.tasks.detection.dpm.method import learn
from striate.tensors import load_tensors, save_tensors

FEW = Settings(roots=2, parts=2, part_count=2, cells=(9, 16), negatives=200)
ROUNDS = 4


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every round that is really done."""
    done: list[int] = []
    gather = deformable_learning.gather

    def counted(*args: Any) -> None:
        done.append(1)
        gather(*args)

    monkeypatch.setattr(deformable_learning, "gather", counted)
    return done


def stopped(data: Dataset[Boxes], ask: Ask, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learns until that many rounds are kept."""
    count, keep = [0], kept_rounds.keep

    def interrupted(*args: Any) -> None:
        keep(*args)
        count[0] += 1
        if count[0] == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kept_rounds, "keep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            learn(data, ask, settings=FEW)


def assert_same(one: Learned, other: Learned) -> None:
    first, second = one.predictor.tensors(), other.predictor.tensors()
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert one.predictor.header() == other.predictor.header()
    assert repr(one.validation) == repr(other.validation)
    assert one.notes == other.notes


@pytest.fixture(scope="module")
def known() -> list[Learned]:
    return []


@pytest.fixture
def unbroken(shapes: Dataset[Boxes], known: list[Learned]) -> Learned:
    """What a run that is not stopped learns."""
    if not known:
        known.append(learn(shapes, Ask(seed=3), settings=FEW))
    return known[0]


@pytest.mark.parametrize("after", range(1, ROUNDS + 1))
def test_a_stopped_run_ends_in_the_same_model(
    shapes: Dataset[Boxes],
    unbroken: Learned,
    gathered: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    ask = Ask(seed=3, folder=tmp_path / "run")
    stopped(shapes, ask, after, monkeypatch)
    assert len(gathered) == after
    _, header = load_tensors(tmp_path / "run" / kept_rounds.NAME)
    again = learn(shapes, replace(ask, resume=True), settings=FEW)
    assert len(gathered) == ROUNDS
    assert_same(again, unbroken)
    assert list(again.seconds) == list(unbroken.seconds)
    assert again.seconds["learn"] > header["seconds"] > 0
    assert [path.name for path in (tmp_path / "run").iterdir()] == [keeping.NAME]


def test_stopped_twice(
    shapes: Dataset[Boxes],
    unbroken: Learned,
    gathered: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = Ask(seed=3, folder=tmp_path, resume=True)  # nothing is there yet
    stopped(shapes, ask, 1, monkeypatch)
    stopped(shapes, ask, 2, monkeypatch)
    assert_same(learn(shapes, ask, settings=FEW), unbroken)
    assert len(gathered) == ROUNDS


def test_what_was_learned_is_read(
    shapes: Dataset[Boxes], gathered: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Ask(seed=3, folder=tmp_path, resume=True)
    first = learn(shapes, ask, settings=FEW)
    with monkeypatch.context() as patch:
        patch.setattr(method, "scenes_of", None)  # no picture is read any more
        again = learn(shapes, ask, settings=FEW)
    assert_same(again, first)
    assert again.seconds == first.seconds
    path = tmp_path / keeping.NAME
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert_same(learn(shapes, ask, settings=FEW), first)
    assert len(gathered) == 2 * ROUNDS
    for count, other in enumerate((replace(ask, seed=4), replace(ask, resume=False)), 1):
        stopped(shapes, other, 1, monkeypatch)  # it is not read, but learned anew
        assert len(gathered) == 2 * ROUNDS + count


def damaged(path: Path, kind: str) -> None:
    tensors, header = load_tensors(path)
    if kind == "half":
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        return
    if kind == "place":
        tensors["negatives.0"][0, 0] = 1000
    elif kind == "missing":
        del tensors["negatives.0"]
    elif kind == "weights":
        tensors["models.0.root"] = tensors["models.0.root"][:, :2]
    else:
        header["stages"] = 7
    save_tensors(path, tensors, header)


@pytest.fixture(scope="module")
def begun() -> list[bytes]:
    return []


@pytest.fixture
def first(
    shapes: Dataset[Boxes], begun: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """The file that a run leaves which is stopped after its first round."""
    if not begun:
        stopped(shapes, Ask(seed=3, folder=tmp_path / "begun"), 1, monkeypatch)
        begun.append((tmp_path / "begun" / kept_rounds.NAME).read_bytes())
    return begun[0]


@pytest.mark.parametrize("kind", ["half", "place", "missing", "weights", "header", "sound"])
def test_a_damaged_file_is_not_gone_on_from(
    shapes: Dataset[Boxes],
    first: bytes,
    gathered: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """Its first round is done again, to the same end; a sound file is gone on from."""
    path = tmp_path / "run" / kept_rounds.NAME
    path.parent.mkdir()
    path.write_bytes(first)
    before = {name: one.clone() for name, one in load_tensors(path)[0].items()}  # not of the file
    if kind != "sound":
        damaged(path, kind)
    ask = Ask(seed=3, folder=path.parent, resume=True)
    stopped(shapes, ask, 1, monkeypatch)
    assert len(gathered) == 1
    after, _ = load_tensors(path)
    same = before.keys() == after.keys() and all(torch.equal(before[k], after[k]) for k in before)
    assert same == (kind != "sound")


def test_a_file_of_another_run_is_not_gone_on_from(
    shapes: Dataset[Boxes],
    unbroken: Learned,
    gathered: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = Ask(seed=3, folder=tmp_path, resume=True)
    stopped(shapes, replace(ask, seed=4), 2, monkeypatch)
    assert_same(learn(shapes, ask, settings=FEW), unbroken)
    assert len(gathered) == 2 + ROUNDS
    moved = shapes.split.copy()
    moved[moved == 1] = 0  # what was validation is learned from
    parts = (shapes, FEW, 3), (replace(shapes, split=moved), FEW, 3)
    names = {method.identity_of(*each) for each in (*parts, (shapes, replace(FEW, cost=1.0), 3))}
    assert len(names) == 3


def test_a_full_disk_is_reported(
    shapes: Dataset[Boxes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("cannot write it: No space left on device")

    monkeypatch.setattr(kept_rounds, "save_tensors", full)
    with pytest.raises(StorageError, match="No space left"):
        learn(shapes, Ask(folder=tmp_path), settings=FEW)
