"""Deep belief nets (Hinton, Osindero & Teh 2006, Neural Computation 18:1527).

Boltzmann machines one above the other, each learned from what the one below makes of the data. Then
only the topmost is one still: below it, weights that recognize lead up, and weights that generate
lead down. With the labels joined to what the topmost sees, its free energy classifies, and with a
label held it dreams of that class. The same weights begin a network that back-propagation goes on
with (Hinton & Salakhutdinov 2006, Science 313:504).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.rbm import RBM, drawn, known
from striate.models.stages import Stages

HIDDEN = (500, 500, 2000)  # units of the paper's three layers


class Directed(nn.Module):
    """A layer below the topmost machine: visible (N, V) up to hidden (N, H) logistic units by some
    weights, and down again by others."""

    def __init__(self, visible: int, hidden: int, *, gaussian: bool = False):
        super().__init__()
        self.gaussian = gaussian
        self.up_weight = nn.Parameter(torch.empty(hidden, visible))
        self.up_bias = nn.Parameter(torch.empty(hidden))
        self.down_weight = nn.Parameter(torch.empty(hidden, visible))
        self.down_bias = nn.Parameter(torch.empty(visible))

    @classmethod
    def of(cls, machine: RBM) -> "Directed":
        """With the weights of a machine both ways."""
        hidden, visible = machine.weight.shape
        layer = cls(visible, hidden, gaussian=machine.gaussian)
        with torch.no_grad():
            layer.up_weight.copy_(machine.weight)
            layer.down_weight.copy_(machine.weight)
            layer.up_bias.copy_(machine.hidden_bias)
            layer.down_bias.copy_(machine.visible_bias)
        return layer

    def up(self, visible: Tensor) -> Tensor:
        """(N, H) probabilities."""
        return F.linear(visible, self.up_weight, self.up_bias).sigmoid()

    def down(self, hidden: Tensor) -> Tensor:
        """(N, V) means."""
        found = F.linear(hidden, self.down_weight.T, self.down_bias)
        return found if self.gaussian else found.sigmoid()


class DBN(nn.Module):
    """Images (N, C, S, S) to logits (N, classes): minus the free energy of the topmost machine with
    each label, whose softmax is the probability of the labels there.

    Args:
        shape: of an image: channels, height, width.
        hidden: units of each layer.
        labels: how many are joined to what the topmost machine sees; 0: none, and nothing is
            classified.
        gaussian: whether pixels are real numbers of variance 1, or probabilities.
        steps: of Gibbs sampling in the topmost machine, for an update.
        chains: of that machine that go on from one update to the next.
    """

    def __init__(
        self, shape: tuple[int, int, int], hidden: Sequence[int] = HIDDEN, *, labels: int = 0,
        gaussian: bool = False, steps: int = 1, chains: int = 0,
    ):  # fmt: skip
        super().__init__()
        channels, height, width = self.shape = shape
        widths = [channels * height * width, *hidden]
        pairs = list(pairwise(widths))
        self.lower = nn.ModuleList(
            Directed(*pair, gaussian=gaussian and not place)
            for place, pair in enumerate(pairs[:-1])
        )
        self.top = RBM(
            pairs[-1][0] + labels, pairs[-1][1], gaussian=gaussian and len(pairs) == 1,
            labels=labels, steps=steps, chains=chains,
        )  # fmt: skip

    @classmethod
    def of(cls, machines: Sequence[RBM], shape: tuple[int, int, int]) -> "DBN":
        """Of machines that were learned one above the other, the topmost last."""
        top = machines[-1]
        found = cls(
            shape, [len(machine.hidden_bias) for machine in machines], labels=top.labels,
            gaussian=machines[0].gaussian, steps=top.steps, chains=len(top.chains),
        )  # fmt: skip
        found.lower = nn.ModuleList(Directed.of(machine) for machine in machines[:-1])
        found.top = top
        return found

    def layers(self) -> list[Directed]:
        """Those below the topmost machine, from below."""
        return [layer for layer in self.lower if isinstance(layer, Directed)]

    def raised(self, images: Tensor) -> Tensor:
        """(N, D) what the topmost machine sees of images, without labels: probabilities."""
        found = images.flatten(1)
        for layer in self.layers():
            found = layer.up(found)
        return found

    def forward(self, images: Tensor) -> Tensor:
        return self.agreement(self.raised(images))

    def agreement(self, raised: Tensor) -> Tensor:
        """(N, classes) minus the free energy of the topmost machine with each label, but for what
        is the same for all.

        Raises:
            ModelError: if no labels are joined.
        """
        top, count = self.top, self.top.labels
        if not count:
            raise ModelError("no labels are joined to this belief net: it does not classify")
        weight, labels = top.weight[:, :-count], top.weight[:, -count:]
        excited = F.linear(raised, weight, top.hidden_bias)  # (N, H)
        each = [F.softplus(excited + labels[:, k]).sum(1) for k in range(count)]
        return torch.stack(each, 1) + top.visible_bias[-count:]

    def lowered(self, raised: Tensor) -> Tensor:
        """(N, C, S, S) means of the pixels, drawn layer by layer below states (N, D) that the
        topmost machine sees, without labels."""
        with torch.no_grad():
            found = raised
            for place, layer in reversed(list(enumerate(self.layers()))):
                found = layer.down(found)
                if place:
                    found = drawn(found)
        return found.unflatten(1, self.shape)

    def sample(self, count: int, *, steps: int = 1000, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S): states of the topmost machine after so many steps of Gibbs sampling,
        and then down.

        Args:
            labels: (N,) class numbers that are held.
        """
        top = self.top
        begun = torch.full((count, top.weight.shape[1]), 0.5).to(top.weight)
        held = None if labels is None else F.one_hot(labels, top.labels).to(top.weight)
        with torch.no_grad():
            visible = top.visible_states(begun)
            if held is not None:
                visible = torch.cat([visible[:, : -top.labels], held], 1)
            visible = top.gibbs(visible, steps, labels=held)
            if not self.lower:  # what is shown are means and no states
                visible = top.dreamed(top(visible))
        return self.lowered(visible[:, : visible.shape[1] - top.labels])

    def states(self, images: Tensor, targets: Tensor) -> "States":
        """One step of the contrastive form of wake-sleep, up to its updates (Appendix B).

        Args:
            targets: (N,) class numbers; without labels, of no matter.
        """
        top, layers = self.top, self.layers()
        with torch.no_grad():
            awake = [images.flatten(1)]
            for layer in layers:
                awake.append(drawn(layer.up(awake[-1])))
            seen = awake[-1]
            if top.labels:
                seen = torch.cat([seen, F.one_hot(targets, top.labels).to(seen)], 1)
            other = top.gibbs(top.chains if len(top.chains) else seen, top.steps)
            if len(top.chains):
                top.chains.copy_(other)
            asleep = [other[:, : other.shape[1] - top.labels]]
            for place, layer in reversed(list(enumerate(layers))):
                mean = layer.down(asleep[0])
                asleep.insert(0, drawn(mean) if place else mean)
        return States(awake, seen, other, asleep)

    def losses(self, images: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """One step of the contrastive form of wake-sleep (Appendix B), as a number whose gradient
        is the update: the squared error, a case, of pixels that are generated from the states in
        which they were recognized.

        Awake, what is recognized teaches the weights that generate; the topmost machine goes some
        steps from there, and what it dreams of on the way down teaches those that recognize.

        Args:
            targets: (N,) class numbers; without labels, of no matter.
        """
        top = self.top
        with torch.no_grad():
            found = self.states(images, targets)
            change = top.difference(found.seen, top(found.seen), found.other, top(found.other))
            parameters, gradients = [top.weight, top.hidden_bias, top.visible_bias], [*change]
            error = images.new_zeros(())
            for place, layer in enumerate(self.layers()):
                low, high = found.awake[place : place + 2]
                missed = layer.down(high) - low
                if not place:
                    error = missed.square().sum() / len(missed)
                dreamt, cause = found.asleep[place : place + 2]
                strange = layer.up(dreamt) - cause
                parameters += [layer.up_weight, layer.up_bias, layer.down_weight, layer.down_bias]
                gradients += [
                    strange.T @ dreamt / len(strange), strange.mean(0),
                    high.T @ missed / len(missed), missed.mean(0),
                ]  # fmt: skip
        return {"generation": known(error, tuple(gradients), tuple(parameters))}


class States(NamedTuple):
    """One step of wake-sleep.

    Attributes:
        awake: of every layer, from the pixels, what was recognized.
        seen, other: what the topmost machine saw, with labels, and what it dreamt of.
        asleep: of every layer, from the pixels, what was generated.
    """

    awake: list[Tensor]
    seen: Tensor
    other: Tensor
    asleep: list[Tensor]


def dbn(
    *, classes: int = 10, channels: int = 1, image_size: int = 28, hidden: Sequence[int] = HIDDEN
) -> Stages:
    """The network that a belief net becomes for back-propagation: logistic units throughout.

    784-500-500-2000-10 has 1,665,010 parameters. Random weights are those with which logistic units
    neither fade nor saturate (Glorot & Bengio 2010).

    Args:
        classes: how many.
        channels: of an image.
        image_size: height and width.
        hidden: units of each layer.
    """
    layers: dict[str, nn.Module] = {}
    width = channels * image_size**2
    for number, units in enumerate(hidden, 1):
        layer = nn.Linear(width, units)
        nn.init.xavier_uniform_(layer.weight, gain=4.0)
        nn.init.zeros_(layer.bias)
        first = [nn.Flatten()] if number == 1 else []
        layers[f"h{number}"] = nn.Sequential(*first, layer, nn.Sigmoid())
        width = units
    output = layers["output"] = nn.Linear(width, classes)
    nn.init.xavier_uniform_(output.weight)
    nn.init.zeros_(output.bias)
    model = Stages(layers, channels=channels)
    model.name, model.image_size = "dbn", image_size
    return model


def begin(model: nn.Module, machines: Sequence[RBM]) -> None:
    """Gives every hidden layer of a network the weights of a machine, from below."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][:-1]
    with torch.no_grad():
        for layer, machine in zip(layers, machines, strict=True):
            layer.weight.copy_(machine.weight)
            layer.bias.copy_(machine.hidden_bias)
