"""/upload, /outputs, /explain and what a page asks: the shapes of docs/service.md."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from striate import load


@pytest.fixture
def post(client):
    """`post({...}, {...})` gives these inputs to /outputs."""

    def send(*inputs, **config):
        body = {"inputs": list(inputs)}
        if config:
            body["model"] = {"output_info": {"output_config": config}}
        return client.post("/v2/models/photos/outputs", json=body)

    return send


def image(data):
    return {"data": {"image": {"base64": base64.b64encode(data).decode()}}}


def test_an_upload_is_answered_in_clarifais_shape(client, jpeg):
    answer = client.upload(jpeg())
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == {
        "code": 10000,
        "description": "Ok",
        "req_id": answer.headers["x-request-id"],
    }
    (output,) = body["outputs"]
    assert output["status"] == {"code": 10000, "description": "Ok"}
    assert output["model"]["id"] == "photos"
    assert len(output["model"]["model_version"]["id"]) == 8
    assert output["input"] == {"id": "0.jpg", "data": {"image": {}}}
    assert output["data"]["known"] is True
    concepts = output["data"]["concepts"]
    assert {each["id"] for each in concepts} == {"bars", "dots", "waves"}
    values = [each["value"] for each in concepts]
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1)


def test_good_and_bad_are_answered_each_in_its_place(client, jpeg):
    answer = client.upload(jpeg(0), b"no picture", jpeg(1)[:400], jpeg(2))
    assert answer.status_code == 207
    assert answer.json()["status"]["code"] == 10010
    outputs = answer.json()["outputs"]
    assert [each["status"]["code"] for each in outputs] == [10000, 30101, 30101, 10000]
    assert outputs[1]["data"] == {}
    assert outputs[1]["status"]["details"] == "not an image (a text file?)"
    assert outputs[2]["status"]["details"].startswith("truncated")


def test_nothing_that_can_be_read(client):
    answer = client.upload(b"no picture", b"")
    assert answer.status_code == 422
    assert answer.json()["status"]["code"] == 10020
    assert [each["status"]["details"] for each in answer.json()["outputs"]][1] == "empty file"


def test_the_most_probable_and_not_below(client, jpeg):
    everything = client.upload(jpeg()).json()["outputs"][0]["data"]["concepts"]
    assert (
        client.upload(jpeg(), max_concepts=2).json()["outputs"][0]["data"]["concepts"]
        == (everything[:2])
    )
    floor = everything[1]["value"]
    found = client.upload(jpeg(), min_value=floor - 1e-6).json()["outputs"][0]["data"]["concepts"]
    assert found == everything[:2]


def test_names_in_a_language(serving, model, jpeg):
    names = {"bars": "Balken", "dots": "<b>Punkte</b>"}
    (model.parent / "photos.names.de.json").write_text(json.dumps(names))
    (model.parent / "photos.names.pt-BR.txt").write_text("barras\npontos\nondas\n")
    client = serving()
    assert client.get("/v2/models").json()["models"][0]["languages"] == ["de", "pt-BR"]
    found = client.get("/v2/models/photos/names?language=de").json()
    assert found == {"name": "photos", "language": "de", "names": {**names, "waves": "waves"}}
    concepts = client.upload(jpeg(), language="pt-BR").json()["outputs"][0]["data"]["concepts"]
    assert {(each["id"], each["name"]) for each in concepts} == {
        ("bars", "barras"), ("dots", "pontos"), ("waves", "ondas"),
    }  # fmt: skip
    assert client.upload(jpeg(), language="fr").status_code == 404
    assert client.get("/v2/models/photos/names").json()["names"]["bars"] == "bars"


def test_base64_and_the_chosen_concepts(post, jpeg):
    answer = post(
        {"id": "first", **image(jpeg())},
        {"data": {"image": {"base64": "&&&"}}},
        select_concepts=[{"id": "dots"}, {"name": "bars"}, {"id": "unheard of"}],
    )
    assert answer.status_code == 207
    good, bad = answer.json()["outputs"]
    assert good["input"] == {"id": "first", "data": {"image": {}}}
    assert {each["id"] for each in good["data"]["concepts"]} == {"dots", "bars"}
    assert bad["status"] == {
        "code": 30101,
        "description": "Unsupported input",
        "details": "not base64",
    }


def test_the_newer_place_of_the_settings_is_understood(client, jpeg):
    config = {"output_info": {"output_config": {"max_concepts": 1}}}
    body = {"inputs": [image(jpeg())], "model": {"model_version": config}}
    answer = client.post("/v2/models/photos/outputs", json=body).json()
    assert len(answer["outputs"][0]["data"]["concepts"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        "[]", "{", "{}", '{"inputs": []}', '{"inputs": [{}]}', '{"inputs": [{"data": {}}]}',
        '{"inputs": [{"data": {"image": {}}}]}',
        '{"inputs": [{"data": {"image": {"url": "a", "base64": "b"}}}]}',
        '{"inputs": [{"data": {"image": {"base64": "b"}, "video": {"base64": "b"}}}]}',
        '{"inputs": [{"data": {"image": {"base64": 3}}}]}',
        '{"inputs": [{"data": {"image": null}}]}',
        '{"inputs": [' + ",".join(['{"data": {"image": {"base64": "b"}}}'] * 129) + "]}",
    ],
)  # fmt: skip
def test_what_is_no_such_request(client, body):
    headers = {"content-type": "application/json"}
    answer = client.post("/v2/models/photos/outputs", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["status"]["code"] == 11102


def test_another_type_of_body(client, jpeg):
    for path in ("outputs", "upload", "explain", "infer"):
        answer = client.post(f"/v2/models/photos/{path}", content=jpeg())
        assert answer.status_code == 415, path
    answer = client.post("/v2/models/photos/upload", data={"file": "no file"}, files={"x": b"y"})
    assert answer.status_code == 400
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/v2/models/photos/upload", content=b"--y nothing", headers=kind)
    assert answer.status_code == 400


def test_no_such_model(client, jpeg):
    assert client.upload(jpeg(), model="nothing").status_code == 404
    assert client.upload(jpeg(), model="nothing").json()["status"]["code"] == 21200


def test_none_of_these(serving, network, tmp_path, jpeg):
    path = tmp_path / "strict.safetensors"
    network("a", "b", threshold=1.0).save(path)
    client = serving(path)
    assert client.get("/v2/models").json()["models"][0]["none_of_these"] is True
    assert client.upload(jpeg(), model="strict").json()["outputs"][0]["data"]["known"] is False


def test_the_list_of_models(client):
    found = client.get("/v2/models").json()
    (one,) = found["models"]
    assert one["classes"] == ["bars", "dots", "waves"]
    assert one["kinds"] == ["class", "classes"]
    assert (one["size"], one["explains"], one["none_of_these"]) == (28, True, False)
    assert (found["links"], found["videos"]) == (False, True)
    assert found["limits"]["video_bytes"] < 100_000_000


def test_a_heat_map_as_numbers(client, jpeg):
    upload = {"file": ("a.jpg", jpeg(size=(60, 30)))}
    answer = client.post("/v2/models/photos/explain", files=upload)
    assert answer.status_code == 200
    found = answer.json()
    concepts = client.upload(upload["file"][1]).json()["outputs"][0]["data"]["concepts"]
    assert found["class"] == concepts[0]["id"]
    assert found["probability"] == pytest.approx(concepts[0]["value"], abs=1e-6)
    assert found["box"] == [0, 0, 1, 1]
    assert np.shape(found["map"]) == (28, 28)
    assert found["largest"] == pytest.approx(np.max(found["map"]), abs=1e-6)
    other = client.post("/v2/models/photos/explain?class=waves", files=upload).json()
    assert other["class"] == "waves"


def test_a_heat_map_as_a_picture(client, jpeg):
    upload = {"file": ("a.jpg", jpeg())}
    answer = client.post("/v2/models/photos/explain?format=png", files=upload)
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (28, 28)


def test_a_heat_map_of_what_cannot_be_read(client, jpeg):
    answer = client.post("/v2/models/photos/explain", files={"file": ("a.jpg", b"nothing")})
    assert (answer.status_code, answer.json()["status"]["code"]) == (422, 30101)
    upload = {"file": ("a.jpg", jpeg())}
    assert client.post("/v2/models/photos/explain?class=x", files=upload).status_code == 404
    assert client.post("/v2/models/photos/explain?format=x", files=upload).status_code == 400


def modes():
    """Photographs of mixed sizes, orientations and color modes, as files."""
    generator = np.random.default_rng(3)
    sizes = [(320, 240), (37, 200), (300, 400)]
    for number, size in enumerate(sizes):
        noise = generator.integers(0, 256, (12, 9, 4), dtype=np.uint8)
        colors = Image.fromarray(noise[:, :, :3]).resize(size, Image.Resampling.BICUBIC)
        exif = Image.Exif()
        exif[0x0112] = 1 + (3 * number + 5) % 8
        yield colors, "JPEG", {"exif": exif, "quality": 80, "progressive": number % 2 == 0}
        yield colors.convert("CMYK"), "JPEG", {}
        yield colors.convert("L"), "JPEG", {"exif": exif}
        yield Image.fromarray(noise).resize(size), "PNG", {}
        yield colors.convert("P"), "PNG", {}
        yield colors.convert("P"), "GIF", {}
        yield colors.convert("1"), "PNG", {}
        yield colors.convert("LA"), "WEBP", {"lossless": True}
        yield colors, "BMP", {}
    deep = generator.integers(0, 2**16, (50, 60), dtype=np.uint16)
    yield Image.fromarray(deep), "PNG", {}


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
def test_the_answers_are_those_of_predict(serving, network, tmp_path, fit):
    path = tmp_path / "photos.safetensors"
    network("bars", "dots", "waves", fit=fit).save(path)
    files = []
    for number, (picture, kind, options) in enumerate(modes()):
        files.append(tmp_path / f"{number}.{kind.lower()}")
        picture.save(files[-1], kind, **options)
    expected = load(path)(files)
    body = serving(path).upload(*(file.read_bytes() for file in files)).json()
    assert body["status"]["code"] == 10000
    for ours, theirs in zip(body["outputs"], expected, strict=True):
        concepts = ours["data"]["concepts"]
        assert [each["id"] for each in concepts] == [label.name for label in theirs.labels]
        values = [label.probability for label in theirs.labels]
        assert [each["value"] for each in concepts] == pytest.approx(values, abs=1e-4)
        assert ours["data"]["known"] == theirs.known
