"""The garbage collector around imports."""

import gc
import sys

import pytest

from striate.cli.importing import importing


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the collector was on, each time that everything was put out of its sight."""
    found: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: found.append(gc.isenabled()))
    return found


def test_the_collector_waits_for_the_first_imports(monkeypatch, frozen):
    monkeypatch.delitem(sys.modules, "torch")
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert frozen == [False]


def test_what_is_there_is_not_imported_again(frozen):
    with importing():
        assert gc.isenabled()
    assert frozen == []


def test_an_import_that_fails_leaves_the_collector_on(monkeypatch, frozen):
    monkeypatch.delitem(sys.modules, "torch")
    with pytest.raises(ImportError):
        with importing():
            raise ImportError("no such module")
    assert gc.isenabled()
    assert frozen == []


def test_who_has_switched_it_off_finds_it_off(monkeypatch, frozen):
    monkeypatch.delitem(sys.modules, "torch")
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
