"""Four ways on one set: the same images for all, the same numbers each time, nothing lost."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.approaches import Ask, Comparison, Outcome, compare, comparing, run_approach
from striate.approaches.compare import _redrawn
from striate.data import SPLITS, Dataset, Decoded, decode
from striate.errors import DataError, UnknownName
from striate.handcrafted.words import SMALL
from striate.images import View
from striate.recognizer import load
from striate.training import recipes

TWO = ("handcrafted", "scratch")


@pytest.fixture(autouse=True, scope="module")
def _little_work() -> Iterator[None]:
    """From scratch in two epochs, and 32 visual words: how much is learned is no matter here."""
    short = recipes.SCRATCH_SMALL.but(epochs=2)
    words = replace(SMALL, words=32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("striate.approaches.scratch.recipe_for", lambda dataset, name: short)
        patch.setattr("striate.handcrafted.settings_for", lambda side: words)
        yield


@pytest.fixture(scope="module")
def twice(toy: Dataset, _little_work: None) -> Comparison:
    """Two approaches with two seeds each."""
    return compare(toy, approaches=TWO, seeds=2, seed=5)


def numbers(comparison: Comparison) -> list[list[float]]:
    return [outcome.probabilities.ravel().tolist() for outcome in comparison.outcomes]


def test_rows(twice: Comparison) -> None:
    assert [row.approach for row in twice.rows] == list(TWO)
    assert [row.title for row in twice.rows] == ["Hand-crafting", "Training from scratch"]
    for row, outcomes in zip(twice.rows, twice.groups.values(), strict=True):
        assert [outcome.seed for outcome in outcomes] == [5, 6]
        first, second = (outcome.top1 for outcome in outcomes)
        assert row.seeds == 2
        assert row.top1 == pytest.approx((first + second) / 2)
        assert row.top1_std == pytest.approx(abs(first - second) / 2**0.5)
        assert row.top5 == 1.0  # of three classes
        assert row.seconds == pytest.approx(
            sum(sum(outcome.seconds.values()) for outcome in outcomes) / 2
        )
        assert row.memory >= max(outcome.memory for outcome in outcomes) > 10 * 2**20
        assert row.parameters > 1000
        assert row.notes
        best = max(outcomes, key=lambda outcome: outcome.top1)
        assert row.recognizer is best.recognizer
    assert twice.rows[0].top1 > 0.6  # visual words tell bars, disks and frames apart
    assert len(twice.table.splitlines()) == 3
    assert twice.best.approach in TWO
    assert twice.advice.count(".") >= 1


def test_all_are_tested_on_the_same_images(twice: Comparison, toy: Dataset) -> None:
    for outcome in twice.outcomes:
        assert outcome.targets.tolist() == toy.test.targets.tolist()
        assert outcome.probabilities.shape == (12, 3)
        np.testing.assert_allclose(outcome.probabilities.sum(1), 1, rtol=1e-5)


def test_the_same_numbers_each_time(twice: Comparison, toy: Dataset) -> None:
    again = compare(toy, approaches=TWO, seeds=2, seed=5)
    assert numbers(again) == numbers(twice)
    other = compare(toy, approaches=TWO, seeds=1, seed=6)
    assert numbers(other)[1] != numbers(twice)[2]


def test_learning_never_sees_the_test(toy: Dataset) -> None:
    targets = toy.targets.copy()
    hidden = toy.split == SPLITS.index("test")
    targets[hidden] = (targets[hidden] + 1) % 3
    truth = compare(toy, approaches=TWO, seeds=1)
    lies = compare(replace(toy, targets=targets), approaches=TWO, seeds=1)
    assert numbers(truth) == numbers(lies)
    assert [o.top1 for o in truth.outcomes] != [o.top1 for o in lies.outcomes]
    for one, other in zip(truth.outcomes, lies.outcomes, strict=True):
        assert one.recognizer.calibration == other.recognizer.calibration


def test_every_recognizer_can_say_none_of_these(twice: Comparison) -> None:
    for row in twice.rows:
        assert row.recognizer.familiarity is not None


def test_as_json(twice: Comparison, tmp_path: Path) -> None:
    paths = twice.save(tmp_path / "models")
    values = json.loads(json.dumps(twice.to_json(recognizers=paths, report=tmp_path / "a.html")))
    assert list(values) == ["data", "approaches", "best", "advice", "report"]
    for row in values["approaches"]:
        assert {"approach", "top1", "top1_std", "top5", "seconds", "seeds", "recognizer"} <= set(
            row
        )
        assert 0 <= row["top1"] <= row["top5"] <= 1
        assert Path(row["recognizer"]) == tmp_path / "models" / f"{row['approach']}.safetensors"
    assert [row["approach"] for row in values["approaches"]] == list(TWO)
    assert values["data"]["images"] == {"train": 30, "validation": 12, "test": 12}
    assert values["data"]["classes"] == ["bars", "disk", "frame"]
    assert values["report"] == str(tmp_path / "a.html")
    plain = twice.to_json()
    assert plain["report"] is None
    assert {row["recognizer"] for row in plain["approaches"]} == {None}


def test_saved_recognizers_answer_as_tested(twice: Comparison, tmp_path: Path) -> None:
    for row in twice.rows:
        path = twice.save(tmp_path)[row.approach]
        again = load(path)
        view = again.preprocessing.view
        tested = twice.data.pixels[view][twice.dataset.split == SPLITS.index("test")]
        best = max(twice.groups[row.approach], key=lambda outcome: outcome.top1)
        np.testing.assert_allclose(again.probabilities(tested), best.probabilities, atol=1e-4)
        assert again.provenance["approach"] == row.approach
        assert again.provenance["test"]["top1"] == best.top1
        assert again.provenance["test"]["images"] == 12
        assert again.provenance["data"]["fingerprint"] == twice.dataset.fingerprint()
        assert 0 <= again.provenance["test"]["calibration_error"] <= 1


def test_broken_files_are_counted_and_left_out(folder: Path) -> None:
    found = compare(folder, approaches=["handcrafted"], seeds=1)
    (gone,) = found.dataset.left_out
    assert (gone.name, gone.reason) == ("disk/broken.png", "not an image (a text file?)")
    assert len(found.dataset) == 54
    listed = found.to_json()["data"]
    assert listed["left_out"] == [{"name": gone.name, "reason": gone.reason}]
    assert sum(listed["images"].values()) == 54


def test_test_images_that_were_learned_from_are_not_scored(toy: Dataset) -> None:
    copied = np.flatnonzero(toy.split == 0)[:3]
    data = toy.take(np.concatenate([np.arange(len(toy)), copied]))
    data.split[len(toy) :] = SPLITS.index("test")
    (clean,) = compare(data, approaches=["handcrafted"], seeds=1).outcomes
    assert len(clean.targets) == len(toy.test)
    (all_of_them,) = compare(data, approaches=["handcrafted"], seeds=1, keep_leaks=True).outcomes
    assert len(all_of_them.targets) == len(toy.test) + 3
    told = run_approach("handcrafted", data).notes
    assert any("3 of" in note and note.endswith("not scored") for note in told)


def test_what_is_known_after_every_run(toy: Dataset) -> None:
    known = comparing(toy, approaches=TWO)
    assert isinstance(known, Iterator)
    counts = [[row.seeds for row in comparison.rows] for comparison in known]
    assert counts == [[1], [2], [3], [3, 1]]  # the cheap one three times where nobody says


def test_one_seed_has_no_spread(toy: Dataset) -> None:
    found = compare(toy, approaches=["handcrafted"], seeds=1)
    assert found.rows[0].top1_std is None
    assert found.to_json()["approaches"][0]["top1_std"] is None
    assert "handcrafted" in found.table


def test_validation_is_drawn_anew_only_where_striate_drew_it(toy: Dataset) -> None:
    data = decode(toy, [View(32)])
    redrawn = _redrawn(data, 1)
    assert redrawn.pixels is data.pixels
    assert redrawn.dataset.split.tolist() != toy.split.tolist()
    hidden = SPLITS.index("test")
    assert ((redrawn.dataset.split == hidden) == (toy.split == hidden)).all()
    assert _redrawn(data, 1).dataset.split.tolist() == redrawn.dataset.split.tolist()
    given = decode(replace(toy, drawn=frozenset({"test"})), [View(32)])
    assert _redrawn(given, 1) is given


def test_approaches_share_their_draws(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Decoded] = []

    def spy(name: str, data: Decoded, ask: Ask) -> Outcome:
        seen.append(data)
        return run_approach(name, data, ask)

    monkeypatch.setitem(compare.__globals__, "run_approach", spy)
    compare(toy, approaches=TWO, seeds=2)
    assert [seen[0] is seen[2], seen[1] is seen[3], seen[0] is seen[1]] == [True, True, False]


@pytest.mark.parametrize(
    ("approaches", "seeds", "words", "error"),
    [
        (("transfr",), 1, "no approach is called 'transfr'; did you mean transfer", UnknownName),
        (("scratch", "magic"), 1, "no approach is called 'magic'", UnknownName),
        (("scratch",), 0, "at least one approach and one seed", DataError),
        (("scratch",), -1, "at least one approach and one seed", DataError),
        ((), 1, "at least one approach and one seed", DataError),
    ],
)
def test_mistakes_are_told_before_any_work(
    approaches: tuple[str, ...],
    seeds: int,
    words: str,
    error: type[Exception],
    toy: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setitem(compare.__globals__, "decode", never)
    with pytest.raises(error, match=words):
        compare(toy, approaches=approaches, seeds=seeds)


def test_a_name_twice_runs_once(toy: Dataset) -> None:
    found = compare(toy, approaches=["handcrafted", "handcrafted"], seeds=1)
    assert len(found.outcomes) == 1


def test_by_hand(outcome: Callable[..., Outcome], toy: Dataset) -> None:
    runs = (
        outcome("scratch", [1, 1, 0, 0], 10),
        outcome("scratch", [1, 1, 1, 1], 20, seed=1),
        outcome("transfer", [1, 0, 0, 0], 2),
    )
    scratch, transfer = Comparison(Decoded(toy, {}), runs).rows
    assert (scratch.top1, scratch.seconds, scratch.memory) == (0.75, 15, 1001)
    assert scratch.top1_std == pytest.approx(0.5 / 2**0.5)  # of 0.5 and 1.0, for a sample of two
    assert scratch.recognizer is runs[1].recognizer
    assert (transfer.top1, transfer.top1_std, transfer.seconds) == (0.25, None, 2)
