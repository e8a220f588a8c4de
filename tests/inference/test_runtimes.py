"""A graph in a file or in memory, run by ONNX Runtime and by OpenVINO; files that are damaged."""

import json
import os
import random
import struct
import threading
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from striate.errors import MissingExtra, ModelError, WeightsError
from striate.inference import conversion
from striate.inference.conversion import to_onnx, to_openvino, to_program
from striate.inference.program import Graph
from striate.inference.runtimes import KEY, Port, Runtime, open_runtime, run_in_memory

pytest.importorskip("onnxscript")

ABOUT = {"task": "shares", "names": ["a", "b"]}
PICTURE = Port("uint8", (None, None, None, 3))


class Shares(nn.Module):
    """The mean color of each image, moved, through a linear layer; and how many rows it has."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, image: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.ones(1, dtype=torch.int64) * image.shape[1]
        return self.linear(image.float().mean((1, 2)) + moved), rows


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(0)
    return Graph(
        Shares().eval(),
        (torch.zeros(2, 30, 40, 3, dtype=torch.uint8), torch.zeros(3)),
        {"image": {0: "N", 1: "H", 2: "W"}, "moved": {}},
        ("shares", "rows"),
        defaults={"moved": torch.zeros(3)},
    )


@pytest.fixture(scope="module")
def models(graph: Graph) -> dict[str, Any]:
    """The graph in both forms, converted once."""
    models = {".onnx": to_onnx(graph)}
    if find_spec("openvino"):
        models[".xml"] = to_openvino(graph)
    return models


@pytest.fixture
def written(models: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """`written(".onnx")`: the graph in a file of that kind."""

    def write(suffix: str, about: Any = ABOUT) -> Path:
        path = tmp_path / f"shares{suffix}"
        if suffix == ".onnx":
            model = deepcopy(models[suffix])
            model.metadata_props.add(key=KEY, value=json.dumps(about))
            path.write_bytes(model.SerializeToString())
        else:
            openvino = pytest.importorskip("openvino")
            model = models[suffix].clone()
            model.set_rt_info(json.dumps(about), [KEY])
            openvino.save_model(model, path, compress_to_fp16=False)
        return path

    return write


def needs(suffix: str) -> None:
    pytest.importorskip("onnxruntime" if suffix == ".onnx" else "openvino")


def images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 20, 10, 3), dtype=np.uint8)


def expected(graph: Graph, image: np.ndarray, moved: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return graph.module(torch.from_numpy(image), torch.from_numpy(moved))[0].numpy()


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_same_answers(
    suffix: str,
    graph: Graph,
    written: Callable[[str], Path],
    models: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs(suffix)
    name = "to_onnx" if suffix == ".onnx" else "to_openvino"  # what it would be converted to again
    monkeypatch.setattr(conversion, name, lambda given: {id(graph): models[suffix]}[id(given)])
    runtime = open_runtime(written(suffix))
    engine = "onnxruntime" if suffix == ".onnx" else "openvino"
    moved = np.array([1, 2, 3], np.float32)
    for one in (runtime, run_in_memory(graph, engine)):
        assert one.inputs == ("image", "moved")
        assert one.outputs == ("shares", "rows")
        assert one.parameters >= 16
        for count in (1, 3):
            found = one.run({"image": images(count), "moved": moved})
            wanted = expected(graph, images(count), moved)
            np.testing.assert_allclose(found["shares"], wanted, rtol=1e-4)
            assert found["rows"].tolist() == [20]
    assert runtime.metadata == ABOUT
    assert runtime.path.suffix == suffix


def test_openvino_tells_nobody() -> None:
    pytest.importorskip("openvino")
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


def test_an_input_with_a_default_may_be_left_out(graph, written) -> None:
    needs(".onnx")
    found = open_runtime(written(".onnx")).run({"image": images()})["shares"]
    np.testing.assert_allclose(found, expected(graph, images(), np.zeros(3, np.float32)), rtol=1e-4)


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_what_fails_on_an_input_is_named(suffix: str, written: Callable[[str], Path]) -> None:
    needs(suffix)
    runtime = open_runtime(written(suffix))
    for inputs in ({}, {"moved": np.zeros(3, np.float32)}, {"image": np.zeros((2, 2), np.uint8)}):
        with pytest.raises(WeightsError, match=rf"shares{suffix} fails on an input \(") as caught:
            runtime.run(inputs)
        assert "\n" not in str(caught.value)


def test_answers_stay_when_the_next_are_computed(written) -> None:
    """Also from many threads at once: a compiled model has one set of buffers."""
    for suffix in (".onnx", ".xml"):
        needs(suffix)
        runtime = open_runtime(written(suffix))
        moved = np.zeros(3, np.float32)
        inputs = [{"image": images(count), "moved": moved} for count in range(1, 9)]
        alone = [runtime.run(one)["shares"] for one in inputs]
        found: dict[int, np.ndarray] = {}

        def answer(number: int, runtime: Runtime, inputs: list, found: dict) -> None:
            for _ in range(10):
                found[number] = runtime.run(inputs[number])["shares"]

        threads = [threading.Thread(target=answer, args=(k, runtime, inputs, found))
                   for k in range(8)]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({one.tobytes() for one in alone}) == 8
        for number, one in enumerate(alone):
            np.testing.assert_array_equal(found[number], one)


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_what_a_graph_is_required_to_be(suffix: str, written: Callable[[str], Path]) -> None:
    needs(suffix)
    runtime = open_runtime(written(suffix))
    inputs = {"image": PICTURE, "moved": Port("float32", (3,))}
    outputs = {"shares": Port("float32", (None, 4))}
    runtime.require(inputs, outputs)
    for ours, theirs, reason in (
        (inputs, {"boxes": Port("float32", (None, 4))}, "has no output 'boxes'"),
        (inputs, {"shares": Port("float32", (None, 5))}, r"\(any, 4\), expected .*\(any, 5"),
        (inputs, {"shares": Port("int64", (None, 4))}, "output 'shares'"),
        ({**inputs, "box": PICTURE}, outputs, "has no input 'box'"),
        ({**inputs, "image": Port("uint8", (None, None, 3))}, outputs, "input 'image'"),
        ({"image": PICTURE}, outputs, "has another input, 'moved'"),
    ):  # fmt: skip
        with pytest.raises(WeightsError, match=reason) as caught:
            runtime.require(ours, theirs)
        assert str(runtime.path) in str(caught.value)


def refused(path: Path, reason: str = "") -> str:
    with pytest.raises(WeightsError, match=reason) as caught:
        open_runtime(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert message.isprintable()
    assert len(message) < 300 + len(str(path))
    return message


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x07" * 50, b"\0" * 1000])
def test_files_that_are_not_an_export(content: bytes, suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    path.with_suffix(".bin").write_bytes(b"")
    refused(path, "is not a file that striate exported")
    refused(tmp_path / f"absent{suffix}", "there is no file")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be read for ever."""
    for name in ("pipe.onnx", "pipe.xml"):
        os.mkfifo(tmp_path / name)
        refused(tmp_path / name, "there is no file")
    (tmp_path / "model.xml").write_text("<net/>")
    os.mkfifo(tmp_path / "model.bin")
    refused(tmp_path / "model.xml", "model.bin, which is not beside it")
    (tmp_path / "folder.onnx").mkdir()
    refused(tmp_path / "folder.onnx", "there is no file")
    refused(tmp_path / "model.pt", r"end in \.onnx or \.xml")


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
@pytest.mark.parametrize("about", [[1], "text", None, 3])
def test_metadata_that_are_not_an_object(suffix: str, about: Any, written) -> None:
    needs(suffix)
    refused(written(suffix, about), "not an object")


def test_metadata_are_read_before_the_graph(written, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file of others is refused without ONNX Runtime, too."""
    onnxruntime = pytest.importorskip("onnxruntime")
    path = written(".onnx")
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *given, **more: 1 / 0)
    refused(path, "division by zero")
    import onnx

    model = onnx.load(path)
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString())
    refused(path, "there is no 'striate'")


def test_weights_in_other_files_are_refused(written) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = written(".onnx")
    model = onnx.load(path)
    secret = path.with_name("secret")
    secret.write_bytes(struct.pack("12f", *range(12)))
    tensor = next(one for one in model.graph.initializer if tuple(one.dims) == (4, 3))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    path.write_bytes(model.SerializeToString())
    assert onnx.load(path)  # others do read it
    refused(path, "keeps weights in other files")


def test_hostile_names_stay_out_of_a_terminal(written) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = written(".onnx")
    model = onnx.load(path)
    for node in model.graph.node:
        node.name = f"\x1b[31mred\n\x07{node.name}" + "x" * 5000
        node.op_type = f"\x1b]0;{node.op_type}"
    path.write_bytes(model.SerializeToString())
    refused(path, r"\\x1b")


def test_hostile_names_of_what_fails_stay_out_of_a_terminal(written, capfd) -> None:
    """What the runtime says by itself goes past every exception."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = written(".onnx")
    sound = onnx.load(path)
    failing = deepcopy(sound)  # what does not fit is seen only when it is computed
    shown = onnx.helper.make_node("Reshape", ["moved", "seven"], ["odd"], name="\x1b[31mred")
    failing.graph.initializer.append(
        onnx.helper.make_tensor("seven", onnx.TensorProto.INT64, [1], [7])
    )
    failing.graph.node.insert(0, shown)
    failing.graph.output.append(
        onnx.helper.make_tensor_value_info("odd", onnx.TensorProto.FLOAT, [None])
    )
    path.write_bytes(failing.SerializeToString())
    with pytest.raises(WeightsError, match=r"fails on an input .*\\x1b\[31mred") as caught:
        open_runtime(path).run({"image": images(), "moved": np.zeros(3, np.float32)})
    assert str(caught.value).isprintable()
    kind = sound.graph.node[0].op_type.encode()
    path.write_bytes(sound.SerializeToString().replace(kind, b"\x85" + kind[1:]))  # not UTF-8
    refused(path, "is not a file that striate exported")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_damaged_files_answer_or_are_refused(suffix: str, written) -> None:
    """Cut short, and with bytes changed anywhere."""
    needs(suffix)
    path, draw = written(suffix), random.Random(0)
    sound, reasons = path.read_bytes(), []
    for number in range(60):
        data = bytearray(sound)
        if number % 2:
            data = data[: draw.randrange(len(data))]
        else:
            for _ in range(draw.randint(1, 20)):
                data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(data)
        try:
            runtime = open_runtime(path)
            runtime.run({"image": images(), "moved": np.zeros(3, np.float32)})
        except WeightsError as error:
            reasons.append(str(error))
    assert len(reasons) > 30
    assert all(reason.isprintable() and len(reason) < 500 for reason in reasons)


def test_without_the_runtime(written, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for suffix, package in ((".onnx", "onnxruntime"), (".xml", "openvino")):
        needs(suffix)
        path = written(suffix)
        with monkeypatch.context() as some:
            some.setitem(sys.modules, package, None)
            with pytest.raises(MissingExtra, match=rf"shares{suffix} needs .*striate\[export\]"):
                open_runtime(path)


def test_what_cannot_be_traced_is_named() -> None:
    class Asks(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return image if image.sum() > 0 else -image

    with pytest.raises(ModelError, match="this network cannot be exported") as caught:
        to_program(Graph(Asks(), (torch.zeros(2),), {"image": {}}, ("out",)))
    assert "\n" not in str(caught.value)
