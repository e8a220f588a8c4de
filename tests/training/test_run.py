"""The folder of a run: its metrics, its events and how it began."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from striate.data import Dataset
from striate.errors import DataError, StorageError
from striate.tasks.classification.problem import ClassificationProblem
from striate.training import Recipe, fit
from striate.training.run import RunFolder, read_json


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a folder."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_reads_what_the_metrics_say(
    stripes: Dataset, network: Callable[[], nn.Module], recipe: Recipe, tmp_path: Path
) -> None:
    run = fit(network(), ClassificationProblem(("a", "b", "c")), stripes, recipe, folder=tmp_path)
    seen = scalars(tmp_path)
    assert set(seen) == set(run.history[0]) - {"step"}
    for name, points in seen.items():
        assert points == [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in run.history]


def test_a_second_process_tells_tensorboard_nothing_twice(tmp_path: Path) -> None:
    for until in (0, 1, 2):
        folder = RunFolder(tmp_path)
        folder.begin({"seed": 0}, resume=True)
        folder.history(until=until, score="loss")
        folder.log({"step": until + 1, "epoch": 1, "loss": float(until)})
        folder.log({"step": until + 2, "epoch": 1, "loss": -1.0})  # not saved: the next drops it
        folder.close()
    assert scalars(tmp_path)["loss"] == [(1, 0.0), (2, 1.0), (3, 2.0), (4, -1.0)]


def test_rows_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    rows = [{"step": step, "epoch": step // 4, "loss": 0.1} for step in (4, 8, 12)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert folder.history(until=8, score="loss") == rows[:2]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    assert folder.history(until=0, score="loss") == []
    assert (tmp_path / "metrics.jsonl").read_text() == ""


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_a_broken_beginning_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DataError, match=r"run\.json"):
        RunFolder(tmp_path).begin({"seed": 0}, resume=True)


def test_what_changed_is_named_in_order(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin({"seed": 0, "data": "x", "rate": (1, 2)}, resume=False)
    assert read_json(tmp_path / "run.json")["rate"] == [1, 2]
    assert not folder.begin({"seed": 0, "data": "x", "rate": (1, 2)}, resume=True)
    with pytest.raises(DataError, match="cannot go on: data, extra, seed changed"):
        folder.begin({"seed": 1, "data": "y", "rate": (1, 2), "extra": 0}, resume=True)
    folder.close()


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    """Two at once would tell the metrics of both as those of one."""
    first, second = RunFolder(tmp_path), RunFolder(tmp_path)
    first.begin({"seed": 0}, resume=True)
    with pytest.raises(DataError, match="in use by another process"):
        second.begin({"seed": 0}, resume=True)
    second.close()
    with pytest.raises(DataError, match="in use by another process"):
        second.begin({"seed": 0}, resume=True)
    first.close()
    assert not second.begin({"seed": 0}, resume=True)
    second.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json"]


def test_metrics_that_cannot_be_written_are_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*metrics"):
        RunFolder(tmp_path).log({"step": 1, "loss": 0.0})
