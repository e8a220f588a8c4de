"""Networks changed after they were built: another head, and soon layers taken out."""

from torch import nn

from striate.errors import ModelError
from striate.models.stages import Stages


def classifier(model: nn.Module) -> tuple[str, nn.Linear]:
    """The last full connection of any network and its dotted name: what gives the logits.

    Raises:
        ModelError: if the network has none.
    """
    prefix, part = "", model
    if isinstance(model, Stages):  # what comes after the last stage is not on the way to the logits
        prefix, part = list(model.stages())[-1]
    found = None
    for name, module in part.named_modules(prefix=prefix):
        if isinstance(module, nn.Linear):
            found = name, module
    if found is None:
        raise ModelError(
            f"{type(model).__name__} has no full connection (nn.Linear) to decide with"
        )
    return found


def replace_head(model: nn.Module, classes: int) -> nn.Module:
    """Puts a fresh classifier with `classes` outputs in the old one's place; returns `model`."""
    if classes < 1:
        raise ModelError(f"a network needs at least one class, not {classes}")
    name, old = classifier(model)
    new = nn.Linear(
        old.in_features,
        classes,
        bias=old.bias is not None,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    replace(model, name, new)
    return model


def replace(model: nn.Module, name: str, new: nn.Module) -> None:
    """Puts `new` where the module with the dotted `name` was."""
    parent, _, child = name.rpartition(".")
    model.get_submodule(parent)._modules[child] = new
