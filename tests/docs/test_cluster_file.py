"""The cluster file of docs/scale.md: valid YAML, whose command this command line takes."""

import shlex
from pathlib import Path

import click
import pytest
import typer

from striate.cli import app

FILE = Path(__file__).parents[2] / "docs" / "ray-job.yaml"
yaml = pytest.importorskip("yaml")


@pytest.fixture
def spec() -> dict:
    return yaml.safe_load(FILE.read_text("utf-8"))


def test_its_command_is_predict_on_the_cluster(spec):
    assert (spec["apiVersion"], spec["kind"]) == ("ray.io/v1", "RayJob")
    program, name, *arguments = shlex.split(spec["spec"]["entrypoint"])
    assert (program, name) == ("striate", "predict")
    command = typer.main.get_command(app).commands[name]
    given = command.make_context(name, arguments, parent=click.Context(command)).params
    assert given["engine"] == "ray"
    assert given["cluster"] == "auto"
    assert str(given["out"]) == "/work/archive.parquet"


def test_every_machine_has_the_same_image_and_folder(spec):
    cluster = spec["spec"]["rayClusterSpec"]
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    specs = [pod["template"]["spec"] for pod in pods]
    containers = [container for one in specs for container in one["containers"]]
    assert len({one["image"] for one in containers}) == 1
    assert {mount["mountPath"] for one in containers for mount in one["volumeMounts"]} == {"/work"}
    for one in specs:
        names = {volume["name"] for volume in one["volumes"]}
        assert {mount["name"] for c in one["containers"] for mount in c["volumeMounts"]} <= names
    for one in containers:  # a worker of striate for each core that Kubernetes gives
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in one["env"]
        assert one["resources"]["requests"] == one["resources"]["limits"]
    group = cluster["workerGroupSpecs"][0]
    cores = group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
    assert group["rayStartParams"]["num-cpus"] == cores
    pinned = (FILE.parents[1] / "constraints.txt").read_text().splitlines()
    assert f"ray=={cluster['rayVersion']}" in pinned
