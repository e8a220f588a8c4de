"""Compiling the loops: where there is a compiler, and where there is none."""

import ctypes
import importlib.util
import shutil
from pathlib import Path

import pytest

from striate import native

PLAIN = "#if !defined(__AVX2__)\n{}\n#endif\n"
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
    yield module
    native._loaded.cache_clear()  # what tests looked for elsewhere


def test_a_file_becomes_a_library_of_all_levels(script, tmp_path) -> None:
    if not shutil.which("cc"):
        pytest.skip("no C compiler here")
    (tmp_path / "sum.c").write_text(
        "#if defined(__AVX512F__)\nint a(void) { return 512; }\n#elif defined(__AVX2__)\n"
        "int b(void) { return 2; }\n#else\nint c(void) { return 0; }\n#endif\n"
    )
    (tmp_path / "libsum-0123.so").touch()  # of an earlier text
    (library,) = script.build_all()
    assert library == script.place_of(tmp_path / "sum.c")
    assert ctypes.CDLL(str(library)).c() == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == [library.name, "sum.c"]


def test_what_was_made_of_another_text_is_not_loaded(script, monkeypatch, tmp_path) -> None:
    """Its functions may take other arguments: they would write where they must not."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler here")
    monkeypatch.setattr(native, "__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "one.c").write_text(PLAIN.replace("{}", "int a(void) { return 1; }"))
    script.build_all()
    native._loaded.cache_clear()
    found = native.library("one")
    assert found is not None
    assert found.a() == 1
    (tmp_path / "one.c").write_text(PLAIN.replace("{}", "int a(int *b) { return *b; }"))
    native._loaded.cache_clear()
    assert native.library("one") is None
    assert native.library("two") is None


def test_what_cannot_be_loaded_is_told(script, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(native, "__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "one.c").touch()
    script.place_of(tmp_path / "one.c").write_bytes(b"of another machine")
    native._loaded.cache_clear()
    with pytest.warns(UserWarning, match=r"striate does without libone-.*\.so: "):
        assert native.library("one") is None


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
    (tmp_path / "sum.c").write_text(PLAIN.replace("{}", "int a(void) { return 1; }"))
    monkeypatch.setenv("STRIATE_NATIVE", "0")
    assert script.build_all() == []
