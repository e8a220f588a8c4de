"""Generators from a set to files, samples, scores and pages."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import striate
from striate.data import Array, Dataset, Unmarked
from striate.errors import InputError, UserError
from striate.evaluation.generation import frechet, moments
from striate.exporting import export
from striate.tasks import opening
from striate.tasks.contract import Answered
from striate.tasks.generation import noise, problem, sampler
from striate.tasks.generation.answers import Answer
from striate.tasks.generation.gaussian import fitted
from striate.tasks.generation.scores import reference, scored
from striate.tasks.table import TASKS
from striate.training import keeper

TASK = TASKS["generation"]


def rows(comparison):
    return {row.name: row for row in comparison.rows}


def test_every_method_is_scored_beside_floor_and_ceiling(compared):
    assert set(rows(compared)) == set(TASK.compared)
    for row in compared.rows:
        metrics = row.chosen.scores.metrics
        assert 0 <= row.interval[0] <= row.score <= row.interval[1] <= 1
        assert metrics["floor"] < metrics["ceiling"]
        assert {"frechet", "precision", "recall", "copies", "parzen"} <= metrics.keys()
        assert row.notes[0].startswith("judged by random filters")
    learned = rows(compared)["dcgan"].chosen.learned
    assert learned.predictor.film.shape == (2, 16, 8, 8, 1)
    assert learned.predictor.epochs.tolist() == [1, 2]
    assert {"on_data", "on_samples"} <= learned.history[-1].keys()


def test_a_file_gives_the_same_pictures_again(compared, tmp_path):
    for name, row in rows(compared).items():
        made = row.recognizer.predictor.samples(70, seed=5)
        row.recognizer.save(tmp_path / f"{name}.safetensors")
        again = striate.load(tmp_path / f"{name}.safetensors").predictor
        assert all(
            np.array_equal(one.pixels, other.pixels)
            for one, other in zip(made, again.samples(70, seed=5), strict=True)
        )
        few = again.samples(3, seed=5)  # begin alike for any count
        assert np.array_equal(few[2].pixels, made[2].pixels)
        assert made[0].pixels.shape == (8, 8, 3)


def test_the_report_shows_samples_film_and_neighbors(compared, tmp_path):
    page = compared.report(tmp_path / "report.html").read_text()
    for heading in ("Samples", "How near samples come", "The film of learning", "Has it copied?"):
        assert f"<h2>{heading}</h2>" in page


def test_a_run_that_was_killed_ends_in_the_same_weights(marked, tmp_path, monkeypatch):
    asked = {
        "task": "generation", "keep_leaks": True,
        "settings": ("width=4", "epochs=3", "batch_size=20", "noise=6", "loss=minimax",
                     "label_smoothing=0.1", "average=0.5"),
    }  # fmt: skip
    learn = striate.comparing.learn
    whole = learn(marked, "gan", folder=tmp_path / "whole", **asked).recognizer.predictor
    monkeypatch.setattr(keeper, "SECONDS_BETWEEN_SAVES", -1.0)
    batches = problem.Adversaries.batches

    def killed(self, *given, **more):
        for step, batch in enumerate(batches(self, *given, **more)):
            if step == 4:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(problem.Adversaries, "batches", killed)
        with pytest.raises(KeyboardInterrupt):
            learn(marked, "gan", folder=tmp_path / "parts", **asked)
    again = learn(marked, "gan", folder=tmp_path / "parts", resume=True, **asked)
    found = again.recognizer.predictor
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, found.tensors()[name]), name


def test_a_lost_game_ends_with_its_epoch_and_is_told(unmarked, monkeypatch):
    monkeypatch.setattr(problem, "PATIENCE", 0)
    outcome = striate.comparing.learn(
        unmarked, "gan", task="generation", keep_leaks=True,
        settings=("width=2", "epochs=5", "batch_size=60", "noise=2"),
    )  # fmt: skip
    assert outcome.learned.history[-1]["epoch"] == 1
    assert any("stopped after epoch 1" in note for note in outcome.learned.notes)


def test_classes_can_be_asked_for(conditional):
    upper = list(TASK.samples(conditional.predictor, conditional.names, 3, name="upper"))
    lower = list(TASK.samples(conditional.predictor, conditional.names, 3, name="lower"))
    assert not np.array_equal(upper[0], lower[0])
    with pytest.raises(UserError, match="no class of this generator is called 'left'"):
        TASK.samples(conditional.predictor, conditional.names, 3, name="left")
    given = json.dumps({"noise": [0.5] * 6, "class": "upper"}).encode()
    (made,) = conditional([given])
    assert made.label == "upper"
    assert made.fields(None) == {"width": 8, "height": 8, "class": "upper"}
    (refused,) = conditional([json.dumps([0.5] * 6).encode()])
    assert refused.error.startswith("names no class")


def test_an_export_makes_the_same_pictures(conditional, tmp_path):
    export(conditional, tmp_path / "one.onnx", to="onnx")
    exported = striate.load(tmp_path / "one.onnx").predictor
    made = (one.samples(5, seed=1) for one in (conditional.predictor, exported))
    for one, other in zip(*made, strict=True):
        assert one.label == other.label
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1


def test_a_set_is_its_own_floor_and_copies_are_seen(unmarked):
    """Samples that are training pictures: the distance is small, and all of them are copies."""
    train = np.flatnonzero(unmarked.split == 0)[:20]
    copied = [Answer(unmarked.inputs[row]) for row in train.tolist()]
    test = tuple(np.flatnonzero(unmarked.split == 2).tolist())
    scores = scored(Answered(test, copied, 0.0), unmarked)
    assert scores.metrics["copies"] == 1
    assert scores.metrics["of_noise"] < 0.5
    assert scores.value > 0.5
    noisy = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    noisy[..., 1:] = noisy[..., :1]
    worse = scored(Answered(test, [Answer(one) for one in noisy], 0.0), unmarked)
    assert worse.value < 0.3
    assert worse.metrics["copies"] == 0
    # samples of noise are real as often as other noise is
    assert abs(worse.metrics["precision"] - worse.metrics["precision_of_noise"]) < 0.2
    low, high = scores.lead(worse)
    assert 0 < low < high


def test_the_interval_is_that_of_measuring_every_draw():
    """The influence of rows in place of as many Fréchet distances."""
    random = np.random.default_rng(0)
    seen = SimpleNamespace(features=lambda pixels: pixels.reshape(len(pixels), -1).astype(float))
    real, made = random.normal((100, 120, 90), (20, 9, 30), (2, 400, 3))
    made = made * 1.2 + 5
    held = reference(seen, np.rint(real).clip(0, 255).astype(np.uint8).reshape(-1, 1, 1, 3))
    influence = held.influence(made)
    assert influence.mean() == pytest.approx(0, abs=1e-9 * held.distance(made))
    exact, fast = [], []
    for _ in range(60):
        drawn = [random.choice(half, len(half)) for half in held.halves]
        exact.append(np.mean([frechet(moments(held.features[d]), moments(made[d])) for d in drawn]))
        fast.append(held.distance(made) + influence[np.concatenate(drawn)].mean())
    assert np.corrcoef(exact, fast)[0, 1] > 0.98
    assert np.std(fast) == pytest.approx(np.std(exact), rel=0.15)


def test_principal_components_keep_mean_and_covariance():
    pixels = np.random.default_rng(0).integers(0, 255, (12, 2, 2, 1), np.uint8)
    flat = pixels.reshape(12, -1).astype(float)
    for some in (flat, flat[:4]):  # more rows than pixels, and no more
        means, directions = fitted(
            some.astype(np.uint8).reshape(-1, 2, 2, 1), np.zeros(len(some), np.int64), 1, 10
        )
        np.testing.assert_allclose(means[0], some.mean(0), rtol=1e-5)
        np.testing.assert_allclose(
            directions[0].T @ directions[0], np.cov(some.T), rtol=1e-3, atol=1e-2
        )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"1, 2, x", "not numbers"),
        (b"1 2", "2 numbers; this generator takes 3"),
        (b"[[1, 2, 3], [4, 5, 6]]", "2 x 3 numbers"),
        (b"[1, 2, ", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'[1, "a", 2]', "not numbers"),
        (b"1 2 nan", "numbers that are not from"),
        (b"1 2 1e99", "numbers that are not from"),
        (b"", "0 numbers"),
        (b"[%d, 1, 2]" % 10**400, "not numbers"),
        (b'{"noize": [1, 2, 3]}', 'names no "noise"'),
        (b"[[[1]]]", "1 x 1 x 1 numbers"),
        (b"1", "1 number; this generator takes 3"),
        (b'{"noise": [1, 2, 3], "class": "a"}', "knows none"),
        (b"\x93NUMPY\x01\x00rubbish", "not an .npy file"),
    ],
)
def test_noise_that_is_none_is_told(given, reason):
    with pytest.raises(InputError, match=reason):
        noise.read(given, 3, ())


def test_noise_from_files(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, 2, 3]]))
    np.save(tmp_path / "o.npy", np.array([None, 1]), allow_pickle=True)
    (tmp_path / "a.csv").write_text("1,2,3\n")
    (tmp_path / "a.json").write_text("[1, 2, 3]")
    for name in ("a.npy", "a.csv", "a.json"):
        assert noise.read(tmp_path / name, 3, ()).vector.tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="file of numbers"):
        noise.read(tmp_path / "o.npy", 3, ())
    with pytest.raises(InputError):
        noise.read(tmp_path / "gone.csv", 3, ())


def test_ways_between_vectors():
    first, last = np.array([2.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)
    shares = np.array([0.0, 0.5, 1.0])
    assert sampler.linear(first, last, shares).tolist() == [[2, 0], [1, 1], [0, 2]]
    round_ = sampler.spherical(first, last, shares)
    np.testing.assert_allclose(np.linalg.norm(round_, axis=1), 2, rtol=1e-6)
    np.testing.assert_allclose(round_[1], [2**0.5, 2**0.5], rtol=1e-6)
    np.testing.assert_allclose(sampler.spherical(first, first, shares)[1], first)


def test_one_task_is_found_without_its_name_and_the_other_with_it(tmp_path, marked, unmarked):
    assert opening.task_of(marked).name == "classification"
    assert opening.task_of(marked, "generation") is TASK
    assert TASK.takes == "text"
    assert TASK.thing == "image"


def test_pictures_of_other_shapes_are_said_to_be_cut(tmp_path):
    from PIL import Image

    random = np.random.default_rng(0)
    for number in range(12):
        pixels = random.integers(0, 255, (9 + number % 3, 12, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    data = opening.open(tmp_path, task="generation")
    outcome = striate.comparing.learn(data, "gaussian", task="generation", settings=("noise=3",))
    assert outcome.learned.notes[0].startswith("pictures have different shapes: of each the centra")
    assert outcome.recognizer.predictor.size == 12
    assert outcome.recognizer.predictor.channels == 3
    bad = dataclasses.replace(data, name="x")
    with pytest.raises(UserError, match="have no classes"):
        striate.comparing.learn(bad, "gaussian", task="generation", settings=("conditional=true",))


def test_what_can_be_set_is_looked_at_first(unmarked):
    for setting, reason in (
        ("width=0", "width is from 1"),
        ("side=4", "side is from 8"),
        ("loss=other", "loss is one of non-saturating, minimax"),
        (
            "wdth=1",
            "no setting of dcgan is called 'wdth'; did you mean width.* known: .*, width, loss",
        ),
    ):
        with pytest.raises(UserError, match=reason):
            striate.comparing.learn(unmarked, "dcgan", task="generation", settings=(setting,))


def test_damaged_files_are_refused(conditional, tmp_path):
    path = tmp_path / "one.safetensors"
    for change in ({"width": 5}, {"form": "cgan"}, {"told": ["a"]}, {"side": 10**9}):
        header = {**conditional.predictor.header(), **change}
        with pytest.raises((ValueError, striate.errors.StriateError)):
            type(conditional.predictor).restored(
                conditional.predictor.tensors(), header, conditional.names
            )
    assert not path.exists()


def test_one_or_two_pictures_are_too_few():
    pixels = np.zeros((2, 8, 8), np.uint8)
    data = Dataset("two", Array(pixels, "p"), Unmarked(2), np.zeros(2, np.int8))
    with pytest.raises(UserError, match="2 images only"):
        data.learnable("two")


def test_every_class_is_judged_though_pictures_lie_by_class(marked):
    order = np.argsort(marked.targets.numbers, kind="stable")
    numbers = marked.targets.numbers[order]
    asked = []

    class Spy(torch.nn.Module):
        weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, vectors, classes):
            asked.extend(classes.tolist())
            return torch.zeros(len(vectors), 1, 8, 8)

    players = problem.Filmed(problem.Players(Spy(), torch.nn.Identity()), (8, 8, 1), 1)
    game = problem.Adversaries(
        players, noise=2, low=0.0, loss="minimax", classes=2, epochs=1
    )  # fmt: skip
    pictures = problem.Pictures(marked, np.zeros((100, 8, 8, 1), np.uint8), numbers, None)
    game.made(10, pictures, seed=0)
    assert abs(np.mean(asked) - numbers.mean()) < 0.1
