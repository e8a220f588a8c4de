"""What every visualization needs: layers by name, classes by number, gradients for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from striate.errors import ModelError, UnknownName
from striate.inference import evaluating
from striate.models import cut
from striate.models.recording import recording, run
from striate.models.surgery import named
from striate.models.tracing import Fields

Probabilities = Callable[[Tensor], Tensor]
"""From logits (N, classes) to the probability of each class (N, classes), in their precision."""


def softmax(logits: Tensor) -> Tensor:
    """The probabilities (N, classes) of classes that exclude each other."""
    return logits.softmax(1)


@contextmanager
def differentiating(model: nn.Module) -> Iterator[nn.Module]:
    """Inside the block the model is in evaluation mode and gradients are kept, also in a block
    without.

    Parameters stay as frozen as they are: gradients are those of images.
    """
    with evaluating(model), torch.inference_mode(False), torch.enable_grad():
        yield model


def batch_of(model: nn.Module, image: Tensor) -> Tensor:
    """One image, (C, H, W) or (1, C, H, W), as a batch of its own on the model's device.

    Raises:
        ModelError: if it is anything else, or holds numbers that are not finite.
    """
    if image.ndim == 3:
        image = image[None]
    if image.ndim != 4 or len(image) != 1:
        raise ModelError(f"one image is (C, H, W) or (1, C, H, W), not {tuple(image.shape)}")
    return placed(model, finite(image, "the image"))


def placed(model: nn.Module, images: Tensor) -> Tensor:
    """Images in the model's precision and on its device, detached from whatever made them."""
    like = next((t for t in model.parameters() if t.is_floating_point()), images)
    return images.detach().to(device=like.device, dtype=like.dtype).clone()


def finite(values: Tensor, what: str) -> Tensor:
    """The values; ModelError if one of them is not finite."""
    if not torch.isfinite(values).all():
        raise ModelError(f"{what} holds numbers that are not finite; check weights and input")
    return values


def answer(model: nn.Module, images: Tensor) -> Tensor:
    """Logits (N, classes), checked.

    Raises:
        ModelError: if the model answers in another form, or with numbers that are not finite.
    """
    logits = model(images)
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        form = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(f"{named(model)} gives {form}, not logits (N, classes)")
    return finite(logits, f"the answer of {named(model)}")


def chosen(model: nn.Module, answers: Tensor, target: int | None) -> int:
    """The class that is meant: `target`, or the one with the largest of the first image's answers.

    Args:
        answers: (N, classes) logits or probabilities.

    Raises:
        ModelError: if there is no such class.
    """
    classes = answers.shape[1]
    if target is None:
        return int(answers[0].argmax())
    if not 0 <= target < classes:
        raise ModelError(f"{named(model)} has classes 0 to {classes - 1}, not {target}")
    return int(target)


def survey(model: nn.Module, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and the totals (N, C) of every module's feature maps, in order; of those modules that
    have more than one place. All in one pass.

    Raises:
        ModelError: as `answer`; and if the model has no feature maps.
    """
    totals: dict[str, Tensor] = {}

    def note(name: str) -> Callable[..., None]:
        def record(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                totals.pop(name, None)
                if output[0, 0].numel() > 1:
                    totals[name] = output.detach().double().sum((2, 3))

        return record

    handles = [m.register_forward_hook(note(name)) for name, m in model.named_modules() if name]
    try:
        with evaluating(model):
            logits = answer(model, images)
    finally:
        for handle in handles:
            handle.remove()
    if not totals:
        raise ModelError(f"{named(model)} has no layer with feature maps")
    return logits, totals


def layers_of(model: nn.Module, images: Tensor) -> dict[str, tuple[int, ...]]:
    """Every module that answers these images with feature maps, in order: name to (C, h, w)."""
    found: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Callable[..., None]:
        def record(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                found.pop(name, None)
                found[name] = tuple(output.shape[1:])

        return record

    handles = [m.register_forward_hook(note(name)) for name, m in model.named_modules() if name]
    try:
        with evaluating(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found


def last_maps(model: nn.Module, images: Tensor) -> str:
    """The layer whose maps decide: the last one that still has more than one place.

    Raises:
        ModelError: if the model has no feature maps.
    """
    found = [name for name, shape in layers_of(model, images).items() if shape[1] * shape[2] > 1]
    if not found:
        raise ModelError(f"{named(model)} has no layer with feature maps")
    return found[-1]


def maps_of(model: nn.Module, images: Tensor, layer: str) -> Tensor:
    """Feature maps (N, C, h, w) of a layer; a full connection's numbers come as (N, C, 1, 1).

    Computes no further than that layer. Gradients are kept if they are on.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if it gives no maps, or numbers that are not finite.
    """
    maps = cut(model, layer)(images)
    if not isinstance(maps, Tensor) or maps.ndim not in (2, 4) or len(maps) != len(images):
        raise ModelError(f"{layer} of {named(model)} gives no feature maps (N, C, h, w)")
    return finite(maps if maps.ndim == 4 else maps[:, :, None, None], f"the output of {layer}")


def fields_of_layer(model: nn.Module, shape: tuple[int, ...], layer: str) -> Fields | None:
    """The receptive fields of a layer, down and across, for images (C, H, W); None if they vary.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
    """
    part = cut(model, layer)  # what follows the layer may not take images of this size
    tensor = next((t for t in model.parameters() if t.is_floating_point()), torch.zeros(1))
    images = torch.zeros(1, *shape, dtype=tensor.dtype)
    try:
        with recording(part) as (calls, tracer):
            run(part, images, tracer, "meta")
    except (NotImplementedError, RuntimeError):  # a module that needs values
        with recording(part) as (calls, tracer):
            run(part, images, tracer, tensor.device)
    names = (layer, f"model.{layer}")
    return next((row.field for name, row, _ in reversed(calls) if name in names), None)


def channel_of(maps: Tensor, channel: int, layer: str) -> int:
    """A feature map's number, checked.

    Raises:
        ModelError: if the layer has no such map.
    """
    if not 0 <= channel < maps.shape[1]:
        raise ModelError(f"{layer} has feature maps 0 to {maps.shape[1] - 1}, not {channel}")
    return channel


def class_number(classes: tuple[str, ...] | list[str], name: str) -> int:
    """A class by its name, whatever the case, or by its number.

    Raises:
        UnknownName: if there is none; with the closest names.

    >>> class_number(["cat", "dog"], "Dog"), class_number(["cat", "dog"], "0")
    (1, 0)
    """
    if name in classes:
        return list(classes).index(name)
    folded = [known.casefold() for known in classes]
    if name.casefold() in folded:
        return folded.index(name.casefold())
    if name.isdecimal() and int(name) < len(classes):
        return int(name)
    known = list(classes)
    if len(known) > 20:  # a thousand names do not help
        from difflib import get_close_matches

        near = get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
        known = [known[folded.index(one)] for one in near] or [*known[:8], "..."]
    raise UnknownName("class", name.casefold(), known)
