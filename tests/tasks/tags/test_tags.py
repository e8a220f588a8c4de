"""Any number of classes a picture: learned, kept, answered, scored and shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.linear_model import LogisticRegression

import striate
from striate.data import Array, Dataset, Tags
from striate.errors import DataError, WeightsError
from striate.recognizer import Recognizer
from striate.tasks.contract import Answered, Learned, Wanted
from striate.tasks.tags.answers import Tagged
from striate.tasks.tags.calibration import TagCalibration, pull_of, sigmoids, thresholds_of
from striate.tasks.tags.heads import solve
from striate.tasks.tags.problem import loss
from striate.tasks.tags.task import TagsTask

TASK = TagsTask()
KINDS = ("network", "visual_words")


def test_both_learn_what_can_be_seen(learned: Learned, by_hand: Learned) -> None:
    assert learned.validation["map"] > 0.8
    assert by_hand.validation["map"] > 0.8
    assert TASK.score == "map"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_answers_as_what_was_saved(
    recognizer: Callable[[str], Recognizer], kind: str, dataset: Dataset[Any], tmp_path: Path
) -> None:
    one = recognizer(kind)
    one.save(tmp_path / "tags.safetensors")
    again = striate.load(tmp_path / "tags.safetensors")
    pictures = [dataset.inputs[row] for row in range(5)]
    for before, after in zip(one.predict(pictures), again.predict(pictures), strict=True):
        assert before.there == after.there
        assert before.fields(None) == after.fields(None)


def test_a_file_of_other_sizes_is_refused(
    recognizer: Callable[[str], Recognizer], tmp_path: Path
) -> None:
    one = recognizer("network")
    assert one.predictor.calibration.thresholds.shape == (3,)
    wrong = Recognizer(one.task, one.predictor, ("one", "two"), {})
    wrong.save(tmp_path / "tags.safetensors")
    with pytest.raises(WeightsError, match="does not fit its network"):
        striate.load(tmp_path / "tags.safetensors")


def test_scores_by_pencil(dataset: Dataset[Any]) -> None:
    """Two classes of the set are known, in another order; what is unknown counts as neither."""
    set_ = Dataset(
        "four", dataset.inputs.take([0, 1, 2, 3]),
        Tags(("a", "b", "c"), np.array([[1, 0, 1], [0, 1, 1], [1, -1, 1], [0, 0, 1]], np.int8)),
        np.full(4, 2, np.int8),
    )  # fmt: skip
    told = np.array([[0.2, 0.9], [0.8, 0.7], [0.9, 0.8], [0.1, 0.1]], np.float32)  # of b, a
    answers = [Tagged(row, row > 0.5) for row in told]
    found = TASK.scores(Answered((0, 1, 2, 3), answers, 0.0), set_, ("b", "a"))
    assert found.names == ("a", "b")  # as the set has them
    assert found.value == 1.0  # a: 0.9 and 0.8 before 0.7; b: 0.8, and 0.9 is unknown
    assert found.metrics["hamming_loss"] == pytest.approx(1 / 7)
    assert found.metrics["f1_micro"] == pytest.approx(2 * 3 / (4 + 3))
    assert json.loads(json.dumps(found.to_json()))["classes"][0]["name"] == "a"
    with pytest.raises(DataError, match="the classes that the recognizer knows: z"):
        TASK.scores(Answered((0,), answers[:1], 0.0), set_, ("z",))


def test_answers_as_people_and_programs_have_them() -> None:
    answer = Tagged(np.array([0.4, 0.6, 0.5], np.float32), np.array([True, False, True]))
    found = TASK.predicted("x.png", answer, ("a", "b", "c"))
    assert found.line(None) == "c 50.0 %, a 40.0 %"  # b is more probable, and below its threshold
    assert [tag["name"] for tag in found.fields(None)["tags"]] == ["c", "a"]
    assert [tag["name"] for tag in found.fields(None)["others"]] == ["b"]
    shown = TASK.response(answer, ("a", "b", "c"), Wanted(most=2))
    assert [one["id"] for one in shown["concepts"]] == ["c", "a"] == shown["tags"]
    nothing = TASK.predicted("x.png", answer._replace(there=np.zeros(3, bool)), ("a", "b", "c"))
    assert nothing.line(None).startswith("none of these")


def test_thresholds_have_the_largest_f1_of_any() -> None:
    random = np.random.default_rng(0)
    told = torch.from_numpy(random.integers(0, 12, (40, 3)) / 12)
    targets = torch.from_numpy(random.integers(-1, 2, (40, 3)))
    targets[:, 2] = 0  # nothing has it: as all together

    def f1(values: torch.Tensor, wanted: torch.Tensor, threshold: float) -> float:
        values, wanted = values[wanted >= 0], wanted[wanted >= 0]
        taken = values >= threshold
        return float(2 * (taken & (wanted == 1)).sum() / (taken.sum() + (wanted == 1).sum()))

    found = thresholds_of(told, targets)
    for k in range(2):
        best = max(f1(told[:, k], targets[:, k], value) for value in told[:, k].tolist())
        assert f1(told[:, k], targets[:, k], float(found[k])) == pytest.approx(best)
    best = max(f1(told, targets, value) for value in told.flatten().tolist())
    assert f1(told, targets, float(found[2])) == pytest.approx(best)


def test_few_examples_draw_a_threshold_to_the_one_that_all_share() -> None:
    """By pencil: its own takes 0.9 alone (F1 2/3, as with 0.2, and higher), the shared one four of
    the five that are right (8/9); two examples beside eight."""
    told = torch.tensor([[0.9, 0.8], [0.9, 0.7], [0.4, 0.6], [0.3, 0.5], [0.2, 0.1]]).double()
    targets = torch.tensor([[1, 1], [-1, 1], [0, 1], [0, 0], [1, 0]])
    own, shared = (0.9 + 0.4) / 2, (0.6 + 0.5) / 2
    assert thresholds_of(told, targets).tolist() == pytest.approx([own, shared])
    found = thresholds_of(told, targets, 8.0)
    odds = 0.2 * np.log(own / (1 - own)) + 0.8 * np.log(shared / (1 - shared))
    assert float(found[0]) == pytest.approx(1 / (1 + np.exp(-odds)))
    assert thresholds_of(told, targets, float("inf")).tolist() == pytest.approx([shared, shared])


def test_how_far_thresholds_are_drawn_together_is_judged_on_others() -> None:
    """Classes of unlike frequency whose best thresholds are alike have one; unlike ones do not."""
    random = np.random.default_rng(0)
    alike = torch.from_numpy(random.random((80, 4)))
    marks = (torch.from_numpy(random.random((80, 4))) < alike).long()
    assert pull_of(alike, marks) > 0
    unlike = torch.cat([alike / 4, 1 - alike / 4], 1)  # thresholds at 1/8 and 7/8
    sure = torch.cat([alike > 0.5, alike < 0.5], 1).long()
    assert pull_of(unlike, sure) == 0


def test_calibration_finds_the_sigmoid_that_made_the_marks() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4000, 2).double() * 3
    chance = torch.sigmoid(logits * torch.tensor([0.5, 2.0]) + torch.tensor([1.0, -1.0]))
    targets = (torch.rand_like(chance) < chance).long()
    scale, shift = sigmoids(logits, targets)
    assert scale.tolist() == pytest.approx([0.5, 2.0], rel=0.15)
    assert shift.tolist() == pytest.approx([1.0, -1.0], abs=0.2)


def test_a_class_without_examples_has_the_sigmoid_of_all() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(300, 3), torch.full((300, 3), -1)
    targets[:, :2] = (logits[:, :2] > 0.3).long()
    known = TagCalibration.fitted(logits, targets)
    assert float(known.scale[2]) == pytest.approx(float(known.scale[:2].mean()), rel=0.3)
    assert 0 < float(known.thresholds[2]) < 1


def test_unknown_marks_have_no_loss_and_no_gradient() -> None:
    logits = torch.randn(4, 3, requires_grad=True)
    targets = torch.tensor([[1, 0, -1], [0, -1, 1], [1, 1, 0], [-1, -1, -1]])
    found = loss(logits, targets)
    known = targets >= 0
    expected = F.binary_cross_entropy_with_logits(logits[known], targets[known].float())
    assert found.item() == pytest.approx(expected.item())
    found.backward()
    assert logits.grad is not None
    assert (logits.grad[~known] == 0).all()


@pytest.mark.parametrize("width", [6, 200])  # in the features, and in the span of the inputs
def test_the_classifiers_are_those_of_scikit_learn(width: int) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(60, width)).astype(np.float32)
    targets = (features[:, :2] + 0.5 * random.normal(size=(60, 2)) > 0).astype(np.int64)
    split = np.repeat(np.array([0, 1], np.int8), [40, 20])
    pictures = Array(np.zeros((60, 1, 1), np.uint8))
    marked = Dataset("x", pictures, Tags(("a", "b"), targets.astype(np.int8)), split)
    head = solve(features[:40], features[40:], marked)
    mean, std = features[:40].mean(0), features[:40].std(0) * np.sqrt(width)
    for k in range(2):
        solver = LogisticRegression(C=head.strength, tol=1e-8, max_iter=1000)
        solver.fit((features[:40] - mean) / std, targets[:40, k])
        expected = solver.decision_function((features - mean) / std)
        np.testing.assert_allclose(head(features)[:, k].numpy(), expected, atol=0.02)


@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_marks_count_as_they_are_weighed(balance: float) -> None:
    """As scikit-learn's weights of samples and, with balance 1, of its "balanced" classes."""
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 6)).astype(np.float32)
    targets = (features[:, :1] + 0.5 * random.normal(size=(60, 1)) > 0.8).astype(np.int64)
    own = random.integers(0, 4, 60).astype(float)
    split = np.repeat(np.array([0, 1], np.int8), [40, 20])
    pictures = Array(np.zeros((60, 1, 1), np.uint8))
    marked = Dataset("x", pictures, Tags(("a",), targets.astype(np.int8)), split, weights=own)
    head = solve(features[:40], features[40:], marked, balance=balance)
    mean, std = features[:40].mean(0), features[:40].std(0) * np.sqrt(6)
    weights, there = own[:40] / own[:40].mean(), targets[:40, 0] == 1
    if balance:
        sides = [weights[there].sum(), weights[~there].sum()]
        weights = weights * weights.sum() / 2 / np.where(there, *sides)
    solver = LogisticRegression(C=head.strength, tol=1e-8, max_iter=1000)
    solver.fit((features[:40] - mean) / std, targets[:40, 0], sample_weight=weights)
    expected = solver.decision_function((features - mean) / std)
    np.testing.assert_allclose(head(features)[:, 0].numpy(), expected, atol=0.02)


def test_where_it_looks(recognizer: Callable[[str], Recognizer], dataset: Dataset[Any],
                        tmp_path: Path) -> None:  # fmt: skip
    """Hiding the disk takes away the disk's probability more than hiding another corner does."""
    one = recognizer("network")
    row = next(k for k in range(60) if dataset.targets.numbers[k].tolist() == [0, 1, 0])
    path = tmp_path / "x.png"
    Image.fromarray(dataset.inputs[row]).save(path)
    found = TASK.explained(one.predictor, one.names, path.read_bytes(), "disk")
    assert found.name == "disk"
    size = len(found.map)
    disk = found.map[size // 2 :, : size // 2].mean()
    assert disk > found.map[: size // 2, size // 2 :].mean()


def test_classes_too_rare_to_learn_are_left_out_and_named(dataset: Dataset[Any]) -> None:
    numbers = np.concatenate([dataset.targets.numbers, np.zeros((60, 1), np.int8)], 1)
    numbers[0, 3] = 1
    rare = Dataset("rare", dataset.inputs, Tags((*dataset.classes, "owl"), numbers), dataset.split)
    found = TASK.sound(rare)
    assert found.classes == dataset.classes
    assert any("not learned" in note and "owl" in note for note in found.notes)
