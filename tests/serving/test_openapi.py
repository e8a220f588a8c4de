"""The OpenAPI document: schemathesis finds no call that is answered otherwise than it says."""

import warnings

import hypothesis
import pytest

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

OPERATIONS = (
    "GET /v2", "GET /v2/health/live", "GET /v2/health/ready", "GET /v2/models",
    "GET /v2/models/{name}", "GET /v2/models/{name}/ready", "GET /v2/models/{name}/names",
    "POST /v2/models/{name}/upload", "POST /v2/models/{name}/outputs",
    "POST /v2/models/{name}/infer", "POST /v2/models/{name}/explain", "GET /metrics",
)  # fmt: skip


@pytest.fixture
def schema(client, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that schemathesis calls
        yield schemathesis.openapi.from_dict(client.get("/openapi.json").json())


def test_every_call_is_documented(client):
    paths = client.get("/openapi.json").json()["paths"]
    found = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert sorted(found) == sorted(OPERATIONS)


def test_bodies_have_examples_that_are_answered(client):
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/v2/models/{name}/outputs", "/v2/models/{name}/infer"):
        body = paths[path]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.post(path.format(name="photos"), json=body).status_code == 200, path


CASES = [
    (label, mode)
    for label in OPERATIONS
    for mode in ("positive", "negative")
    if mode == "positive" or "{name}" in label  # the others have nothing that could be wrong
]


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_nothing_is_answered_otherwise(client, schema, label, mode):
    method, path = label.split()
    operation = schema[path][method]
    modes = schemathesis.GenerationMode
    strategy = operation.as_strategy(generation_mode=modes(mode))

    @hypothesis.settings(
        max_examples=12, suppress_health_check=list(hypothesis.HealthCheck), phases=[
            hypothesis.Phase.explicit, hypothesis.Phase.generate,
        ],
    )  # fmt: skip
    @hypothesis.given(case=strategy)
    def run(case):
        if "name" in case.path_parameters and mode == "positive":
            case.path_parameters["name"] = "photos"
        response = case.call(app=client.app, base_url="http://localhost")
        unreadable = response.status_code == 422  # well-formed, but no picture: noise never is one
        excluded = [checks.positive_data_acceptance] if unreadable else []
        case.validate_response(response, excluded_checks=excluded)

    run()
