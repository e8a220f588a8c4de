"""Boltzmann machines small enough to add up every state, and what is drawn from them."""

import itertools
import math

import pytest
import torch

from striate.errors import ModelError
from striate.models.partition import annealed, log_partition
from striate.models.rbm import RBM, drawn

DOUBLE = torch.float64
KINDS = [{}, {"gaussian": True}, {"labels": 2}]


def machine(visible: int = 4, hidden: int = 3, *, spread: float = 0.7, **kind) -> RBM:
    torch.manual_seed(7)
    rbm = RBM(visible, hidden, **kind).double()
    with torch.no_grad():
        for each in rbm.parameters():
            each.normal_(0, spread)
    return rbm


def states(count: int) -> torch.Tensor:
    """(2 ** count, count)."""
    return torch.tensor(list(itertools.product((0, 1), repeat=count)), dtype=DOUBLE)


def visible_states(rbm: RBM) -> torch.Tensor:
    """All of them; of labels one is on."""
    every = states(len(rbm.visible_bias))
    return every[every[:, -rbm.labels :].sum(1) == 1] if rbm.labels else every


def energy(rbm: RBM, visible: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    own = -(visible @ rbm.visible_bias)
    if rbm.gaussian:
        own = 0.5 * ((visible - rbm.visible_bias) ** 2).sum()
    return own - hidden @ rbm.hidden_bias - hidden @ rbm.weight @ visible


@pytest.mark.parametrize("kind", KINDS)
def test_free_energy_adds_up_all_hidden_states(kind):
    rbm = machine(**kind)
    visible = torch.randn(4, dtype=DOUBLE)
    every = torch.stack([-energy(rbm, visible, hidden) for hidden in states(3)])
    torch.testing.assert_close(rbm.free_energy(visible[None])[0], -every.logsumexp(0))
    share = (every - every.logsumexp(0)).exp()
    torch.testing.assert_close(rbm(visible[None])[0], share @ states(3))


def test_free_energy_of_a_real_valued_code_is_its_integral():
    """By the trapezoid rule over one unit of variance 1, far into both tails."""
    rbm = machine(hidden=1, linear=True)
    visible = torch.rand(4, dtype=DOUBLE)
    grid = torch.linspace(-30, 30, 60_001, dtype=DOUBLE)
    minus = visible @ rbm.visible_bias + grid * (rbm.weight @ visible)
    minus = minus - 0.5 * (grid - rbm.hidden_bias) ** 2
    integral = torch.trapezoid(minus.exp(), grid)
    torch.testing.assert_close(rbm.free_energy(visible[None])[0], -integral.log())
    mean = torch.trapezoid(grid * minus.exp(), grid) / integral
    torch.testing.assert_close(rbm(visible[None])[0, 0], mean)


@pytest.mark.parametrize("kind", [*KINDS, {"linear": True}])
@pytest.mark.parametrize("how", [{}, {"steps": 2}, {"chains": 6, "steps": 2}])
def test_the_update_is_the_gradient_of_the_free_energies(kind, how):
    """The formula beside what back-propagation gives for the same states."""
    rbm = machine(**kind, **how)
    rbm.chains[:] = visible_states(rbm)[: len(rbm.chains)]
    before, seen = rbm.chains.clone(), visible_states(rbm)[:5]
    torch.manual_seed(3)
    rbm.losses(seen)
    torch.manual_seed(3)
    found = rbm.losses(seen)
    sum(found.values()).backward()
    gradients = [each.grad.clone() for each in rbm.parameters()]
    rbm.zero_grad()
    torch.manual_seed(3)
    if how:
        start = rbm.chains if how.get("chains") else seen
        other = rbm.chains.clone() if how.get("chains") else rbm.gibbs(start, 2)
    else:
        other = rbm.dreamed(rbm.hidden_states(rbm(seen).detach())).detach()
    loss = rbm.free_energy(seen).mean() - rbm.free_energy(other).mean()
    loss.backward()
    for ours, each in zip(gradients, rbm.parameters(), strict=True):
        torch.testing.assert_close(ours, each.grad)
    if how:
        torch.testing.assert_close(found["divergence"], loss)
        assert torch.equal(before, rbm.chains) == (not how.get("chains"))
    else:
        error = ((other - seen) ** 2).sum(1).mean()
        torch.testing.assert_close(found["reconstruction"], error)


@pytest.mark.parametrize("kind", [{}, {"labels": 2}])
def test_the_partition_function_adds_up_every_state(kind):
    rbm = machine(**kind)
    every = (-rbm.free_energy(visible_states(rbm))).logsumexp(0)
    assert log_partition(rbm) == pytest.approx(float(every.detach()), abs=1e-12)


def test_the_partition_function_of_real_numbers_is_an_integral():
    rbm = machine(visible=1, gaussian=True)
    grid = torch.linspace(-30, 30, 60_001, dtype=DOUBLE)
    integral = torch.trapezoid((-rbm.free_energy(grid[:, None])).exp(), grid)
    assert log_partition(rbm) == pytest.approx(math.log(integral.detach()), abs=1e-12)


def test_what_cannot_be_added_up_is_refused():
    with pytest.raises(ModelError, match="not of 21; estimate it with annealed"):
        log_partition(RBM(2, 21))
    with pytest.raises(ModelError, match="not real-valued"):
        annealed(RBM(2, 2, linear=True))
    with pytest.raises(ValueError, match="labels are joined to logistic"):
        RBM(4, 2, gaussian=True, labels=2)


@pytest.mark.parametrize("kind", KINDS)
def test_annealing_estimates_the_partition_function(kind):
    """Within its own three standard errors, which are small; from any first machine."""
    rbm = machine(6, 5, spread=1.0, **kind)
    exact = log_partition(rbm)
    for mean in (None, torch.full((6,), 0.3, dtype=DOUBLE)):
        found = annealed(rbm, mean=mean, chains=200, temperatures=200)
        assert found.low < exact < found.high
        assert found.high - found.low < 0.6
    if not kind.get("gaussian"):
        rbm.weight.data.zero_()  # alike from the beginning to the end: nothing is gained on the way
        rbm.hidden_bias.data.zero_()
        found = annealed(rbm, chains=3, temperatures=2)
        assert found.value == pytest.approx(log_partition(rbm)) == pytest.approx(found.high)


@pytest.mark.parametrize("kind", [{}, {"labels": 2}])
def test_long_chains_give_the_gradient_of_the_exact_likelihood(kind):
    rbm = machine(steps=20, **kind)
    every = visible_states(rbm)
    patterns = every[[1, 5]]
    exact = rbm.free_energy(patterns).mean() + (-rbm.free_energy(every)).logsumexp(0)
    exact.backward()
    expected = [each.grad.clone() for each in rbm.parameters()]
    rbm.zero_grad()
    rbm.losses(patterns.repeat(20_000, 1))["divergence"].backward()
    for ours, each in zip(rbm.parameters(), expected, strict=True):
        torch.testing.assert_close(ours.grad, each, atol=0.015, rtol=0)  # 6 standard errors


@pytest.mark.parametrize("how", [{}, {"chains": 50}])
def test_learning_makes_what_was_seen_likelier(how):
    """Two patterns of three bits: afterwards they have most of the probability."""
    rbm = machine(3, 2, spread=0.1, **how)
    patterns = torch.tensor([[1, 1, 0], [0, 0, 1]], dtype=DOUBLE)

    def share() -> float:
        with torch.no_grad():
            return float((-rbm.free_energy(patterns) - log_partition(rbm)).exp().sum())

    before = share()
    optimizer = torch.optim.SGD(rbm.parameters(), lr=0.1, momentum=0.5)
    for _ in range(300):
        optimizer.zero_grad()
        sum(rbm.losses(patterns.repeat(20, 1)).values()).backward()
        optimizer.step()
    assert before < 0.4 < 0.8 < share()


def test_states_are_drawn_with_their_probabilities():
    torch.manual_seed(0)
    probabilities = torch.tensor([0.0, 1e-3, 0.3, 0.999, 1.0]).repeat(100_001, 1)
    found = drawn(probabilities)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    mean, p = found.mean(0), probabilities[0]
    assert ((mean - p).abs() <= 5 * (p * (1 - p) / len(found)).sqrt()).all()
    other = (found[:, 2] - 0.3) @ (found.roll(1, 0)[:, 2] - 0.3) / len(found)
    assert abs(other) < 5 * 0.21 / len(found) ** 0.5  # neighbors know nothing of each other


def test_labels_are_held_and_biases_begin_at_the_means():
    rbm = machine(labels=2, spread=0.2)
    held = torch.tensor([[0.0, 1.0]], dtype=DOUBLE).repeat(9, 1)
    found = rbm.gibbs(torch.zeros(9, 4, dtype=DOUBLE), 3, labels=held)
    assert torch.equal(found[:, 2:], held)
    assert (rbm.gibbs(found, 3)[:, 2:].sum(1) == 1).all()
    mean = torch.tensor([0.2, 0.5, 0.3, 0.7], dtype=DOUBLE)
    for rbm, kind in ((machine(**kind), kind) for kind in KINDS):
        rbm.begin(mean)
        torch.testing.assert_close(rbm.dreamed(torch.zeros(1, 3, dtype=DOUBLE))[0], mean), kind
