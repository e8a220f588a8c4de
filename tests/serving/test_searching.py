"""The call /search: the same gates, keys and limits as other calls, and the index as it is now."""

import time
import warnings

import hypothesis
import pytest

from striate.errors import DataError
from striate.retrieval import Ask, build, remove
from striate.serving import Limits, Settings, create_app, open_keys


@pytest.fixture
def photos(tmp_path, jpeg):
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    return folder


@pytest.fixture
def index(photos, model, tmp_path):
    path = tmp_path / "album.index"
    build([str(photos)], path, Ask(str(model), whiten=None))
    return path


def parts(*files):
    return [("file", (f"{number}.jpg", data)) for number, data in enumerate(files)]


def test_a_picture_finds_itself(serving, index, photos, jpeg):
    client = serving(index=str(index))
    answer = client.post("/search", files=parts(jpeg(3), jpeg(5)), params={"top": 2})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["index"], body["pictures"]) == ("album", 6)
    first, second = body["outputs"]
    assert [first["found"][0]["name"], second["found"][0]["name"]] == ["3.jpg", "5.jpg"]
    assert first["found"][0]["score"] == pytest.approx(1, abs=1e-3)
    assert len(second["found"]) == 2
    assert str(photos) not in answer.text
    expanded = client.post("/search", files=parts(jpeg(3)), params={"expand": 2})
    assert expanded.json()["outputs"][0]["found"][0]["score"] < 1
    assert (
        'striate_images_total{model="album",outcome="answered"} 3.0' in client.get("/metrics").text
    )


def test_what_cannot_be_read_is_told_beside_the_others(serving, index, jpeg):
    client = serving(index=str(index))
    mixed = client.post("/search", files=parts(b"no picture", jpeg(1)))
    assert mixed.status_code == 207
    assert mixed.json()["outputs"][0]["status"]["code"] == 30101
    assert mixed.json()["outputs"][0]["found"] == []
    assert mixed.json()["outputs"][1]["found"][0]["name"] == "1.jpg"
    assert client.post("/search", files=parts(b"no picture")).status_code == 422


def test_the_gates_are_those_of_other_calls(serving, index, jpeg):
    client = serving(index=str(index), queue=2, limits=Limits(pixels=2500))
    answer = client.post("/search", files=parts(jpeg(1, (60, 50))))  # 3,000
    assert answer.json()["outputs"][0]["status"]["code"] == 30105
    assert client.post("/search", files=parts(*3 * [jpeg(1)])).status_code == 400
    assert client.post("/search", files=parts(jpeg(1)), params={"top": 0}).status_code == 400
    assert client.post("/search", json={}).status_code == 415
    assert client.get("/search").status_code == 405
    other = {"origin": "https://example.org"}
    assert client.post("/search", files=parts(jpeg(1)), headers=other).status_code == 403


def test_it_needs_a_key_where_others_do(serving, index, jpeg, tmp_path):
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    keys = open_keys(url)
    key = keys.add("app")
    client = serving(index=str(index), keys=url)
    assert client.post("/search", files=parts(jpeg(1))).status_code == 401
    headers = {"authorization": f"Key {key}"}
    assert client.post("/search", files=parts(jpeg(1)), headers=headers).status_code == 200
    keys.close()


def test_without_an_index_there_is_no_such_call(client, jpeg):
    assert client.post("/search", files=parts(jpeg(1))).status_code == 404


def test_it_follows_the_index(serving, index, photos, jpeg):
    client = serving(index=str(index), poll=0.02)

    def first(data):
        return client.post("/search", files=parts(data)).json()["outputs"][0]["found"][0]["name"]

    (photos / "9.jpg").write_bytes(jpeg(9))
    build([str(photos)], index)
    remove(index, ["3.jpg"])
    end = time.monotonic() + 10
    while first(jpeg(9)) != "9.jpg" or first(jpeg(3)) == "3.jpg":
        assert time.monotonic() < end
        time.sleep(0.02)
    (index / "index.json").write_text("{}")
    time.sleep(0.1)
    assert first(jpeg(9)) == "9.jpg"  # what was loaded goes on


def test_a_folder_that_is_no_index_is_refused(model, tmp_path):
    with pytest.raises(DataError, match="is not an index"):
        create_app(Settings((str(model),), index=str(tmp_path)))


def test_the_document_has_it(serving, index):
    schemathesis = pytest.importorskip("schemathesis")
    checks = pytest.importorskip("schemathesis.specs.openapi.checks")
    client = serving(index=str(index))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that schemathesis calls
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operation = schema["/search"]["POST"]

    @hypothesis.settings(
        max_examples=6, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy())
    def run(case):
        response = case.call(app=client.app, base_url="http://localhost")
        noise = response.status_code == 422  # well-formed, but no picture
        case.validate_response(
            response, excluded_checks=[checks.positive_data_acceptance] if noise else []
        )

    run()
