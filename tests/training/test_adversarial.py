"""Two players on the one loop."""

import torch
import torch.nn.functional as F
from torch import nn

from striate.models.adversarial import Players
from striate.training import train
from striate.training.adversarial import Game, Round


def two() -> Players:
    """Players for pairs of numbers."""
    torch.manual_seed(0)
    return Players(
        nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)),
        nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Flatten(0)),
    )


def rounds(count):
    generator = torch.Generator().manual_seed(1)
    return [Round(torch.randn(16, 2, generator=generator), torch.randn(16, 3, generator=generator))
            for _ in range(count)]  # fmt: skip


def adam(players):
    return (torch.optim.Adam(players.discriminator.parameters(), 1e-2),
            torch.optim.Adam(players.generator.parameters(), 1e-2))  # fmt: skip


def test_the_loop_is_that_written_by_hand_to_the_last_bit():
    ours, hand = two(), two()
    for _ in train(Game(ours, smoothing=0.1).objectives(adam(ours)), rounds(20)):
        pass
    first, second = adam(hand)
    for batch in rounds(20):
        made = hand.generator(batch.noise)
        real, fake = hand.discriminator(batch.real), hand.discriminator(made.detach())
        loss = (F.softplus(-real) + 0.1 * real).mean() + F.softplus(fake).mean()
        first.zero_grad()
        loss.backward()
        first.step()
        second.zero_grad()
        F.softplus(-hand.discriminator(made)).mean().backward()
        second.step()
    for mine, theirs in zip(ours.parameters(), hand.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_generator_steps_without_a_gradient_of_the_discriminator():
    players, (batch,) = two(), rounds(1)
    game = Game(players)
    game.generator(batch)["generator"].backward()
    assert all(weight.grad is None for weight in players.discriminator.parameters())
    assert all(weight.grad is not None for weight in players.generator.parameters())
    assert all(weight.requires_grad for weight in players.parameters())


def test_a_discriminator_without_doubt_is_counted():
    players, (batch,) = two(), rounds(1)
    game = Game(players)
    sure = nn.Linear(2, 1)
    players.discriminator = nn.Sequential(sure, nn.Flatten(0))
    nn.init.zeros_(sure.weight)
    for expected in (0, 0):  # it has no idea
        game.discriminator(batch)
        assert int(players.beaten) == expected
    players.generator = nn.Sequential(nn.Linear(3, 2))
    nn.init.zeros_(players.generator[0].weight)
    nn.init.constant_(players.generator[0].bias, -100.0)
    nn.init.constant_(sure.weight, 1.0)
    nn.init.constant_(sure.bias, 50.0)  # data about 0, samples far below
    game.discriminator(batch)
    game.discriminator(batch)
    assert int(players.beaten) == 2


def test_a_round_in_parts():
    batch = Round(torch.arange(5.0), torch.arange(10.0).view(5, 2), torch.arange(5))
    first, second = batch.parts(2)
    assert first.real.tolist() + second.real.tolist() == batch.real.tolist()
    assert len(first) == 2
    assert second.classes.tolist() == [2, 3, 4]
