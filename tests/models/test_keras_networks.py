"""Networks from Keras: the lecture's two counts, and the same probabilities layer by layer."""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.models.keras_networks import LAYERS, from_keras

os.environ.setdefault("KERAS_BACKEND", "torch")
# Keras 3.15 asks numpy for torch's tensors without `copy`, and calls input_shape old-fashioned.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def _keras() -> None:
    """Takes seconds to import: only where these tests run, not wherever they are collected."""
    global keras, layers
    keras = pytest.importorskip("keras", reason="the `keras` extra is not installed")
    layers = keras.layers


def network(*parts, shape: tuple[int, ...]):
    """A Sequential with weights that are nowhere 0 or 1, so that each of them matters."""
    model = keras.Sequential([keras.Input(shape), *parts])
    numbers = np.random.default_rng(0)
    model.set_weights([numbers.uniform(0.1, 0.4, w.shape) for w in model.get_weights()])
    return model


def the_same(model, *, shape: tuple[int, ...]) -> nn.Module:
    """Compares probabilities, and returns ours."""
    images = np.random.default_rng(1).normal(size=(4, *shape)).astype("float32")
    theirs = np.asarray(model.predict(images, verbose=0))
    ours = from_keras(model)
    ordered = images[:, None, None] if len(shape) == 1 else images.transpose(0, 3, 1, 2)
    logits = ours(torch.tensor(ordered))
    np.testing.assert_allclose(logits.softmax(1).detach().numpy(), theirs, rtol=1e-4, atol=1e-6)
    return ours


def test_the_lectures_logistic_regression() -> None:
    model = keras.Sequential()
    model.add(layers.Dense(10, input_dim=784, name="fc1"))
    model.add(layers.Activation("softmax"))
    ours = the_same(model, shape=(784,))
    assert sum(p.numel() for p in ours.parameters()) == model.count_params() == 7850
    assert ours.stage_names == ["input", "fc1"]
    assert ours(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_the_lectures_network() -> None:
    model = network(
        layers.Conv2D(32, kernel_size=(5, 5), activation="sigmoid", padding="same"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, (5, 5), activation="sigmoid", padding="same"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dense(100, activation="sigmoid"),
        layers.Dense(10, activation="softmax"),
        shape=(28, 28, 1),
    )
    ours = the_same(model, shape=(28, 28, 1))
    assert sum(p.numel() for p in ours.parameters()) == model.count_params() == 366_806
    features = ours.features(torch.zeros(1, 1, 28, 28))
    assert [tuple(f.shape[1:]) for f in features.values()][:4] == [
        (32, 28, 28), (32, 14, 14), (64, 14, 14), (64, 7, 7)
    ]  # fmt: skip


HEAD = (lambda: layers.Flatten(), lambda: layers.Dense(3, activation="softmax"))
CASES: dict[str, tuple[Callable, ...]] = {
    "strided same": (lambda: layers.Conv2D(4, 3, strides=2, padding="same"), *HEAD),
    "even kernel same": (lambda: layers.Conv2D(4, 4, padding="same"), *HEAD),
    "dilated": (lambda: layers.Conv2D(4, 3, dilation_rate=2, padding="same"), *HEAD),
    "groups without bias": (lambda: layers.Conv2D(4, 3, groups=2, use_bias=False), *HEAD),
    "max same": (lambda: layers.MaxPooling2D(2, padding="same"), *HEAD),
    "max overlapping": (lambda: layers.MaxPooling2D(3, 2), *HEAD),
    "average": (lambda: layers.AveragePooling2D(2), *HEAD),
    "average same": (lambda: layers.AveragePooling2D(3, 1, padding="same"), *HEAD),
    "global average": (lambda: layers.GlobalAveragePooling2D(), HEAD[1]),
    "norm of maps": (lambda: layers.BatchNormalization(), *HEAD),
    "norm without scale": (lambda: layers.BatchNormalization(scale=False), *HEAD),
    "norm of vectors": (HEAD[0], lambda: layers.BatchNormalization(center=False), HEAD[1]),
    "dropout": (HEAD[0], lambda: layers.Dropout(0.5), HEAD[1]),
    "rectifiers": (lambda: layers.ReLU(), lambda: layers.LeakyReLU(0.3), *HEAD),
    "softmax layer": (HEAD[0], lambda: layers.Dense(3), lambda: layers.Softmax()),
    "activations": (*(lambda n=n: layers.Activation(n) for n in ("elu", "tanh", "silu")), *HEAD),
}


@pytest.mark.parametrize("case", CASES)
def test_each_layer_computes_the_same(case: str) -> None:
    model = network(*(build() for build in CASES[case]), shape=(7, 6, 2))
    the_same(model, shape=(7, 6, 2))


def test_every_layer_is_tried_above() -> None:
    tried = {type(build()).__name__ for case in CASES.values() for build in case}
    assert tried == set(LAYERS)


def test_it_learns_on_and_takes_a_new_head() -> None:
    from striate.models import replace_head

    model = network(layers.Flatten(), layers.Dense(3, activation="softmax"), shape=(4, 4, 1))
    ours = replace_head(from_keras(model), 5)
    assert ours(torch.zeros(1, 1, 4, 4)).shape == (1, 5)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (lambda: [layers.Flatten(), layers.Dense(1, activation="sigmoid")], "a classifier ends in"),
        (
            lambda: [layers.Flatten(), layers.LayerNormalization(name="ln")],
            "'ln'.*no twin of Keras",
        ),
        (lambda: [layers.Dense(3)], "flatten it first"),
        (lambda: [layers.Flatten(), layers.Dense(3, activation="mish")], "activation 'mish'"),
        (lambda: [layers.Flatten(), layers.Softmax(), layers.Dense(3)], "behind a softmax"),
        (lambda: [layers.BatchNormalization(axis=1), layers.Flatten(), layers.Dense(2)], "axis 1"),
    ],
)
def test_what_has_no_twin_is_named(parts: Callable, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        from_keras(network(*parts(), shape=(4, 4, 1)))


def test_only_sequential_models() -> None:
    inputs = keras.Input((4,))
    with pytest.raises(ModelError, match="is no built keras"):
        from_keras(keras.Model(inputs, layers.Dense(2)(inputs)))


@pytest.mark.parametrize(
    ("program", "parameters"),
    [("keras_logistic_regression", "7,850"), ("keras_convolutional_network", "366,806")],
)
def test_the_lectures_programs_run(
    program: str,
    parameters: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    examples = Path(__file__).parents[2] / "examples"
    monkeypatch.syspath_prepend(str(examples))
    monkeypatch.setattr(sys, "argv", [program, "digits", "1"])
    runpy.run_path(str(examples / f"{program}.py"), run_name="__main__")
    text = capsys.readouterr().out
    assert f"parameters: {parameters}\n" in text
    theirs, ours = (line.split()[-1] for line in text.splitlines()[-2:])
    assert theirs == ours
