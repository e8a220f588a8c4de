"""The graph in other runtimes: the same answers, from pictures of any size."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from striate.errors import ModelError, WeightsError
from striate.inference.runtimes import Runtime, run_in_memory
from striate.tasks.classification.exported import Exported
from striate.tasks.classification.familiarity import Familiarity
from striate.tasks.classification.network import Network
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.task import Classification

NAMES = ("ant", "bee", "<script>")
SIZES = ((37, 41), (300, 200), (12, 90))


@pytest.fixture
def network(make: Callable[[str], Classifier]) -> Network:
    import torch

    ours = make("lenet5")
    assert isinstance(ours, Network)
    directions = torch.nn.functional.normalize(torch.randn(3, 84), dim=1)
    return replace(ours, familiarity=Familiarity(directions, 0.1))


def pictures() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


@pytest.fixture(scope="module")
def running() -> dict[str, Runtime]:
    return {}


@pytest.fixture
def runtime(network: Network, running: dict[str, Runtime]) -> Callable[[Any], Runtime]:
    """`runtime("openvino")` runs the network's graph, which is converted once."""

    def run(engine: Any) -> Runtime:
        pytest.importorskip(engine)
        if engine not in running:
            running[engine] = run_in_memory(network.graph(single=engine == "openvino"), engine)
        return running[engine]

    return run


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_same_answers(
    engine: str, runtime: Callable[[str], Runtime], network: Network, tmp_path: Path
) -> None:
    task = Classification()
    ours = task.exported(runtime(engine), {**network.header(), "kind": "network"}, NAMES)
    assert isinstance(ours, Exported)
    assert ours.parameters > 0
    path = tmp_path / "large.jpg"  # decoded at a scale
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (900, 700, 3), np.uint8)).save(path)
    items: list[Any] = [*pictures(), path, path.read_bytes()]
    answers = ours.predict([ours.prepare(item) for item in items])
    expected = network.predict([network.prepare(item) for item in items])
    for one, other in zip(answers, expected, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=2e-4)
        assert one.known == other.known
    assert len({tuple(answer.probabilities) for answer in answers[:3]}) == 3


def test_what_the_graph_says_of_itself(network: Network) -> None:
    graph = network.graph()
    assert set(graph.about) == {*graph.shapes, *graph.outputs}
    assert set(graph.defaults) == {"box"}
    probabilities, label, known = graph.module(*graph.examples)
    assert probabilities.shape == (2, 3)
    assert label.tolist() == probabilities.argmax(1).tolist()
    assert known.dtype.is_floating_point is False


def test_graphs_of_another_form(network: Network, runtime: Callable[[str], Runtime]) -> None:
    found = runtime("onnxruntime")
    about = {**network.header(), "kind": "network"}
    with pytest.raises(WeightsError, match="output 'probabilities'"):
        Exported(found, about, NAMES[:2])
    with pytest.raises(LookupError):
        Exported(found, {}, NAMES)
    ours = Exported(found, about, NAMES)
    for refused in (ours.tensors, ours.header):
        with pytest.raises(ModelError, match="is an export"):
            refused()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_not_finite_are_refused(
    value: float, network: Network, runtime: Callable[[str], Runtime], monkeypatch: Any
) -> None:
    found = runtime("onnxruntime")
    right = found.run

    def wrong(inputs: Any) -> dict[str, NDArray[Any]]:
        answer = right(inputs)
        answer["probabilities"][0, 1] = value
        return answer

    ours = Exported(found, {**network.header(), "kind": "network"}, NAMES)
    items = [ours.prepare(pictures()[0])]
    assert len(ours.predict(items)) == 1
    monkeypatch.setattr(found, "run", wrong)
    with pytest.raises(WeightsError, match="does not answer with a probability"):
        ours.predict(items)


def test_pictures_that_cannot_be_read(network: Network) -> None:
    from striate.errors import ImageError

    ours = Exported.__new__(Exported)
    ours.preprocessing = network.preprocessing
    with pytest.raises(ImageError, match="not an image"):
        ours.prepare(b"text that is no picture")
    buffer = io.BytesIO()
    Image.fromarray(pictures()[0]).save(buffer, "PNG")
    found = ours.prepare(buffer.getvalue())
    np.testing.assert_array_equal(found.pixels, pictures()[0])
    assert found.box == (0, 0, 41, 37)
    assert set(ours.inputs(found)) == {"image", "box"}
