"""Learning by steps: what is frozen, where tuning starts, DeepFace's heads; on drawn faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import striate
from striate.augment import NONE
from striate.data.splits import TRAIN, VALIDATION
from striate.models import Normalization, create
from striate.tasks.faces.deep import DEEPFACE, Deep, Embedder, Reading
from striate.tasks.faces.heads import HEADS, learn_heads
from striate.tasks.faces.metric import Components
from striate.tasks.faces.predictor import numbers_of
from striate.tasks.faces.prepared import Lined
from striate.tasks.faces.problem import FaceProblem, Identities
from striate.tasks.faces.siamese import PairProblem, Twins
from striate.tasks.faces.task import Faces
from striate.training import Recipe

PLAIN = Normalization((127.5,) * 3, (64.0,) * 3)
RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=1e-3)


@pytest.fixture(scope="module")
def data(people: Path) -> Lined:
    """Drawn faces, their middle taken."""
    from striate.models import mtcnn

    def absent(path: Path) -> None:
        raise mtcnn.WeightsError("no network in tests")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(mtcnn.FOLDER, "/nowhere")
        patch.setattr(mtcnn, "fetched", absent)
        return Faces().prepare(striate.open(people, task="faces"), ())


@pytest.fixture
def deep() -> Deep:
    """A network that was never trained, at a small size."""
    torch.manual_seed(0)
    reading = Reading("efficientnet_lite0", size=64, grid=2)
    return Deep(Embedder(reading, create("efficientnet_lite0")), PLAIN)


def persons(data: Lined) -> np.ndarray:
    return np.unique(data.dataset.targets.numbers[data.dataset.split == TRAIN])


def test_frozen_and_upper_layers_are_the_whole_network(deep: Deep, data: Lined):
    images = deep.images(torch.from_numpy(data.faces[:2]))
    with torch.no_grad():
        whole = deep.model(images)
        deep.model.freeze()
        lower = deep.model.lower(images)
        assert deep.model.frozen
        assert lower.shape[2] == 64 // 8
        torch.testing.assert_close(deep.model.upper(lower), whole)
    learning = {name.split(".")[2] for name, p in deep.model.named_parameters() if p.requires_grad}
    assert learning == {"stage4", "stage5"}  # those of stride 16


def test_maps_are_computed_once_and_batches_take_them(deep: Deep, data: Lined):
    deep.model.freeze()
    problem = FaceProblem(deep, "margin", persons(data), augmentation=NONE)
    problem.prepare(data)
    batch = next(problem.batches(data, RECIPE, seed=0, start=0))
    train = data.dataset.split == TRAIN
    faces = torch.from_numpy(data.faces[train])
    with torch.no_grad():
        every = deep.model.lower(deep.images(faces))
    away = (every.flatten(1)[None] - batch.maps.flatten(1)[:, None]).abs().amax(2)
    nearest = away.argmin(1)  # without augmentation each map of the batch is a face's own
    assert away.amin(1).max() < 0.01 * every.abs().max()
    own = data.dataset.targets.numbers[train][nearest.numpy()]
    assert (problem.numbers[batch.persons.numpy()] == own).all()
    again = next(problem.batches(data, RECIPE, seed=0, start=0))
    assert torch.equal(batch.maps, again.maps)


def test_what_does_not_fit_is_computed_each_time(
    deep: Deep, data: Lined, monkeypatch: pytest.MonkeyPatch
):
    deep.model.freeze()
    monkeypatch.setattr("striate.tasks.faces.problem.LARGEST", 1)
    problem = FaceProblem(deep, "margin", persons(data))
    problem.prepare(data)
    assert not problem.known
    batch = next(problem.batches(data, RECIPE, seed=0, start=0))
    assert batch.maps.shape[1:] == (40, 8, 8)


def test_tuning_starts_as_the_solved_metric(deep: Deep, data: Lined):
    """The embedding is the projection, so that cosines of both are the same."""
    deep.model.freeze()
    problem = FaceProblem(deep, "margin", persons(data), augmentation=NONE)
    problem.prepare(data)
    numbers = problem.described(data, TRAIN)
    metric = Components.of(numbers, 9).whitened(9)
    expected = metric.embed(torch.cat(list(numbers_of(deep, data.faces[:4]))))
    deep.model.embed(metric)
    found = torch.nn.functional.normalize(torch.cat(list(numbers_of(deep, data.faces[:4]))))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    model = Identities(deep.model, len(problem.numbers))
    model.begin(problem.described(data, TRAIN), problem.places(data))
    first = problem.described(data, TRAIN)[problem.places(data) == 0]
    mean = torch.nn.functional.normalize(first).mean(0)
    torch.testing.assert_close(model.persons[0], torch.nn.functional.normalize(mean, dim=0))


@pytest.fixture(scope="module")
def deepface() -> Deep:
    """DeepFace, never trained, as small as its kernels allow."""
    torch.manual_seed(0)
    return Deep(Embedder(Reading(DEEPFACE, size=122, share=1.0, factor=16)), PLAIN)


def test_every_head_answers_and_the_best_is_kept(deepface: Deep, data: Lined):
    before = deepface.model.trunk.layers["F7"].weight.clone()
    best = learn_heads(data, deepface, HEADS, seed=0)
    told = best.notes[-1]
    assert all(f"{head} 0." in told or f"{head} 1." in told for head in HEADS)
    assert f"{best.predictor.metric.kind} {best.validation['auc']:.3f}" in told
    assert torch.equal(deepface.model.trunk.layers["F7"].weight, before)


def test_twins_learn_pairs_by_their_difference():
    """Persons lie along one number, which F7 hands on: the unit learns to weigh it."""
    torch.manual_seed(0)
    f7 = torch.nn.Linear(2, 2)
    with torch.no_grad():
        f7.weight.copy_(torch.eye(2))
        f7.bias.zero_()
    model = Twins(f7)
    first, second = torch.tensor([[1.0, 5.0]]), torch.tensor([[4.0, 5.0]])
    assert model(first, second).item() == -0.5 * 3
    metric = model.metric()
    found = metric.similarity(first.numpy(), second.numpy())
    assert found[0] == model(first, second).item()


def test_half_of_a_batch_of_pairs_is_of_one_person(data: Lined):
    rows = [*np.flatnonzero(data.dataset.split == TRAIN),
            *np.flatnonzero(data.dataset.split == VALIDATION)]  # fmt: skip
    numbers = torch.from_numpy(data.dataset.targets.numbers[rows]).float()[:, None]
    problem = PairProblem(numbers, data)
    batch = next(problem.batches(data, replace(RECIPE, batch_size=40), seed=0, start=3))
    same = (batch.first == batch.second)[:, 0]  # the number of a face is its person's
    assert torch.equal(same.float(), batch.same)
    assert same[:20].all()
    assert not same[20:].all()
