"""One answer everywhere: the same photographs through Python, the command and both runtimes."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import striate
from striate import exporting
from striate.errors import ModelError, StorageError, UnknownName, UserError, WeightsError
from striate.images import View
from striate.recognizer import Exported, Recognizer
from striate.recognizer.storage import BAG, build
from striate.training import Preprocessing

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


@pytest.fixture(scope="session", params=["onnx", "openvino"])
def exported(request, recognizer, tmp_path_factory) -> Path:
    """The recognizer in a file of each format that striate runs."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime" if request.param == "onnx" else "openvino")
    path = tmp_path_factory.mktemp(request.param) / f"insects{SUFFIXES[request.param]}"
    exporting.export(recognizer, path, to=request.param)
    return path


def test_same_answers(exported, recognizer, photographs, table):
    theirs = striate.load(exported)
    assert isinstance(theirs, Exported)
    assert theirs.classes == recognizer.classes
    assert theirs.provenance == recognizer.provenance
    expected, found = recognizer(photographs), theirs(photographs)
    assert all(p.error is None for p in expected)
    apart = np.abs(table(found, theirs.classes) - table(expected, theirs.classes)).max(1)
    assert apart.max() <= 1e-4
    assert [p.labels[0].name for p in found] == [p.labels[0].name for p in expected]
    assert [p.known for p in found] == [p.known for p in expected]
    assert {p.known for p in expected} == {True, False}


def test_the_command_says_the_same(exported, recognizer, photographs, tmp_path, capsys):
    from striate import cli

    recognizer.save(tmp_path / "insects.safetensors")
    said = []
    for model in (tmp_path / "insects.safetensors", exported):
        assert cli.run(["predict", str(model), "--json", *map(str, photographs)]) == 0
        said.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    for ours, theirs in zip(*said, strict=True):
        assert (ours["path"], ours["known"]) == (theirs["path"], theirs["known"])
        for one, other in zip(ours["labels"], theirs["labels"], strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


def test_broken_pictures_are_named_as_by_python(exported, recognizer, tmp_path, photographs):
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    pictures = [text, photographs[3], tmp_path / "absent.png", np.zeros((2, 2, 9), np.uint8)]
    expected = [(p.name, p.error) for p in recognizer(pictures)]
    assert [(p.name, p.error) for p in striate.load(exported)(pictures)] == expected


def test_onnx_alone_needs_no_striate(exported, recognizer, table):
    """Any program may run it: the box may be left out, and metadata says what the numbers are."""
    if exported.suffix != ".onnx":
        pytest.skip("ONNX only")
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).integers(0, 256, (3, 50, 41, 3), dtype=np.uint8)
    probabilities, label, known = session.run(None, {"image": pixels})
    expected = recognizer(list(pixels))
    names = json.loads(session.get_modelmeta().custom_metadata_map["striate"])["classes"]
    np.testing.assert_allclose(probabilities, table(expected, recognizer.classes), atol=1e-5)
    assert [names[k] for k in label] == [p.labels[0].name for p in expected]
    assert known.tolist() == [p.known for p in expected]


def test_torch_is_written_and_never_opened(recognizer, tmp_path):
    path = tmp_path / "insects.pt2"
    exporting.export(recognizer, path, to="torch")
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith("striate.json"))
        assert json.loads(archive.read(name))["classes"] == list(recognizer.classes)
    program = torch.export.load(path).module()  # our own file: nobody else has had it
    pixels = np.random.default_rng(0).integers(0, 256, (1, 40, 33, 3), dtype=np.uint8)
    found = program(torch.from_numpy(pixels), torch.zeros(4))[0].detach().numpy()
    expected = {label.name: label.probability for label in recognizer([pixels[0]])[0].labels}
    np.testing.assert_allclose(found[0], [expected[n] for n in recognizer.classes], atol=1e-5)
    with pytest.raises(WeightsError, match="may run code when it is opened"):
        striate.load(path)


def test_a_hand_crafted_recognizer_says_why_not(tmp_path):
    options = {"side": 32, "step": 6, "bin_sizes": (3,), "words": 8, "levels": ((1, 1),)}
    model = build({"name": BAG, "options": options}, 2)
    view = View(32, channels=1, fit="squash")
    ours = Recognizer(model, {"name": BAG}, Preprocessing(view, (0.0,), (1.0,)), ("a", "b"))
    with pytest.raises(ModelError, match=r"hand-crafted recognizer .* keep its \.safetensors"):
        exporting.export(ours, tmp_path / "a.onnx", to="onnx")
    assert not list(tmp_path.iterdir())


def test_bad_input(recognizer, tmp_path):
    with pytest.raises(UnknownName, match="no format is called 'onxx'; did you mean onnx"):
        exporting.export(recognizer, tmp_path / "a.onnx", to="onxx")
    with pytest.raises(UserError, match=r"an export to openvino is a .xml file, not 'a.onnx'"):
        exporting.export(recognizer, tmp_path / "a.onnx", to="openvino")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        exporting.export(recognizer, tmp_path / "file" / "a.onnx", to="onnx")


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x07" * 50])
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_files_that_are_no_export(content, suffix, tmp_path):
    pytest.importorskip("onnxruntime" if suffix == ".onnx" else "openvino")
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is not a file that striate exported") as caught:
        striate.load(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="there is no file"):
        striate.load(tmp_path / f"absent{suffix}")
