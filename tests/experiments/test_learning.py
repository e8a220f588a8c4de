"""What experiments that teach networks share."""

import torch
from tests.experiments.pictures import spots
from torch import nn

from striate.experiments.learning import Pictures, fewer
from striate.training import Recipe

RECIPE = Recipe(epochs=12, batch_size=10, learning_rate=0.1, momentum=0.0, threads=1)


def perceptron() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


def test_fewer_images_of_each_split():
    data = fewer(spots(90), 12, 7, 100)
    assert [len(data.train), len(data.validation), len(data.test)] == [12, 7, 30]
    again, other = fewer(spots(90), 12, 7, 100), fewer(spots(90), 12, 7, 100, seed=1)
    assert again.fingerprint() == data.fingerprint() != other.fingerprint()


def test_a_network_learns_and_its_curve_is_measured_on_validation():
    spotted = Pictures.of(spots(90))
    learned = spotted.learn(perceptron(), RECIPE, seed=0)
    assert spotted.right(learned).mean() > 0.9
    assert spotted.logits(learned, "validation").shape == (30, 10)
    network = perceptron()
    curve = spotted.curve(network, RECIPE, [1, 36], seed=0, title="spots")
    assert curve.steps.tolist() == [1, 36]
    assert curve.accuracy[1] == spotted.right(network, "validation").mean() > curve.accuracy[0]
