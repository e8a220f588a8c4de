"""striate serve: what it refuses before it serves anybody, and what it hands on."""

import subprocess
import sys

import pytest

from striate import serving


@pytest.fixture(autouse=True)
def _own_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


def test_other_machines_need_keys(striate, recognizer):
    done = striate("serve", recognizer, "--host", "0.0.0.0")
    assert done.code == 2
    assert "striate keys add NAME" in done.err.splitlines()[-1]
    assert "0.0.0.0" in done.err.splitlines()[-1]


def test_what_is_no_model(striate, tmp_path):
    done = striate("serve", tmp_path / "nothing.safetensors")
    assert done.code == 2
    assert "nothing.safetensors" in done.err


def test_settings_reach_the_service(striate, recognizer, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(serving, "run", seen.append)
    done = striate(
        "serve", recognizer, "--port", 81, "--window", 5, "--batch", 4, "--queue", 9,
        "--deadline", 2, "--allow-links", "--engine", "onnxruntime", "--device", "cpu",
    )  # fmt: skip
    assert done.code == 0
    assert "http://127.0.0.1:81/" in done.err
    (settings,) = seen
    assert settings.models == (str(recognizer),)
    assert (settings.port, settings.window, settings.batch) == (81, 0.005, 4)
    assert (settings.queue, settings.deadline, settings.allow_links) == (9, 2.0, True)
    assert (settings.engine, settings.device) == ("onnxruntime", "cpu")
    assert settings.keys == f"sqlite:///{tmp_path / 'share' / 'striate' / 'keys.db'}"


def test_a_missing_library_is_one_line(striate, recognizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "striate.serving.running", raising=False)
    done = striate("serve", recognizer)
    assert done.code == 2
    assert done.err.splitlines()[-1].endswith("pip install 'striate[serve]'")


def test_nothing_of_it_comes_with_striate():
    heavy = "{'fastapi', 'uvicorn', 'sqlalchemy', 'av', 'pydantic'}"
    code = f"import striate, striate.cli, sys; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
