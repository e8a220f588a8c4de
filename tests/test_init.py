"""The front door: every public name is found, and nothing heavy is imported before it is needed."""

import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

import striate
from striate import _PLACES

HEAVY = ("torch", "numpy", "sklearn", "matplotlib", "PIL", "pooch", "scipy", "jinja2", "typer")


def test_importing_striate_imports_nothing_heavy():
    code = f"import sys, striate; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_building_a_network_imports_no_machine_learning_beside_torch():
    names = ("sklearn", "matplotlib", "pooch", "scipy", "jinja2", "typer")
    code = (
        "import sys, striate; striate.create('lenet5'); "
        f"print(*(name for name in {names} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", sorted(_PLACES))
def test_every_public_name_is_what_its_module_has(name):
    found = getattr(striate, name)
    module = import_module(_PLACES[name])
    assert found is (module if isinstance(found, ModuleType) else getattr(module, name))


def test_what_is_listed_is_what_can_be_had():
    assert {*_PLACES, "__version__"} == set(striate.__all__)
    assert set(striate.__all__) <= set(dir(striate))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'striate' has no attribute 'train_everything'"):
        _ = striate.train_everything
