"""One answer everywhere: the same photographs through Python, the command and both runtimes."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import striate
from striate import exporting
from striate.errors import ModelError, StorageError, UnknownName, UserError, WeightsError
from striate.tasks.contract import ExportedPredictor

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


@pytest.fixture(scope="session")
def file_for(recognizer, tmp_path_factory):
    """`file_for("onnx")`: the recognizer in a file of that format, written once."""
    files = {}

    def write(to: str) -> Path:
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime" if to == "onnx" else to)
        if to not in files:
            files[to] = tmp_path_factory.mktemp(to) / f"insects{SUFFIXES[to]}"
            exporting.export(recognizer, files[to], to=to)
        return files[to]

    return write


@pytest.fixture(params=["onnx", "openvino"])
def exported(request, file_for) -> Path:
    """The recognizer in a file of each format that striate runs."""
    return file_for(request.param)


@pytest.fixture
def in_onnx(file_for) -> Path:
    return file_for("onnx")


def test_same_answers(exported, recognizer, photographs, table):
    theirs = striate.load(exported)
    assert isinstance(theirs.predictor, ExportedPredictor)
    assert theirs.task is recognizer.task
    assert theirs.names == recognizer.names
    assert theirs.provenance == recognizer.provenance
    assert theirs.predictor.parameters > 1_000
    expected, found = recognizer(photographs), theirs(photographs)
    assert all(p.error is None for p in expected)
    apart = np.abs(table(found, theirs.names) - table(expected, theirs.names)).max(1)
    assert apart.max() <= 1e-4
    assert [p.labels[0].name for p in found] == [p.labels[0].name for p in expected]
    assert [p.known for p in found] == [p.known for p in expected]
    assert {p.known for p in expected} == {True, False}


def test_the_command_gives_the_same(exported, recognizer, photographs, tmp_path, capsys):
    from striate import cli

    recognizer.save(tmp_path / "insects.safetensors")
    outputs = []
    for model in (tmp_path / "insects.safetensors", exported):
        assert cli.run(["predict", str(model), "--json", *map(str, photographs)]) == 0
        outputs.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert len(outputs[0]) == len(photographs)
    for ours, theirs in zip(*outputs, strict=True):
        assert (ours["path"], ours["known"]) == (theirs["path"], theirs["known"])
        for one, other in zip(ours["labels"], theirs["labels"], strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


def test_broken_pictures_are_named_as_by_python(exported, recognizer, tmp_path, photographs):
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    pictures = [text, photographs[3], tmp_path / "absent.png", np.zeros((2, 2, 9), np.uint8)]
    expected = [(p.name, p.error) for p in recognizer(pictures)]
    assert [(p.name, p.error) for p in striate.load(exported)(pictures)] == expected


def test_onnx_alone_needs_no_striate(in_onnx, recognizer, table):
    """Any program may run it: the box may be left out, and metadata name inputs and outputs."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(in_onnx, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).integers(0, 256, (3, 50, 41, 3), dtype=np.uint8)
    probabilities, label, known = session.run(None, {"image": pixels})
    expected = recognizer(list(pixels))
    about = json.loads(session.get_modelmeta().custom_metadata_map["striate"])
    np.testing.assert_allclose(probabilities, table(expected, recognizer.names), atol=1e-5)
    assert [about["names"][k] for k in label] == [p.labels[0].name for p in expected]
    assert known.tolist() == [p.known for p in expected]
    assert (about["task"], about["kind"]) == ("classification", "network")
    assert about["predictor"] == json.loads(json.dumps(recognizer.predictor.header()))
    assert about["provenance"] == recognizer.provenance
    assert list(about["inputs"]) == ["image", "box"]
    assert list(about["outputs"]) == [each.name for each in session.get_outputs()]
    assert all(about["inputs"].values())
    assert all(about["outputs"].values())


def test_onnx_keeps_no_trace_of_its_source(in_onnx):
    import onnx

    onnx.checker.check_model(onnx.load(in_onnx))
    assert b".py" not in in_onnx.read_bytes()


def test_torch_is_written_and_never_opened(recognizer, tmp_path):
    path = tmp_path / "insects.pt2"
    exporting.export(recognizer, path, to="torch")
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith("striate.json"))
        assert json.loads(archive.read(name))["names"] == list(recognizer.names)
    program = torch.export.load(path).module()  # our own file: nobody else has had it
    pixels = np.random.default_rng(0).integers(0, 256, (1, 40, 33, 3), dtype=np.uint8)
    found = program(torch.from_numpy(pixels), torch.zeros(4))[0].detach().numpy()
    expected = {label.name: label.probability for label in recognizer([pixels[0]])[0].labels}
    np.testing.assert_allclose(found[0], [expected[n] for n in recognizer.names], atol=1e-5)
    with pytest.raises(WeightsError, match="may run code when it is opened"):
        striate.load(path)


def test_an_export_is_not_saved_or_exported_again(exported, tmp_path):
    theirs = striate.load(exported)
    with pytest.raises(ModelError, match="is an export; copy it"):
        theirs.save(tmp_path / "again.safetensors")
    with pytest.raises(ModelError, match="is not a graph that can be exported"):
        exporting.export(theirs, tmp_path / "again.onnx", to="onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"names": ["a"]}, {"task": "detection"}, {"task": "x"},
                                    {"names": ["a", "a", "b"]}, {"predictor": {}}, {"kind": 3},
                                    {"provenance": []}])  # fmt: skip
def test_metadata_that_do_not_fit_the_graph(change, in_onnx, tmp_path):
    import onnx

    model = onnx.load(in_onnx)
    values = json.loads(model.metadata_props[0].value)
    model.metadata_props[0].value = json.dumps({**values, **change})
    path = tmp_path / "x.onnx"
    path.write_bytes(model.SerializeToString())
    if "kind" in change:  # of no interest to a graph
        assert striate.load(path).names
        return
    with pytest.raises(WeightsError) as caught:
        striate.load(path)
    assert "x.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)


class NoGraph:
    kind = "thought"

    def graph(self, *, single=False):
        raise ModelError("a thought is not a graph; keep its .safetensors file")


def test_what_is_not_a_graph_gives_the_reason(recognizer, tmp_path):
    with pytest.raises(ModelError, match=r"a thought is not a graph; keep its \.safetensors"):
        exporting.export(replace(recognizer, predictor=NoGraph()), tmp_path / "a.onnx", to="onnx")
    assert not list(tmp_path.iterdir())


def test_formats_that_a_graph_has_not(recognizer, tmp_path):
    class OnnxAlone(NoGraph):
        def graph(self, *, single=False):
            return replace(recognizer.predictor.graph(single=single), formats=("onnx",))

    ours = replace(recognizer, predictor=OnnxAlone())
    with pytest.raises(ModelError, match="thought can be exported to onnx, not to openvino"):
        exporting.export(ours, tmp_path / "a.xml", to="openvino")
    assert not list(tmp_path.iterdir())


def test_an_export_that_fails_leaves_nothing(recognizer, tmp_path):
    class Asks(torch.nn.Module):
        def forward(self, image, box):
            return image if image.sum() > 0 else -image

    class Fails(NoGraph):
        def graph(self, *, single=False):
            return replace(recognizer.predictor.graph(single=single), module=Asks())

        header = recognizer.predictor.header

    ours = replace(recognizer, predictor=Fails())
    with pytest.raises(ModelError, match="this network cannot be exported") as caught:
        exporting.export(ours, tmp_path / "a.onnx", to="onnx")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_bad_input(recognizer, tmp_path):
    with pytest.raises(UnknownName, match="no format is called 'onxx'; did you mean onnx"):
        exporting.export(recognizer, tmp_path / "a.onnx", to="onxx")
    with pytest.raises(UserError, match=r"an export to openvino is a .xml file, not 'a.onnx'"):
        exporting.export(recognizer, tmp_path / "a.onnx", to="openvino")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        exporting.export(recognizer, tmp_path / "file" / "a.onnx", to="onnx")
