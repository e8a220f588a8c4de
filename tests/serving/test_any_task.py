"""A task that the library does not have is served without a word of it in the service."""

import base64

import pytest

BOX = {"top_row": 0.2, "left_col": 0.1, "bottom_row": 0.5, "right_col": 0.4}


def test_regions_in_clarifais_form(serving, spots, jpeg):
    answer = serving(spots).upload(jpeg(), jpeg(1, (300, 20)), model="spots")
    assert answer.status_code == 200
    for output in answer.json()["outputs"]:
        first, second = output["data"]["regions"]
        assert first["region_info"]["bounding_box"] == pytest.approx(BOX)
        (concept,) = first["data"]["concepts"]
        assert (concept["id"], concept["name"], concept["app_id"]) == (
            "bright",
            "bright",
            "striate",
        )
        assert concept["value"] == pytest.approx(0.9)
        assert second["data"]["concepts"][0]["id"] == "dim"
        assert output["data"].keys() == {"regions"}


def test_what_a_caller_wants_reaches_the_task(serving, spots, jpeg):
    spots.with_name("spots.names.de.txt").write_text("schwach\nhell\n")
    client = serving(spots)

    def names(**query):
        (output,) = client.upload(jpeg(), model="spots", **query).json()["outputs"]
        return [each["data"]["concepts"][0]["name"] for each in output["data"]["regions"]]

    assert names() == ["bright", "dim"]
    assert names(max_concepts=1) == ["bright"]
    assert names(min_value=0.7) == ["bright"]
    assert names(language="de") == ["hell", "schwach"]
    data = base64.b64encode(jpeg()).decode()
    config = {"select_concepts": [{"name": "schwach"}], "language": "de"}
    body = {
        "inputs": [{"data": {"image": {"base64": data}}}],
        "model": {"output_info": {"output_config": config}},
    }
    (output,) = client.post("/v2/models/spots/outputs", json=body).json()["outputs"]
    (region,) = output["data"]["regions"]
    assert region["data"]["concepts"][0]["name"] == "schwach"


def test_the_list_of_models(serving, spots, model):
    first, second = serving(model, spots).get("/v2/models").json()["models"]
    assert (second["name"], second["task"], second["size"]) == (
        "spots",
        "where the spots are",
        None,
    )
    assert (second["classes"], second["explains"], second["none_of_these"]) == (
        ["dim", "bright"], False, False,
    )  # fmt: skip
    assert first["task"] != second["task"]


def test_outputs_as_tensors(serving, spots, jpeg):
    client = serving(spots)
    about = client.get("/v2/models/spots").json()
    assert [each["name"] for each in about["inputs"]] == ["images"]
    assert about["outputs"] == [
        {"name": "boxes", "datatype": "FP32", "shape": [-1, -1, 4]},
        {"name": "scores", "datatype": "FP32", "shape": [-1, -1]},
    ]
    data = [base64.b64encode(jpeg(k)).decode() for k in range(3)]
    given = {"name": "images", "datatype": "BYTES", "shape": [3], "data": data}
    body = {"inputs": [given], "outputs": [{"name": "scores"}]}
    (scores,) = client.post("/v2/models/spots/infer", json=body).json()["outputs"]
    assert scores["shape"] == [3, 2]
    assert scores["data"] == pytest.approx([0.9, 0.6] * 3)
    pixels = {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [0, 0, 0]}
    answer = client.post("/v2/models/spots/infer", json={"inputs": [pixels]})
    assert (answer.status_code, answer.json()) == (422, {"error": "this model takes images"})


def test_what_it_cannot_do_is_refused(serving, spots, jpeg):
    answer = serving(spots).post("/v2/models/spots/explain", files={"file": ("a.jpg", jpeg())})
    assert answer.status_code == 400
    assert answer.json()["status"]["details"] == "this model has no heat maps"


def test_a_number_that_json_does_not_have_is_not_sent(serving, spots, jpeg, monkeypatch):
    client = serving(spots)
    with client.app.state.service.shelf.borrow("spots") as served:
        served.predictor.scores[0] = float("nan")
    (output,) = client.upload(jpeg(), model="spots").json()["outputs"]
    assert (output["status"]["code"], output["data"]) == (98004, {})
    data = {"name": "images", "datatype": "BYTES", "shape": [1],
            "data": [base64.b64encode(jpeg()).decode()]}  # fmt: skip
    answer = client.post("/v2/models/spots/infer", json={"inputs": [data]})
    assert (answer.status_code, answer.json()) == (
        500, {"error": "the model's answer is not finite"},
    )  # fmt: skip
