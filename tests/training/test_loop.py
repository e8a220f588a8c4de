"""The loop against loops written by hand, to the last bit."""

from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import Diverged
from striate.training import Objective, train
from striate.training.optimizers import schedule_for
from striate.training.recipe import Recipe


def line(count: int) -> list[tuple[Tensor, Tensor]]:
    """Batches of (x, 3 x + 1)."""
    generator = torch.Generator().manual_seed(1)
    xs = [torch.randn(8, 1, generator=generator) for _ in range(count)]
    return [(x, 3 * x + 1) for x in xs]


def squares(model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    return {"squares": F.mse_loss(model(batch[0]), batch[1])}


def test_two_players_equal_the_loop_written_by_hand() -> None:
    def players() -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(3)
        return (
            nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)),
            nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)),
        )

    batches = [(torch.randn(6, 2) + 2, torch.randn(6, 2)) for _ in range(50)]
    bce = F.binary_cross_entropy_with_logits

    def told_apart(judge: nn.Module, maker: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        real, noise = batch
        true, false = judge(real), judge(maker(noise).detach())
        return bce(true, torch.ones_like(true)) + bce(false, torch.zeros_like(false))

    def taken_in(judge: nn.Module, maker: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        false = judge(maker(batch[1]))
        return bce(false, torch.ones_like(false))

    maker, judge = players()
    first = torch.optim.Adam(judge.parameters(), 0.01)
    second = torch.optim.Adam(maker.parameters(), 0.01)
    expected = []
    for batch in batches:
        first.zero_grad()
        one = told_apart(judge, maker, batch)
        one.backward()
        first.step()
        second.zero_grad()
        two = taken_in(judge, maker, batch)
        two.backward()
        second.step()
        expected.append((float(one.detach()), float(two.detach())))
    wanted = [p.detach().clone() for p in (*maker.parameters(), *judge.parameters())]

    maker, judge = players()
    objectives = [
        Objective(
            lambda batch: {"judge": told_apart(judge, maker, batch)},
            torch.optim.Adam(judge.parameters(), 0.01),
        ),
        Objective(
            lambda batch: {"maker": taken_in(judge, maker, batch)},
            torch.optim.Adam(maker.parameters(), 0.01),
        ),
    ]
    got = [
        (float(step.losses["judge"]), float(step.losses["maker"]))
        for step in train(objectives, batches)
    ]
    assert got == expected
    for mine, hand in zip((*maker.parameters(), *judge.parameters()), wanted, strict=True):
        assert torch.equal(mine, hand)


def test_gradients_do_not_add_up_over_steps() -> None:
    # One weight w = 0, loss w * x, rate 1: each step takes off x and no more.
    weight = nn.Parameter(torch.zeros(()))
    objective = Objective[Tensor](
        lambda x: {"product": weight * x}, torch.optim.SGD([weight], lr=1.0)
    )
    after = [
        float(weight.detach()) for _ in train([objective], [torch.tensor(1.0), torch.tensor(10.0)])
    ]
    assert after == [-1.0, -11.0]


def test_a_line_search_finds_the_line() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    steps = list(train([Objective(lambda b: squares(model, b), optimizer)], line(1) * 5))
    assert float(steps[-1].losses["squares"]) < 1e-8
    assert model.weight.item() == pytest.approx(3, abs=1e-3)
    assert model.bias.item() == pytest.approx(1, abs=1e-3)


def test_the_losses_of_a_line_search_are_those_before_it_moved() -> None:
    model = nn.Linear(1, 1)
    (batch,) = line(1)
    before = float(squares(model, batch)["squares"].detach())
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    (step,) = train([Objective(lambda b: squares(model, b), optimizer)], [batch])
    assert float(step.losses["squares"]) == before


def test_the_sum_of_named_losses_is_minimized() -> None:
    weight = nn.Parameter(torch.zeros(()))
    objective = Objective[int](
        lambda _: {"one": weight, "two": 2 * weight}, torch.optim.SGD([weight], lr=1.0)
    )
    (step,) = train([objective], [0])
    assert weight.item() == -3
    assert list(step.losses) == ["one", "two"]
    assert not step.losses["one"].requires_grad


def test_divergence_names_the_step_and_each_loss() -> None:
    weight = nn.Parameter(torch.ones(()))
    objective = Objective[float](
        lambda x: {"boxes": weight * x, "classes": 0 * weight + 0.25},
        torch.optim.SGD([weight], lr=0.0),
    )
    with pytest.raises(Diverged, match=r"step 13: boxes nan, classes 0\.25"):
        list(train([objective], [1.0, 2.0, float("nan")], start=10))
    assert weight.item() == 1  # the step that diverged moved nothing


def test_it_is_a_generator_that_works_only_when_asked() -> None:
    model = nn.Linear(1, 1)
    before = model.weight.item()
    steps = train(
        [Objective(lambda b: squares(model, b), torch.optim.SGD(model.parameters(), lr=0.1))],
        line(5),
    )
    assert model.weight.item() == before
    assert [step.number for step in islice(steps, 2)] == [1, 2]


def test_the_schedule_goes_on_once_a_step() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    schedule = schedule_for(optimizer, Recipe(1, 1, 1e-3), 4)
    objective = Objective(lambda b: squares(model, b), optimizer, schedule)
    rates = [optimizer.param_groups[0]["lr"] for _ in train([objective], line(4))]
    # cosine: (1 + cos 45°) / 2, 1/2, (1 + cos 135°) / 2, 0
    assert rates == pytest.approx([0.853553e-3, 0.5e-3, 0.146447e-3, 0], abs=1e-9)
