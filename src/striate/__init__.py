"""Point it at your data: it compares methods to learn from it, and says which to take.

>>> import striate
>>> striate.create("lenet5", classes=10).name
'lenet5'

Every part is imported when it is first used, so that `import striate` costs next to nothing: not
even `typing` is.
"""

from striate.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from striate import (
        augment,
        checking,
        comparing,
        data,
        errors,
        evaluation,
        exporting,
        handcrafted,
        images,
        inference,
        layers,
        models,
        ops,
        progress,
        recognizer,
        recognizing,
        tasks,
        training,
        visualize,
    )
    from striate.comparing import compare, learn
    from striate.models import create
    from striate.recognizer import Recognizer, load
    from striate.tasks.opening import open
    from striate.training import fit, recipes

_PLACES = {  # public name: the module that has it, or that it is
    "augment": "striate.augment",
    "checking": "striate.checking",
    "comparing": "striate.comparing",
    "data": "striate.data",
    "errors": "striate.errors",
    "evaluation": "striate.evaluation",
    "exporting": "striate.exporting",
    "handcrafted": "striate.handcrafted",
    "images": "striate.images",
    "inference": "striate.inference",
    "layers": "striate.layers",
    "models": "striate.models",
    "ops": "striate.ops",
    "progress": "striate.progress",
    "recognizer": "striate.recognizer",
    "recognizing": "striate.recognizing",
    "tasks": "striate.tasks",
    "training": "striate.training",
    "visualize": "striate.visualize",
    "recipes": "striate.training.recipes",
    "Recognizer": "striate.recognizer",
    "compare": "striate.comparing",
    "create": "striate.models",
    "fit": "striate.training",
    "learn": "striate.comparing",
    "load": "striate.recognizer",
    "open": "striate.tasks.opening",
}

__all__ = [
    "Recognizer",
    "__version__",
    "augment",
    "checking",
    "compare",
    "comparing",
    "create",
    "data",
    "errors",
    "evaluation",
    "exporting",
    "fit",
    "handcrafted",
    "images",
    "inference",
    "layers",
    "learn",
    "load",
    "models",
    "open",
    "ops",
    "progress",
    "recipes",
    "recognizer",
    "recognizing",
    "tasks",
    "training",
    "visualize",
]


def __getattr__(name: str) -> "Any":
    """Imports a part when it is first asked for (PEP 562)."""
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    place = _PLACES[name]
    module = import_module(place)
    found = module if place.rpartition(".")[2] == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
