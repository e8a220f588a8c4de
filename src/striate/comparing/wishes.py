"""What a person asks of methods, before any of them learns."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from striate.errors import DataError, UnknownName, UserError
from striate.files import by_content
from striate.plain import plain
from striate.tasks.contract import PUBLISHED, Ask, Method, Plan, Task
from striate.training import Recipe, recipes
from striate.training.settings import changed, keys, path_of


@dataclass(frozen=True)
class Wishes:
    """The same for every method; where None, each method decides from the data.

    Attributes:
        network: a name of `striate.models`.
        weights: that it starts with: PUBLISHED, a name or a file; None: random ones.
        recipe: how it learns, or the name of one in `striate.recipes`.
        epochs: instead of the recipe's.
        seconds: that each method may take to learn.
        settings: each "key=value", instead of the recipe's.
        own: options of the task's own (`Task.options["train"]`), by name.
    """

    network: str | None = None
    weights: str | Path | None = PUBLISHED
    recipe: Recipe | str | None = None
    epochs: int | None = None
    seconds: float | None = None
    settings: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, task: Task, name: str, seed: int) -> Plan:
        """A method with all of these wishes, ready to learn.

        Raises:
            UserError: if it does not have what is asked; it names the option.
        """
        method = task.method(name)
        own = tuple(setting for setting in self.settings if is_choice(method, setting))
        ask = Ask(
            self.network, self.weights, recipe_of(self.recipe), self.epochs, self.seconds,
            seed=seed, settings=tuple(one for one in self.settings if one not in own),
            own=task.own_options("train", self.own),
            choices=changed(method.choices, own, kind=name, named={}),
        )  # fmt: skip
        known = settings_of(task, method)
        for setting in self.settings:
            if known and is_nothing(method, setting):
                inner = [path[-1] for path in keys(recipes.SCRATCH) if path[0] in known]
                key = setting.partition("=")[0].strip()
                raise UnknownName(
                    f"setting of {name}", key, dict.fromkeys(inner + known), full=True
                )
            if known and not takes(task, method, setting):
                raise UserError(
                    f"--set {setting}: {name} has no such setting; it has {', '.join(known)}"
                )
        method.ready(name, ask)
        ask.adjusted(ask.recipe or recipes.SCRATCH)  # every recipe has the same settings
        return Plan(name, method, ask)

    def plans(self, task: Task, names: Sequence[str], seed: int) -> tuple[Plan, ...]:
        """Several methods, each with the wishes that apply to it, ready to learn.

        A network and weights apply to methods that learn on a network; a recipe, epochs and a time
        limit to methods that learn by steps, each setting to those that have it; the others learn
        as they are.

        Raises:
            DataError: if no method is named.
            UserError: if a wish applies to none of them, or one cannot have what is asked.
        """
        if not names:
            raise DataError("a comparison needs at least one method")
        methods = {name: task.method(name) for name in dict.fromkeys(names)}
        for option, value, applies in self._options():
            if value is not None and not any(applies(method) for method in methods.values()):
                raise UserError(f"{option}: none of {', '.join(methods)} takes it; leave it out")
        for setting in self.settings:
            if not any(takes(task, method, setting) for method in methods.values()):
                known = [one for method in methods.values() for one in settings_of(task, method)]
                has = f"they have {', '.join(dict.fromkeys(known))}" if known else "leave it out"
                raise UserError(f"--set {setting}: none of {', '.join(methods)} has it; {has}")
        return tuple(
            self._for(task, method).plan(task, name, seed) for name, method in methods.items()
        )

    def _options(self) -> Sequence[tuple[str, Any, Any]]:
        weights = None if self.weights == PUBLISHED else str(self.weights or "none")
        return (
            (f"--network {self.network}", self.network, on_network),
            (f"--weights {weights}", weights, starts_from_weights),
            ("--recipe", self.recipe, by_steps),
            ("--epochs", self.epochs, by_steps),
            ("--time-limit", self.seconds, by_steps),
        )

    def _for(self, task: Task, method: Method) -> "Wishes":
        """Those that apply to a method."""
        steps = (self.recipe, self.epochs, self.seconds)
        return Wishes(
            self.network if on_network(method) else None,
            self.weights if starts_from_weights(method) else PUBLISHED,
            *(steps if by_steps(method) else (None, None, None)),
            settings=tuple(one for one in self.settings if takes(task, method, one)),
            own=self.own,
        )


def on_network(method: Method) -> bool:
    """Whether it learns on a network that can be chosen."""
    return bool(method.networks)


def starts_from_weights(method: Method) -> bool:
    """Whether the network starts from weights that can be chosen."""
    return on_network(method) and method.approach != "scratch"


def by_steps(method: Method) -> bool:
    """Whether it learns by gradient steps."""
    return method.by_epochs


def settings_of(task: Task, method: Method) -> list[str]:
    """The settings that change how a method learns: fields of a recipe, and its own."""
    own = [] if method.choices is None else [path[0] for path in keys(method.choices)]
    if not method.by_epochs:
        return sorted(method.settings) + own
    names = [path[0] for path in keys(recipes.SCRATCH)]
    left = [name for name in names if name not in task.ignores | method.ignores]
    return list(dict.fromkeys(left + own))


def is_choice(method: Method, setting: str) -> bool:
    """Whether "key=value" is of the method's own choices."""
    key = setting.partition("=")[0].strip()
    return method.choices is not None and path_of(method.choices, key) is not None


def is_nothing(method: Method, setting: str) -> bool:
    """Whether "key=value" is neither in a recipe nor a choice of a method that has some."""
    key, sign, _ = setting.partition("=")
    absent = path_of(recipes.SCRATCH, key.strip()) is None and not is_choice(method, setting)
    return bool(sign) and method.choices is not None and absent


def takes(task: Task, method: Method, setting: str) -> bool:
    """Whether "key=value" is of such a field or of what is in it; true of a key that is in no
    recipe where recipes are taken, for those are named when they are looked for."""
    if is_choice(method, setting):
        return True
    path = path_of(recipes.SCRATCH, setting.partition("=")[0].strip())
    if path is None:
        others = any(is_choice(other, setting) for other in task.methods.values())
        return not others and (method.by_epochs or bool(method.settings))
    return path[0] in settings_of(task, method)


def recipe_of(recipe: Recipe | str | None) -> Recipe | None:
    """The recipe, or the one of that name, upper or lower case.

    Raises:
        UnknownName: with the closest names.
    """
    return recipes.recipe_named(recipe.lower()) if isinstance(recipe, str) else recipe


def asked(ask: Ask) -> dict[str, Any]:
    """What was asked, as plain JSON values: the same for the same wishes, wherever files lie."""
    values: dict[str, Any] = plain(
        {
            "network": ask.network,
            "weights": by_content(ask.weights),
            "recipe": ask.recipe.to_json() if ask.recipe else None,
            "epochs": ask.epochs,
            "settings": list(ask.settings),
            **({} if ask.choices is None else {"choices": asdict(ask.choices)}),
            "time limit": ask.seconds,
            "seed": ask.seed,
            **{
                name: by_content(one) if isinstance(one, Path) else one
                for name, one in ask.own.items()
            },
        }
    )
    return values
