"""Compiling the loops: where there is a compiler, and where there is none."""

import ctypes
import importlib.util
import shutil
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/build_native.py"


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, whose folder of sources is one of our own."""
    spec = importlib.util.spec_from_file_location("build_native", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    for name in ("STRIATE_NATIVE", "CC"):
        monkeypatch.delenv(name, raising=False)
    return module


def test_a_file_becomes_a_library_of_all_levels(script, tmp_path) -> None:
    if not shutil.which("cc"):
        pytest.skip("no C compiler here")
    (tmp_path / "sum.c").write_text(
        "#if defined(__AVX512F__)\nint a(void) { return 512; }\n#elif defined(__AVX2__)\n"
        "int b(void) { return 2; }\n#else\nint c(void) { return 0; }\n#endif\n"
    )
    (library,) = script.build_all()
    assert library == tmp_path / "libsum.so"
    assert ctypes.CDLL(str(library)).c() == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["libsum.so", "sum.c"]


def test_without_a_compiler_it_says_so(script, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    assert script.build_all() == []
    assert "without its compiled loops: there is no C compiler" in capsys.readouterr().err
    monkeypatch.setenv("STRIATE_NATIVE", "1")
    with pytest.raises(SystemExit, match="there is no C compiler"):
        script.build_all()


def test_what_the_compiler_says_is_passed_on(script, tmp_path, capsys) -> None:
    if not shutil.which("cc"):
        pytest.skip("no C compiler here")
    (tmp_path / "wrong.c").write_text("int a(void) { return nowhere; }\n")
    assert script.build_all() == []
    assert "nowhere" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["wrong.c"]


def test_it_can_be_left_out(script, monkeypatch, tmp_path) -> None:
    (tmp_path / "sum.c").write_text("int a(void) { return 1; }\n")
    monkeypatch.setenv("STRIATE_NATIVE", "0")
    assert script.build_all() == []
