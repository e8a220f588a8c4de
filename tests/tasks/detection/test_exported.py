"""The file by ONNX Runtime beside the finder it was made of; files that are damaged or sly."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate import cli
from striate.errors import ModelError, WeightsError
from striate.recognizer import load as load_recognizer
from striate.tasks.detection import is_detector, measured
from striate.tasks.detection.exported import fields, is_exported, load

SIZES = [(50, 70), (1, 1), (20, 20), (1, 700), (300, 1), (64, 64), (63, 65), (128, 96), (500, 333),
         (33, 32), (310, 90), (5, 90)]  # fmt: skip


def picture(height: int, width: int) -> np.ndarray:
    generator = np.random.default_rng(height * 1000 + width)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_same_boxes(exported):
    detector, path = exported
    theirs, count = load(path), 0
    assert theirs.classes == detector.classes
    assert theirs.provenance == detector.provenance
    assert theirs.finder.kind == "onnx"
    assert theirs.finder.parameters > 1000
    for height, width in SIZES:
        pixels = picture(height, width)
        expected, found = detector.finder.find(pixels), theirs.finder.find(pixels)
        assert found.classes.tolist() == expected.classes.tolist()
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.01, rtol=0)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4, rtol=0)
        count += len(found.scores)
    assert count > 2 * len(SIZES)


def test_nothing_found(exported):
    """A gray picture of the mean, in which at most a few things are seen."""
    detector, path = exported
    pixels = np.full((40, 40, 3), 110, np.uint8)
    found, expected = load(path).finder.find(pixels), detector.finder.find(pixels)
    assert found.boxes.shape == (len(expected.scores), 4)


def test_the_command(exported, tmp_path, capsys):
    detector, path = exported
    for number, (height, width) in enumerate(SIZES[:3]):
        Image.fromarray(picture(height, width)).save(tmp_path / f"{number}.png")
    (tmp_path / "text.jpg").write_text("no picture")
    drawn = tmp_path / "seen"
    asked = ["predict", str(path), str(tmp_path), "--json", "--draw", str(drawn)]
    assert cli.run(asked) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    files = sorted(str(file) for file in tmp_path.iterdir() if file.suffix in {".png", ".jpg"})
    for row, expected in zip(rows, detector.predict(files), strict=True):
        assert row["path"] == expected.name
        assert row.get("error") == expected.error
        for one, other in zip(row.get("objects", []), expected.objects, strict=True):
            assert one["label"] == other.label
            assert one["box"] == pytest.approx(other.box, abs=0.01)
    assert len(list(drawn.iterdir())) == 3


def test_it_is_told_apart_from_a_recognizer(exported, tmp_path, capsys):
    _, path = exported
    assert is_exported(path)
    assert not is_detector(path)
    with pytest.raises(WeightsError, match="is a detector; striate predict runs it"):
        load_recognizer(path)
    for command in ("explain", "export"):
        rest = ["x.png"] if command == "explain" else []
        assert cli.run([command, str(path), *rest]) == 2
        assert "give the .safetensors file" in " ".join(capsys.readouterr().err.split())
    other = tmp_path / "x.onnx"
    for content in (b"", b"no graph", b"\xff" * 30, path.read_bytes()[:-40]):
        other.write_bytes(content)
        assert not is_exported(other)
        with pytest.raises(WeightsError, match="is not a detector that striate exported"):
            load(other)
    assert not is_exported(tmp_path / "absent.onnx")


def test_an_export_is_not_saved_again(exported, tmp_path):
    with pytest.raises(ModelError, match="is an export; copy it"):
        load(exported[1]).save(tmp_path / "again.safetensors")
    assert not list(tmp_path.iterdir())


def test_damaged_and_sly_files(exported, tmp_path):
    import onnx

    path = tmp_path / "x.onnx"

    def changed(change) -> None:
        model = onnx.load(exported[1])
        change(model)
        path.write_bytes(model.SerializeToString())

    def elsewhere(model) -> None:
        tensor = model.graph.initializer[0]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", "../secret"), ("offset", "0")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    def within(model) -> None:
        node = model.graph.node.add(op_type="Constant", output=["sly"])
        value = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
        value.t.external_data.add(key="location", value="/etc/passwd")

    def without_classes(model) -> None:
        model.metadata_props[0].value = json.dumps({"task": "detection"})

    def without_scores(model) -> None:
        del model.graph.output[2]

    for change, why in ((elsewhere, "other files"), (within, "other files"),
                        (without_classes, "classes"), (without_scores, "image to boxes"),
                        (lambda model: model.graph.node.pop(), "damaged")):  # fmt: skip
        changed(change)
        with pytest.raises(WeightsError, match=rf"x.onnx is a damaged export.*{why}|{why}") as bad:
            load(path)
        assert "\n" not in str(bad.value)

    def one_class(model) -> None:
        values = json.loads(model.metadata_props[0].value)
        model.metadata_props[0].value = json.dumps({**values, "classes": ["ant"]})

    changed(one_class)
    detector = load(path)
    with pytest.raises(WeightsError, match="does not answer with boxes"):
        list(map(detector.find, (picture(*size) for size in SIZES)))


def test_fields_by_pencil():
    """Field 1, a number of two bytes; field 14, three bytes; field 7, two, stepped over."""
    message = bytes([0x08, 0x96, 0x01, 0x72, 0x03]) + b"abc" + bytes([0x3A, 0x02]) + b"xy"
    assert list(fields(io.BytesIO(message))) == [(1, None), (14, b"abc"), (7, None)]
    with pytest.raises(ValueError, match="wire type 3"):
        list(fields(io.BytesIO(b"\x0b")))
    with pytest.raises(ValueError, match="ends within"):
        list(fields(io.BytesIO(b"\x08\x96")))
    with pytest.raises(ValueError, match="a field of 1180591620717411303423 bytes"):
        list(fields(io.BytesIO(b"\x3a" + b"\xff" * 9 + b"\x7f")))


def test_a_field_that_is_too_long_is_no_detector(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"\x3a" + b"\xff" * 9 + b"\x7f")
    assert not is_exported(tmp_path / "x.onnx")


def test_an_export_is_scored_like_what_it_was_made_of(exported, tmp_path, capsys):
    detector, path = exported
    root = tmp_path / "marked"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    box = "<xmin>1</xmin><ymin>1</ymin><xmax>40</xmax><ymax>40</ymax>"
    for number, size in enumerate(SIZES[5:9]):
        Image.fromarray(picture(*size)).save(root / "JPEGImages" / f"{number}.png")
        thing = f"<object><name>{detector.classes[0]}</name><bndbox>{box}</bndbox></object>"
        (root / "Annotations" / f"{number}.xml").write_text(f"<annotation>{thing}</annotation>")
    assert cli.run(["evaluate", str(path), str(root), "--split", "all", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    data = striate.data.open(root)
    numbers = [data.classes.index(c) if c in data.classes else -1 for c in detector.classes]
    expected = measured(detector.finder, data, range(4), numbers=numbers)
    assert told["images"] == 4
    assert told["map50"] == pytest.approx(expected.map50, abs=1e-6)
    assert told["mistakes"] == vars(expected.mistakes())
