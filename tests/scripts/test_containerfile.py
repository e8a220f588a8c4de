"""The container file is as it should be, and what is wrong with one is seen."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = (ROOT / "Containerfile").read_text("utf-8")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "containerfile", ROOT / "scripts/containerfile.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ours(script):
    assert script.wrong(script.parsed(GOOD), ROOT) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("python:3.11-slim-bookworm AS", "python:latest AS", "tomorrow"),
        ("python:3.11-slim-bookworm AS", "python AS", "no tag"),
        ("USER 10001", "USER root", "as root"),
        ("USER 10001\n", "", "as root"),
        ("COPY src ./src", "COPY sources ./src", "sources is not there"),
        ("--from=build", "--from=elsewhere", "no stage elsewhere"),
        ('CMD ["photos.safetensors"]', "CMD photos.safetensors", "CMD is not in exec form"),
        ('ENTRYPOINT ["striate"', 'ENTRYPOINT ["striate', "ENTRYPOINT is not in exec form"),
        ("EXPOSE 8000", "EXPOSED 8000", "EXPOSED is not an instruction"),
        ("HEALTHCHECK", "LABEL x=", "HEALTHCHECK is missing"),
    ],
)
def test_what_is_wrong(script, old, new, words):
    assert old in GOOD
    reasons = script.wrong(script.parsed(GOOD.replace(old, new)), ROOT)
    assert words in "\n".join(reasons)


def test_lines_that_go_on(script):
    assert script.parsed("# a\nRUN a \\\n  b\n\nUSER x\n") == [
        (2, "RUN", "a b"), (5, "USER", "x"),
    ]  # fmt: skip


def test_torch_is_the_version_that_is_pinned(script):
    (pinned,) = [
        each
        for each in (ROOT / "constraints.txt").read_text().split()
        if each.startswith("torch==")
    ]
    assert f"-c constraints.txt {pinned}\n" in GOOD


def test_folders_are_moved_as_wholes(script, tmp_path):
    steps = script.Steps(tmp_path, ROOT)
    assert steps.moved("/opt/striate/bin:/usr/local") == f"{tmp_path}/opt/striate/bin:/usr/local"
    assert steps.moved("/opt/striated ./models") == "/opt/striated ./models"
