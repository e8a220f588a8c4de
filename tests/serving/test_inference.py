"""Open Inference: metadata, tensors and errors as clients of KServe's protocol expect them."""

import base64

import numpy as np
import pytest

from striate import images, load
from striate.images import View

INFER = "/v2/models/photos/infer"


def of_files(*files, **more):
    data = [base64.b64encode(file).decode() for file in files]
    given = {"name": "images", "datatype": "BYTES", "shape": [len(files)], "data": data}
    return {"inputs": [given], **more}


def of_pixels(pixels, **more):
    given = {"name": "pixels", "datatype": "UINT8", "shape": list(pixels.shape)}
    return {"inputs": [{**given, "data": pixels.tolist(), **more}]}


def test_health(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/photos/ready").json() == {"name": "photos", "ready": True}
    assert client.get("/v2").json()["name"] == "striate"
    client.app.state.service.ready = False
    assert client.get("/v2/health/ready").status_code == 503
    client.app.state.service.ready = True


def test_metadata(client):
    found = client.get("/v2/models/photos").json()
    assert found["platform"] == "striate"
    assert found["inputs"] == [
        {"name": "images", "datatype": "BYTES", "shape": [-1]},
        {"name": "pixels", "datatype": "UINT8", "shape": [-1, 28, 28, 3]},
    ]
    assert found["outputs"] == [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "known", "datatype": "BOOL", "shape": [-1]},
    ]


def test_files_and_pixels_say_the_same_as_the_library(client, model, jpeg):
    files = [jpeg(k, (90, 70)) for k in range(3)]
    answer = client.post(INFER, json=of_files(*files, id="42"))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["model_name"], body["id"]) == ("photos", "42")
    probabilities, known = body["outputs"]
    assert (probabilities["name"], probabilities["shape"]) == ("probabilities", [3, 3])
    assert (known["datatype"], known["data"]) == ("BOOL", [True] * 3)
    pixels = np.stack([images.render(f, [View(28, fit="squash")])[0] for f in files])
    expected = load(model).predictor.answers(pixels)[0]
    np.testing.assert_allclose(probabilities["data"], expected.ravel(), atol=1e-5)
    for given in (pixels, pixels.reshape(-1)):
        body = of_pixels(pixels)
        body["inputs"][0]["data"] = given.tolist()
        (first, _) = client.post(INFER, json=body).json()["outputs"]
        np.testing.assert_allclose(first["data"], expected.ravel(), atol=1e-5)


def test_the_outputs_asked_for(client, jpeg):
    body = of_files(jpeg(), outputs=[{"name": "known"}])
    assert [each["name"] for each in client.post(INFER, json=body).json()["outputs"]] == ["known"]


def test_an_output_is_given_once_and_one_that_the_model_lacks_is_refused(client, jpeg):
    body = of_files(jpeg(), outputs=[{"name": "known"}] * 32)
    assert len(client.post(INFER, json=body).json()["outputs"]) == 1
    body["outputs"] *= 2
    assert client.post(INFER, json=body).status_code == 400
    answer = client.post(INFER, json=of_files(jpeg(), outputs=[{"name": "<marquee>"}]))
    assert (answer.status_code, answer.json()) == (
        422, {"error": "outputs: the model has probabilities, known"},
    )  # fmt: skip


def test_texts_are_not_padded_to_numbers(client):
    """numpy would make 1,000 texts as long as the longest of them."""
    for data in (["a" * 100_000, *[""] * 2351], [["a" * 28] * 28], [{"a": 1}] * 2352):
        answer = client.post(INFER, json=of_pixels(ZEROS, data=data))
        assert (answer.status_code, answer.json()) == (
            422, {"error": "pixels: shape [N, 28, 28, 3], UINT8"},
        )  # fmt: skip


def test_no_pictures(client):
    (probabilities, known) = client.post(INFER, json=of_files()).json()["outputs"]
    assert (probabilities["shape"], known["data"]) == ([0, 3], [])


ZEROS = np.zeros((1, 28, 28, 3), int)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"inputs": []}, 400),
        ({"inputs": [{"name": "other", "datatype": "BYTES", "shape": [0], "data": []}]}, 400),
        ({"inputs": [{"name": "images", "datatype": "FP32", "shape": [0], "data": []}]}, 400),
        ({"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1], "data": [3]}]}, 400),
        ({"inputs": [{"name": "images", "datatype": "BYTES", "shape": [2], "data": ["a"]}]}, 422),
        (of_files(b"no picture"), 422),
        (of_pixels(np.zeros((1, 27, 28, 3), int)), 422),
        (of_pixels(ZEROS + 256), 422),
        (of_pixels(ZEROS - 1), 422),
        (of_pixels(ZEROS, data=[0.5] * 2352), 422),
        (of_pixels(ZEROS, data=["a"] * 2352), 422),
        (of_pixels(ZEROS, data=[0] * 7), 422),
        (of_pixels(ZEROS, data=[[0], [0, 0]]), 422),
        (of_pixels(ZEROS, data=[10**30] * 2352), 422),
        (of_pixels(ZEROS, shape=[2, 28, 28, 3]), 422),
    ],
)
def test_what_is_no_such_request(client, body, status):
    answer = client.post(INFER, json=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


def test_one_picture_that_cannot_be_read_fails_the_call(client, jpeg):
    answer = client.post(INFER, json=of_files(jpeg(), b"no picture"))
    assert answer.status_code == 422
    assert answer.json() == {"error": "not an image (a text file?)"}
    assert client.get("/metrics").text.count('striate_images_waiting{model="photos"} 0.0') == 1


def test_errors_have_the_form_of_the_protocol(serving, jpeg):
    client = serving(queue=1)
    assert set(client.post("/v2/models/no/infer", json=of_files()).json()) == {"error"}
    answer = client.post(INFER, json=of_files(jpeg(), jpeg()))
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    with client.app.state.service.shelf.borrow("photos") as served:
        (other,) = served.batcher.promise(1)
        answer = client.post(INFER, json=of_files(jpeg()))
        assert (answer.status_code, set(answer.json())) == (429, {"error"})
        assert "retry-after" in answer.headers
        other.cancel()
    answer = client.post("/v2/models/photos/infer/", json=of_files(jpeg()))
    assert (answer.status_code, set(answer.json())) == (404, {"status"})
    answer = client.get("/v2/health/live", headers={"host": "elsewhere"})
    assert answer.status_code == 421


def test_no_time(serving, jpeg):
    assert serving(deadline=-1.0).post(INFER, json=of_files(jpeg())).status_code == 504
