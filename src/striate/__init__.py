"""Point it at a folder of images: it compares four ways to recognize them, and says which to take.

>>> import striate
>>> striate.create("lenet5", classes=10).name
'lenet5'

Every part is imported when it is first used, so that `import striate` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from striate.version import __version__

if TYPE_CHECKING:
    from striate import (
        approaches,
        augment,
        checking,
        data,
        errors,
        evaluation,
        exporting,
        handcrafted,
        images,
        layers,
        models,
        ops,
        progress,
        recognizer,
        tasks,
        training,
        visualize,
    )
    from striate.approaches.compare import compare
    from striate.models import create
    from striate.recognizer import Recognizer, load
    from striate.training import recipes
    from striate.training.fit import fit

_PLACES = {  # public name: the module that has it, or that it is
    "approaches": "striate.approaches",
    "augment": "striate.augment",
    "checking": "striate.checking",
    "data": "striate.data",
    "errors": "striate.errors",
    "evaluation": "striate.evaluation",
    "exporting": "striate.exporting",
    "handcrafted": "striate.handcrafted",
    "images": "striate.images",
    "layers": "striate.layers",
    "models": "striate.models",
    "ops": "striate.ops",
    "progress": "striate.progress",
    "recognizer": "striate.recognizer",
    "tasks": "striate.tasks",
    "training": "striate.training",
    "visualize": "striate.visualize",
    "recipes": "striate.training.recipes",
    "compare": "striate.approaches",
    "create": "striate.models",
    "fit": "striate.training",
    "load": "striate.recognizer",
    "Recognizer": "striate.recognizer",
}

__all__ = [
    "Recognizer",
    "__version__",
    "approaches",
    "augment",
    "checking",
    "compare",
    "create",
    "data",
    "errors",
    "evaluation",
    "exporting",
    "fit",
    "handcrafted",
    "images",
    "layers",
    "load",
    "models",
    "ops",
    "progress",
    "recipes",
    "recognizer",
    "tasks",
    "training",
    "visualize",
]


def __getattr__(name: str) -> Any:
    """Imports a part when it is first asked for (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    place = _PLACES[name]
    module = import_module(place)
    found = module if place.rpartition(".")[2] == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
