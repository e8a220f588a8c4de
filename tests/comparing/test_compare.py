"""One method after another: nothing is learned that cannot be, or that a folder holds already."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import numpy as np
import pytest
import torch

from striate.comparing import Comparison, Wishes, compare, comparisons, learn
from striate.data import Dataset
from striate.errors import DataError, UnknownName, UserError
from striate.files import Lock
from striate.recognizer import load
from striate.tasks.contract import Task


def test_what_is_known_after_every_run(task: Task, data: Dataset) -> None:
    known = comparisons(data, task)
    assert isinstance(known, Iterator)
    counts = [[row.seeds for row in comparison.rows] for comparison in known]
    assert counts == [[1], [2], [2, 1]]  # as often as each method says
    assert task.learned == [("middle", 0), ("middle", 1), ("rough", 0)]


def test_all_are_tested_on_the_same_examples(task: Task, data: Dataset) -> None:
    found = compare(data, task="bright")
    for outcome in found.outcomes:
        assert outcome.answered.rows == tuple(np.flatnonzero(data.split == 2))


def test_a_validation_split_that_was_drawn_is_drawn_anew_for_each_seed(
    task: Task, data: Dataset
) -> None:
    found = compare(data, task="bright", seeds=2)
    middle, rough = ([one.data for one in row.outcomes] for row in found.rows)
    assert middle[0] is rough[0]
    assert middle[1] is rough[1]  # methods share a draw, and what is remembered of it
    assert middle[1].pixels is middle[0].pixels
    first, second = (one.dataset.split for one in middle)
    assert first.tolist() == data.split.tolist() != second.tolist()
    assert ((first == 2) == (second == 2)).all()
    given = compare(replace(data, drawn=frozenset({"test"})), task="bright", seeds=2)
    assert given.outcomes[0].data is given.outcomes[1].data


def test_the_random_state_is_the_seeds_and_is_given_back(
    task: Task, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    method = task.known["middle"]

    def spy(*asked: Any) -> Any:
        drawn.append(torch.rand(()).item())
        return method.learn(*asked)

    task.known["middle"] = replace(method, learn=spy)
    before = torch.get_rng_state()
    compare(data, ["middle"], task="bright", seeds=2, seed=4)
    assert torch.equal(before, torch.get_rng_state())
    assert drawn == [torch.manual_seed(k) and torch.rand(()).item() for k in (4, 5)]


def test_leaks_are_not_scored_unless_asked(task: Task, data: Dataset) -> None:
    rows = np.concatenate([np.arange(len(data)), np.flatnonzero(data.split == 0)[:3]])
    copied = replace(data.take(rows), drawn=frozenset())  # the folder has these splits
    copied.split[len(data) :] = 2
    (clean,) = compare(copied, ["rough"], task="bright").outcomes
    assert clean.scores.examples == 12
    (every,) = compare(copied, ["rough"], task="bright", keep_leaks=True).outcomes
    assert every.scores.examples == 15
    assert any("3 of" in note for note in clean.data.dataset.notes)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"methods": ["midle"]}, UnknownName, "no method of bright is called 'midle'"),
        ({"methods": []}, DataError, "at least one method"),
        ({"seeds": 0}, UserError, "--seeds 0: a comparison needs at least one"),
        ({"network": "lenet6"}, UnknownName, "no network for rough is called 'lenet6'"),
        ({"network": "lenet5", "methods": ["middle"]}, UserError, "--network lenet5: none of"),
        ({"seconds": 5.0, "methods": ["middle"]}, UserError, "--time-limit: none of middle"),
        ({"recipe": "scrach"}, UnknownName, "no recipe is called 'scrach'; did you mean scratch"),
        ({"seconds": 0.1}, UserError, "--time-limit 0.1"),
        ({"task": "bringt"}, UnknownName, "no task is called 'bringt'"),
        ({"device": "cuda:77"}, UserError, "--device cuda:77"),
    ],
)  # fmt: skip
def test_mistakes_are_named_before_any_work(
    task: Task, data: Dataset, asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        compare(data, **{"task": "bright", **asked})
    assert task.learned == []


@pytest.mark.parametrize(("part", "words"), [(2, "test split"), (1, "validation"), (0, "train")])
def test_every_split_is_needed(task: Task, data: Dataset, part: int, words: str) -> None:
    split = data.split.copy()
    split[split == part] = -1
    with pytest.raises(DataError, match=words):
        compare(replace(data, split=split), task="bright")
    assert task.learned == []


def test_wishes_go_to_the_methods_that_can_have_them(task: Task, data: Dataset) -> None:
    found = compare(data, task="bright", network="lenet5", recipe="scratch", seconds=60.0)
    middle, rough = (row.chosen.recognizer.provenance for row in found.rows)
    assert (middle["network"], rough["network"]) == (None, "lenet5")
    assert middle["asked"]["time limit"] is None
    assert rough["asked"]["time limit"] == 60.0
    assert rough["asked"]["recipe"]["batch_size"] == 32


# What a folder holds.


def test_a_folder_gets_the_recognizers_as_soon_as_they_are_known(
    task: Task, data: Dataset, tmp_path: Path
) -> None:
    task.values = lambda name, seed: 10.0 if (name, seed) == ("middle", 0) else 128.0
    known = comparisons(data, task, folder=tmp_path)
    next(known)
    assert load(tmp_path / "middle.safetensors").provenance["seed"] == 0
    next(known)
    assert load(tmp_path / "middle.safetensors").provenance["seed"] == 1  # better on validation
    known.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["middle", "middle.safetensors"]


def test_a_comparison_that_was_stopped_goes_on(task: Task, data: Dataset, tmp_path: Path) -> None:
    known = comparisons(data, task, folder=tmp_path)
    next(known)
    known.close()
    again = compare(data, task="bright", folder=tmp_path)
    assert task.learned == [("middle", 0), ("middle", 1), ("rough", 0)]  # each once
    whole = compare(data, task="bright")
    assert [row.score for row in again.rows] == [row.score for row in whole.rows]
    once_more = compare(data, task="bright", folder=tmp_path, seeds=2)
    assert len(task.learned) == 7  # the second seed of the other method, besides those of `whole`
    mine, theirs = again.rows[0].to_json(), once_more.rows[0].to_json()
    for key in ("interval", "memory", "notes", "stages", "history", "seconds", "metrics"):
        assert mine[key] == theirs[key], key
    assert np.isnan(once_more.outcomes[0].learned.validation["unknown"])


def test_a_run_that_was_stopped_while_learning_is_taken_up(
    task: Task, data: Dataset, tmp_path: Path
) -> None:
    asked = []
    method = task.known["rough"]

    def stopped(data: Any, ask: Any) -> Any:
        asked.append((ask.folder, ask.resume))
        if len(asked) == 1:
            raise KeyboardInterrupt
        return method.learn(data, ask)

    task.known["rough"] = replace(method, learn=stopped)
    with pytest.raises(KeyboardInterrupt):
        compare(data, ["rough"], task="bright", folder=tmp_path)
    compare(data, ["rough"], task="bright", folder=tmp_path)
    assert asked == [(tmp_path / "rough" / "seed-0", True)] * 2


def test_more_test_examples_are_tested_and_nothing_is_learned_again(
    task: Task, data: Dataset, tmp_path: Path
) -> None:
    fewer = data.take(np.arange(len(data) - 4))
    compare(fewer, ["rough"], task="bright", folder=tmp_path)
    (row,) = compare(data, ["rough"], task="bright", folder=tmp_path).rows
    assert task.learned == [("rough", 0)]
    assert row.recognizer.provenance["test"]["examples"] == 12
    assert load(tmp_path / "rough.safetensors").provenance["test"]["examples"] == 12


def test_who_asks_again_gets_the_same_answer(
    task: Task, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(times: float) -> None:
        """An example takes so many seconds to answer."""
        monkeypatch.setattr(task, "answered", lambda *asked: type(task).answered(
            task, *asked)._replace(seconds=times))  # fmt: skip

    slow(0.5)
    first = compare(data, ["rough"], task="bright", folder=tmp_path).to_json()
    slow(4.0)
    again = compare(data, ["rough"], task="bright", folder=tmp_path)
    assert again.to_json() == first
    assert again.rows[0].seconds_per_example == 0.5


def test_a_folder_without_the_time_of_an_answer_keeps_the_next(
    task: Task, data: Dataset, tmp_path: Path
) -> None:
    compare(data, ["rough"], task="bright", folder=tmp_path)
    path = tmp_path / "rough" / "seed-0" / "recognizer.safetensors"
    old = load(path)
    test = dict(old.provenance["test"])
    del test["seconds"]
    old.with_provenance(test=test).save(path)
    known = compare(data, ["rough"], task="bright", folder=tmp_path).rows[0].seconds_per_example
    assert load(path).provenance["test"]["seconds"] == known > 0
    again = compare(data, ["rough"], task="bright", folder=tmp_path)
    assert again.rows[0].seconds_per_example == known


@pytest.mark.parametrize(("first", "then"), [(0, 7), (7, 0), (7, 8)])
def test_another_first_seed_is_another_comparison(
    task: Task, data: Dataset, tmp_path: Path, first: int, then: int
) -> None:
    asked = {"task": "bright", "seeds": 2, "folder": tmp_path}
    compare(data, ["rough"], seed=first, **asked)
    learned, kept = list(task.learned), (tmp_path / "rough.safetensors").read_bytes()
    with pytest.raises(DataError) as error:
        compare(data, ["rough"], seed=then, **asked)
    assert str(error.value) == (
        f"{tmp_path / 'rough'} holds runs with another seed (--seed {first}); give another --out, "
        "or move it away"
    )
    assert task.learned == learned
    assert (tmp_path / "rough.safetensors").read_bytes() == kept
    compare(data, ["rough"], seed=first, **{**asked, "seeds": 3})  # one more of the same
    assert task.learned == [*learned, ("rough", first + 2)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": 70.0}, "another time limit"),
        ({"network": "lenet5"}, "another network"),
        ({"weights": "imagenet"}, "other weights"),
        ({"recipe": "vgg_2015"}, "another recipe"),
        ({"data": "fewer"}, "other data"),
        ({"data": "split"}, "other data"),
    ],
)
def test_what_was_learned_otherwise_is_one_clear_line(
    task: Task, data: Dataset, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    compare(data, task="bright", seeds=1, folder=tmp_path)
    learned = list(task.learned)
    others = {"fewer": data.take(np.arange(1, len(data))), "split": data.redraw(7)}
    other = others.get(change.pop("data", ""), data)
    with pytest.raises(DataError) as error:
        compare(other, task="bright", seeds=1, folder=tmp_path, **change)
    assert words in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert str(error.value).endswith("give another --out, or move it away")
    assert task.learned == learned


def test_the_same_weights_file_with_other_content_is_not_the_same(
    task: Task, data: Dataset, tmp_path: Path
) -> None:
    file = tmp_path / "own.safetensors"
    file.write_text("first")
    compare(data, ["rough"], task="bright", weights=file, folder=tmp_path / "out")
    moved = file.rename(tmp_path / "moved.safetensors")
    compare(data, ["rough"], task="bright", weights=moved, folder=tmp_path / "out")
    assert len(task.learned) == 1
    moved.write_text("second")
    with pytest.raises(DataError, match="other weights"):
        compare(data, ["rough"], task="bright", weights=moved, folder=tmp_path / "out")


HOLD = """
import sys
from striate.files import Lock

with Lock(sys.argv[1]) as lock:
    print(lock.acquire(), flush=True)
    sys.stdin.read()
"""


def test_a_folder_has_one_writer(task: Task, data: Dataset, tmp_path: Path) -> None:
    for busy in (tmp_path, tmp_path / "rough" / "seed-0"):
        command = [sys.executable, "-c", HOLD, str(busy / ".lock")]
        with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as other:
            assert other.stdout.readline() == "True\n"
            with pytest.raises(UserError, match="is in use by another process"):
                compare(data, ["rough"], task="bright", folder=tmp_path)
            other.communicate("")
    assert task.learned == []
    assert compare(data, ["rough"], task="bright", folder=tmp_path).rows


def test_a_lock_that_a_killed_process_left_keeps_nobody_out(
    task: Task, data: Dataset, tmp_path: Path
) -> None:
    (tmp_path / ".lock").write_text("")
    assert compare(data, ["rough"], task="bright", folder=tmp_path).rows
    with Lock(tmp_path / ".lock") as lock:
        assert lock.acquire()


@pytest.mark.parametrize("text", ["", "[]", '{"seed": '])
def test_a_damaged_note_of_what_was_asked(
    task: Task, data: Dataset, tmp_path: Path, text: str
) -> None:
    place = tmp_path / "rough" / "seed-0"
    place.mkdir(parents=True)
    (place / "asked.json").write_text(text)
    with pytest.raises(DataError, match=r"asked\.json"):
        compare(data, ["rough"], task="bright", folder=tmp_path)


# One method alone.


def test_learn_takes_the_default_and_keeps_a_run(task: Task, data: Dataset, tmp_path: Path) -> None:
    outcome = learn(data, task="bright", folder=tmp_path)
    assert (outcome.name, outcome.scores.value) == ("middle", 1.0)
    kept = load(tmp_path / "recognizer.safetensors")
    assert kept.provenance == outcome.recognizer.provenance
    assert json.loads((tmp_path / "asked.json").read_text())["method"] == "middle"
    with pytest.raises(DataError, match="holds a run already; go on with --resume"):
        learn(data, task="bright", folder=tmp_path)
    again = learn(data, task="bright", folder=tmp_path, resume=True)
    assert again.to_json() == outcome.to_json()
    assert task.learned == [("middle", 0)]
    with pytest.raises(UserError, match="no run was begun there"):
        learn(data, task="bright", folder=tmp_path / "nowhere", resume=True)
    with pytest.raises(DataError, match="another method"):
        learn(data, "rough", task="bright", folder=tmp_path, resume=True)


def test_what_is_refused_before_anything_is_learned_may_be_asked_better(
    task: Task, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(task.methods, "middle", replace(task.method("middle"), learn=refused))
        with pytest.raises(UserError, match="not so"):
            learn(data, task="bright", folder=tmp_path)
    assert learn(data, task="bright", folder=tmp_path).scores.value == 1.0


def refused(*_: object) -> None:
    raise UserError("not so")


def test_learn_needs_no_test_examples(task: Task, data: Dataset) -> None:
    split = data.split.copy()
    split[split == 2] = -1
    outcome = learn(replace(data, split=split), "rough", task="bright")
    assert outcome.scores is None
    assert outcome.to_json()["score"] is None
    assert outcome.validation == 1.0


@pytest.mark.parametrize("option", ["epochs", "seconds"])
def test_learn_refuses_by_name_what_a_method_does_not_have(
    task: Task, data: Dataset, option: str
) -> None:
    name = {"epochs": "--epochs", "seconds": "--time-limit"}[option]
    with pytest.raises(UserError, match=f"{name}: middle is solved at once"):
        learn(data, "middle", task="bright", **{option: 3})


def test_wishes_are_plain(task: Task) -> None:
    assert Wishes() == Wishes(None, "published", None, None, None)
    with pytest.raises(UserError, match="--weights none: none of middle"):
        Wishes(weights=None).plans(task, ["middle"], 0)


def test_a_comparison_knows_no_task_by_name(task: Task, data: Dataset) -> None:
    found = compare(data, task="bright")
    assert isinstance(found, Comparison)
    assert found.task is task
