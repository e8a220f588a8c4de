"""Rows of a file: those of `predict`, whatever the form, whenever the process was killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from striate.errors import StorageError, UserError
from striate.recognizing import recognize
from striate.recognizing.parts import Names, Parts


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_the_predictions_in_order(recognizer, paths, tmp_path):
    out = tmp_path / "found.jsonl"
    done = recognize(recognizer, iter(paths), out, top=1, batch_size=3)
    assert done == (20, 1)
    assert rows_of(out) == [one.to_json(top=1) for one in recognizer.predict(paths, batch_size=3)]
    assert rows_of(out)[7] == {"path": paths[7], "error": "not an image (a text file?)"}
    assert {path.name for path in tmp_path.iterdir()} == {"found.jsonl", "photos"}


def test_memory_holds_no_more_than_a_part(recognizer, paths, tmp_path, monkeypatch):
    """Parts are finished on the way, each where a batch ends."""
    kept = []
    add = Parts.add
    monkeypatch.setattr(
        Parts, "add", lambda self, rows, *more: (kept.append(len(rows)), add(self, rows, *more))
    )
    recognize(recognizer, paths, tmp_path / "a.jsonl", batch_size=3, seconds=0)
    assert kept == [3] * 6 + [2]
    kept.clear()
    length = len((tmp_path / "a.jsonl").read_text().partition("\n")[0])
    monkeypatch.setattr("striate.recognizing._recognize.LARGEST", 4.5 * length)
    recognize(recognizer, paths, tmp_path / "b.jsonl", batch_size=3)
    assert kept[0] == 6
    assert {number % 3 for number in kept[:-1]} == {0}
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


class Killed(BaseException):
    """As a signal would end it."""


def ends_after(paths, count):
    yield from paths[:count]
    raise Killed


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_it_goes_on_where_it_stopped(recognizer, paths, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"parts{suffix}"
    recognize(recognizer, paths, whole, batch_size=3)
    asked = []

    def watched(inputs):
        for one in inputs:
            asked.append(one)
            yield one

    with pytest.raises(Killed):
        recognize(recognizer, ends_after(paths, 20), out, batch_size=3, seconds=0)
    parts = sorted(path.name for path in (tmp_path / f"{out.name}.parts").iterdir())
    assert parts[0].startswith("000000000000-3-0-")
    assert not out.exists()
    predicted = []
    answers = type(recognizer).answers

    class Counting(type(recognizer)):
        def answers(self, prepared):
            for some in answers(self, prepared):
                predicted.extend(some)
                yield some

    again = Counting(recognizer.task, recognizer.predictor, recognizer.names)
    assert recognize(again, watched(paths), out, batch_size=3, seconds=0) == (20, 1)
    assert 0 < len(predicted) < 20  # the rest alone
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / f"{out.name}.parts").exists()


def stopped(recognizer, paths, out):
    with pytest.raises(Killed):
        recognize(recognizer, ends_after(paths, 20), out, batch_size=3, seconds=0, plan={"m": 1})


def test_other_inputs_or_another_plan_are_refused(recognizer, paths, tmp_path):
    out = tmp_path / "found.jsonl"
    stopped(recognizer, paths, out)
    before = sorted((tmp_path / "found.jsonl.parts").iterdir())
    others = ["another.png", *paths[1:]]
    common = {"batch_size": 3, "plan": {"m": 1}}
    for inputs in (others, paths[:2], []):
        with pytest.raises(UserError, match="begun with other inputs"):
            recognize(recognizer, inputs, out, **common)
    with pytest.raises(UserError, match="begun with m 1, not 2, top null, not 4"):
        recognize(recognizer, paths, out, batch_size=3, plan={"m": 2}, top=4)
    with pytest.raises(UserError, match="batch size 3, not 4"):
        recognize(recognizer, paths, out, batch_size=4, plan={"m": 1})
    assert sorted((tmp_path / "found.jsonl.parts").iterdir()) == before
    assert recognize(recognizer, paths, out, **common).rows == 20


def test_what_stands_there_is_kept(recognizer, paths, tmp_path):
    out = tmp_path / "found.jsonl"
    out.write_text("mine")
    with pytest.raises(UserError, match="is there already"):
        recognize(recognizer, paths, out)
    assert out.read_text() == "mine"
    assert not (tmp_path / "found.jsonl.parts").exists()


def test_nothing_to_read(recognizer, tmp_path):
    with pytest.raises(UserError, match="nothing to read"):
        recognize(recognizer, [], tmp_path / "found.csv")
    assert not list(tmp_path.iterdir())


def test_two_processes_do_not_write_the_same_file(recognizer, paths, tmp_path):
    with Parts(tmp_path / "found.csv", {}):
        with pytest.raises(UserError, match="another process"):
            recognize(recognizer, paths, tmp_path / "found.csv")


def test_a_full_disk_keeps_what_is_finished(recognizer, paths, tmp_path, monkeypatch):
    out = tmp_path / "found.jsonl"
    add = Parts.add

    def full(self, *more):
        if self.rows >= 6:
            raise StorageError("cannot write it: No space left on device")
        add(self, *more)

    monkeypatch.setattr(Parts, "add", full)
    with pytest.raises(StorageError):
        recognize(recognizer, paths, out, batch_size=3, seconds=0)
    monkeypatch.undo()
    assert recognize(recognizer, paths, out, batch_size=3) == (20, 1)


def test_a_part_behind_a_gap_is_made_again(recognizer, paths, tmp_path):
    """After a loss of power a later rename may be on the disk, and an earlier one not."""
    out = tmp_path / "found.jsonl"
    recognize(recognizer, paths, tmp_path / "whole.jsonl", batch_size=3)
    stopped(recognizer, paths, out)
    parts = [
        path for path in sorted((tmp_path / "found.jsonl.parts").iterdir()) if "-3-" in path.name
    ]
    assert len(parts) > 2
    parts[1].unlink()
    recognize(recognizer, paths, out, batch_size=3, plan={"m": 1})
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


class Stop(Exception):
    pass


@pytest.mark.parametrize("name", ["joined", "joining", "plan.json"])
def test_killed_while_the_parts_are_joined_or_removed(
    recognizer, paths, tmp_path, monkeypatch, name
):
    """At each step: before the joined file has its place, and before a part or the plan is gone."""
    out = tmp_path / "found.jsonl"
    recognize(recognizer, paths, tmp_path / "whole.jsonl", batch_size=3)
    replace, unlink = Path.replace, Path.unlink

    def stop(act):
        def acting(self, *more, **options):
            if self.name == name or getattr(more[0] if more else None, "name", "") == name:
                raise Stop
            return act(self, *more, **options)

        return acting

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop(replace))
        if name != "joined":
            patch.setattr(Path, "replace", replace)
            patch.setattr(Path, "unlink", stop(unlink))
        with pytest.raises(Stop):
            recognize(recognizer, paths, out, batch_size=3, seconds=0)
    assert (tmp_path / "found.jsonl.parts").exists()
    if out.exists():  # it is whole, and a second run says so
        with pytest.raises(UserError, match="is there already"):
            recognize(recognizer, paths, out, batch_size=3)
    else:
        assert recognize(recognizer, paths, out, batch_size=3) == (20, 1)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not (tmp_path / "found.jsonl.parts").exists()


PROGRAM = """
import sys, time
from striate.recognizer import load
from striate.recognizing import recognize
model, out, *paths = sys.argv[1:]
def slowly():
    for path in paths:
        time.sleep(0.02)
        yield path
print("begun", flush=True)
recognize(load(model), slowly(), out, batch_size=3, seconds=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_kill_9_at_several_moments(recognizer, paths, tmp_path):
    """The process ends as no program can prevent; the next one goes on, until one comes through."""
    model, out = tmp_path / "model.safetensors", tmp_path / "found.jsonl"
    recognizer.save(model)
    recognize(recognizer, paths, tmp_path / "whole.jsonl", batch_size=3)
    command = [sys.executable, "-c", PROGRAM, str(model), str(out), *paths]
    killed = 0
    for wait in (0.15, 0.2, 0.3, 10.0):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
            assert process.stdout.readline() == b"begun\n"
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
        if out.exists():
            break
    assert killed
    assert process.returncode == 0
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_digest_knows_where_names_end():
    one, other = Names(), Names()
    one.add("ab")
    one.add("c")
    other.add("a")
    other.add("bc")
    assert one.digest != other.digest
    one.add("\udcff")  # of a name that is no text
