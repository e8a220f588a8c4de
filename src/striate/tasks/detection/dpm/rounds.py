"""What learning deformable part models has done so far, in one small file of its run: weights, and
where the negatives lie. Their features are computed from the images again."""

from collections.abc import Sequence
from pathlib import Path

from striate.handcrafted.deformable import Component
from striate.handcrafted.deformable_learning import Scene, State
from striate.handcrafted.deformable_solving import Examples
from striate.tasks.detection.dpm.predictor import components_of, stored, values_of
from striate.tasks.detection.keeping import of_run
from striate.tensors import save_tensors

NAME = "rounds.safetensors"


def keep(folder: Path, identity: str, state: State, seconds: float) -> None:
    """Writes what is done, whole or not at all.

    Args:
        identity: of the run: what it learns from, and how.
        seconds: that it took.
    """
    tensors = stored(state.models, "models.")
    for number, stage in enumerate(state.stages):
        tensors |= stored(stage, f"stages.{number}.")
    for number, (model, examples) in enumerate(zip(state.models, state.examples, strict=True)):
        tensors[f"negatives.{number}"] = examples.table(model)
    header = {
        "identity": identity,
        "seconds": seconds,
        "done": state.done,
        "models": values_of(state.models),
        "stages": [values_of(stage) for stage in state.stages],
    }
    save_tensors(folder / NAME, tensors, header)


def kept(
    folder: Path, identity: str, components: Sequence[Component], scenes: Sequence[Scene]
) -> tuple[State, float] | None:
    """What a run of that identity has made of these components on these scenes, and the seconds it
    took; None where the folder holds nothing of it, or a file that is damaged."""
    file = of_run(folder / NAME, identity)
    if file is None:
        return None
    tensors = {name: tensor.clone() for name, tensor in file[0].items()}  # not of the file
    header = file[1]
    try:
        stages = [
            laid_out(components_of(described, tensors, f"stages.{number}."))
            for number, described in enumerate(header["stages"])
        ]
        models = laid_out(components_of(header["models"], tensors, "models."))
        if not all(alike(some, components) for some in (*stages, models or components)):
            return None
        pictures = [scene.pyramid for scene in scenes]
        examples = [
            Examples.told(model, tensors[f"negatives.{number}"], pictures)
            for number, model in enumerate(models)
        ]
        state = State(tuple(stages), tuple(models), tuple(examples), int(header["done"]))
        return state, float(header["seconds"])
    except (ValueError, LookupError, TypeError, RuntimeError):
        return None  # learning begins anew


def alike(some: Sequence[Component], components: Sequence[Component]) -> bool:
    """Whether they could have been learned from those."""
    first, second = (
        [(one.kind, one.sides, one.shape) for one in each] for each in (some, components)
    )
    return first == second


def laid_out(components: Sequence[Component]) -> list[Component]:
    """The components with all weights side by side in memory, as the machine leaves them: sums may
    round differently where numbers lie differently."""
    return [one.but(one.weights) for one in components]
