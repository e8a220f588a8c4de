"""Boltzmann machines as generators: what they make follows the vector, the seed and the class."""

import numpy as np
import pytest
import torch

import striate
from striate.errors import ModelError, UserError
from striate.models import Normalization
from striate.models.dbn import DBN
from striate.tasks.generation.belief import Belief
from striate.tasks.generation.sampler import check_prior

QUICK = ("hidden=20,12", "epochs=30", "batch_size=10", "steps=10", "chains=10")


@pytest.fixture(scope="module")
def told(marked):
    """Two layers that learned squares with their classes."""
    return striate.comparing.learn(
        marked, "dbn", task="generation", keep_leaks=True, settings=(*QUICK, "conditional=true")
    ).recognizer


def pixels(answers) -> np.ndarray:
    return np.stack([one.pixels for one in answers])


def test_samples_begin_alike_for_any_count_and_follow_the_class(told):
    predictor = told.predictor
    many = predictor.samples(70, seed=2)
    np.testing.assert_array_equal(pixels(predictor.samples(3, seed=2)), pixels(many)[:3])
    assert not np.array_equal(pixels(predictor.samples(3, seed=3)), pixels(many)[:3])
    assert {one.label for one in many} == {0, 1}
    below, above = (pixels(predictor.samples(40, label=label)).mean((0, 2, 3)) for label in (0, 1))
    assert above[:4].sum() - below[:4].sum() > 20  # squares of the second class lie above


def test_a_vector_has_one_picture(told):
    predictor = told.predictor
    assert predictor.noise == 20
    item = {"noise": list(range(20)), "class": "upper"}
    some = [predictor.prepare(str(item).replace("'", '"').encode()), predictor.rehearsed()]
    both = predictor.predict(some)
    alone = predictor.predict(some[:1])
    np.testing.assert_array_equal(both[0].pixels, alone[0].pixels)
    assert [one.label for one in both] == [1, 0]


def test_it_is_kept_in_a_file(told, tmp_path):
    told.save(tmp_path / "b.safetensors")
    again = striate.load(tmp_path / "b.safetensors", device="cpu").predictor
    assert isinstance(again, Belief)
    np.testing.assert_array_equal(
        pixels(again.samples(5, seed=1)), pixels(told.predictor.samples(5, seed=1))
    )


def test_what_it_cannot_do_is_told(told):
    with pytest.raises(UserError, match="no noise to walk through"):
        told.predictor.walk(3, 1, 2)
    with pytest.raises(ModelError, match="chain of random states"):
        told.predictor.graph()


@pytest.mark.parametrize("hidden", [(5,), (6, 4)])
def test_pictures_in_color_are_real_numbers(hidden):
    """With weights of zero, what comes is the biases and their noise, in levels of the pixels."""
    torch.manual_seed(0)
    network = DBN((3, 4, 4), hidden, gaussian=True)
    with torch.no_grad():
        for each in network.parameters():
            each.zero_()
        (network.lower[0].down_bias if len(hidden) > 1 else network.top.visible_bias).fill_(2.0)
    predictor = Belief(
        network=network, normalization=Normalization((100.0,) * 3, (10.0,) * 3), steps=2, told=(),
        prior=np.empty(0),
    )  # fmt: skip
    assert (pixels(predictor.samples(3)) == 120).all()


def test_a_single_machine_learns_pictures_without_classes(unmarked):
    found = striate.comparing.learn(
        unmarked, "rbm", task="generation", keep_leaks=True, settings=("hidden=16", *QUICK[1:])
    )
    predictor = found.recognizer.predictor
    made = pixels(predictor.samples(60))
    assert made.shape == (60, 8, 8, 3)
    bright = (made[..., 0] > 110).mean()
    assert 0.02 < bright < 0.4  # of the squares 9 of 64 are


@pytest.mark.parametrize("prior", [[0.5], [0.7, 0.7], [-0.5, 1.5], [np.nan, 1.0]])
def test_a_file_whose_classes_have_no_probabilities_is_refused(prior):
    with pytest.raises(ValueError, match="its classes"):
        check_prior(np.array(prior), ("a", "b"))
