"""Rows of a cluster of two workers: those of one process, also if a worker is killed and the work
is stopped and goes on."""

import sys
import tarfile
from pathlib import Path

import psutil
import pytest

from striate.errors import InputError, StorageError, UserError
from striate.recognizing import Cluster, given, recognize
from striate.recognizing.cluster import reason_of
from striate.recognizing.connecting import cores_of, started
from striate.recognizing.parts import Parts
from striate.tasks.table import TASKS

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # of its own settings
]


@pytest.fixture
def model(recognizer, tmp_path) -> str:
    path = tmp_path / "model.safetensors"
    recognizer.save(path)
    return str(path)


@pytest.fixture
def places(paths, tmp_path) -> list[str]:
    """A list of 300 pictures, a shard with a broken one, and a file that is not there."""
    (tmp_path / "list.txt").write_text("\n".join(paths[:5] * 60))
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for path in paths:
            archive.add(path, Path(path).name)
    return [str(tmp_path / "list.txt"), str(tmp_path / "shard.tar"), str(tmp_path / "none.png")]


def workers() -> list[psutil.Process]:
    """Processes of workers below this one."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "MapWorker" in "".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def test_a_stop_and_a_killed_worker_lose_and_double_nothing(
    recognizer, model, places, tmp_path, monkeypatch
):
    """The disk is full at first; the next run goes on, and a worker of it is killed. Both share one
    cluster, whose start takes most of the time."""
    alone, together = tmp_path / "alone.parquet", tmp_path / "together.parquet"
    inputs = given(recognizer.task, places)
    assert recognize(recognizer, inputs, alone, batch_size=3, top=2) == (321, 2)
    add, killed = Parts.add, []
    # Ray's workers would wait for whatever else this machine does.
    monkeypatch.setenv("RAY_worker_niceness", "0")

    def full(self, *rows):
        add(self, *rows)
        if self.rows >= 30:
            raise StorageError("cannot write it: No space left on device")

    def killing(self, *rows):
        add(self, *rows)
        if not killed:
            killed.append(workers()[0])
            killed[0].kill()

    def on_two(act):
        monkeypatch.setattr(Parts, "add", act)
        return recognize(
            recognizer, inputs, together, batch_size=3, top=2, seconds=0,
            cluster=Cluster(model, workers=2),
        )  # fmt: skip

    with started(None, 2) as count:
        assert count == 2
        with pytest.raises(StorageError):
            on_two(full)
        parts = tmp_path / "together.parquet.parts"
        finished = sum(int(path.name.split("-")[1]) for path in parts.glob("*-*-*-*.jsonl"))
        assert finished == 30
        assert on_two(killing) == (321, 2)
        assert not killed[0].is_running()
    assert together.read_bytes() == alone.read_bytes()


def test_what_is_no_cluster_is_refused(recognizer, model, paths, tmp_path):
    out = tmp_path / "found.jsonl"
    inputs = given(recognizer.task, paths)
    for address, why in {
        "ray://head:10001": "ray job submit",
        "127.0.0.1:1": "nothing answers",
        "127.0.0.1:99999": "nothing answers",
        "head": "expected HOST:PORT",
        "head:": "expected HOST:PORT",
    }.items():
        with pytest.raises(UserError, match=why):
            recognize(recognizer, inputs, out, cluster=Cluster(model, address=address))
    with pytest.raises(UserError, match="those of `given`"):
        recognize(recognizer, paths, out, cluster=Cluster(model))
    assert not out.exists()


def test_a_cluster_of_a_head_alone_has_no_cores():
    assert cores_of({"CPU": 3.0, "memory": 1e9}) == 3
    with pytest.raises(UserError, match="give --workers"):
        cores_of({"memory": 1e9})


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_inputs_of_every_task_are_drawn_by_another_process(task, tmp_path):
    """They are sent to the one that draws, also after they were drawn here."""
    from ray import cloudpickle

    files = [tmp_path / f"{name}{min(task.suffixes)}" for name in "ab"]
    for file in files:
        file.write_text("a")
    (tmp_path / "list.lst").write_text("b.png")
    options = {"question": "what is it?"} if "question" in task.options.get("predict", ()) else {}
    inputs = given(task, [str(tmp_path / "list.lst"), *map(str, files)], options)
    before = [one.name for one in inputs]
    assert [one.name for one in cloudpickle.loads(cloudpickle.dumps(inputs))] == before


def test_the_reason_of_a_failure_is_one_line():
    """What striate raised in a worker, however Ray wraps it; or that the cluster failed."""
    outer, inner = RuntimeError("a\nb"), RuntimeError("task")
    assert str(reason_of(outer)).startswith("the cluster failed: a")
    assert "\n" not in str(reason_of(outer))
    inner.cause = InputError("no such folder")
    outer.__cause__ = inner
    found = reason_of(outer)
    assert (type(found), str(found)) == (InputError, "no such folder")
