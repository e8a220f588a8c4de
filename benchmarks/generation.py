"""A training step of DCGAN beside a plain PyTorch program of the same networks and batch.

    python benchmarks/generation.py [--quick] [--json]

The plain program is the usual one: the discriminator on data and on samples, a backward pass each,
then the generator by the discriminator's new opinion of the same samples, everything as torch lays
it out and two Adam optimizers. Both sides begin with the same weights, see the same batches and are
held to the same losses first. Seconds are of the processor, one thread.
"""

import time
from collections.abc import Iterable
from copy import deepcopy
from itertools import cycle

import torch
from _rows import Row, compared, main, ratio_of
from torch import Tensor, nn

from striate.models.adversarial import Players
from striate.models.dcgan import Maps, dcgan
from striate.training.adversarial import Game, Round
from striate.training.loop import descend

RATE, BETAS = 2e-4, (0.5, 0.999)
CASES = {
    "28 x 28 gray, width 64": (28, 1, 64, 128),
    "32 x 32 color, width 64": (32, 3, 64, 128),
    "64 x 64 color, width 64": (64, 3, 64, 32),
}


def measure(quick: bool) -> Iterable[Row]:
    torch.set_num_threads(1)
    rounds = 1 if quick else 5
    for case, (side, channels, width, count) in CASES.items():
        size = 8 if quick else count
        torch.manual_seed(0)
        players = dcgan(side, channels, width=8 if quick else width)
        peer = Plain(players)
        ours = Ours(players)
        batches = [
            (2 * torch.rand(size, channels, side, side) - 1, 2 * torch.rand(size, 100) - 1)
            for _ in range(2)
        ]
        for batch in batches:
            mine, theirs = ours(*batch), peer(*batch)
            assert all(abs(a - b) < 1e-2 for a, b in zip(mine, theirs, strict=True)), (mine, theirs)
        turns = cycle(batches)
        times: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(rounds):
            batch = next(turns)
            for name, side_of in (("ours", ours), ("theirs", peer)):
                start = time.process_time()
                side_of(*batch)
                times[name].append(time.process_time() - start)
        yield compared(
            f"one step, {case}, {size} pictures", "s", sorted(times["ours"])[rounds // 2],
            "plain PyTorch", sorted(times["theirs"])[rounds // 2], less=True, target=1.3,
            ratio=ratio_of(times["ours"], times["theirs"]),
        )  # fmt: skip


class Ours:
    """Both objectives of a game, as the loop takes them."""

    def __init__(self, players: Players):
        adam = [
            torch.optim.AdamW(one.parameters(), lr=RATE, betas=BETAS, weight_decay=0.0, fused=True)
            for one in (players.discriminator, players.generator)
        ]
        self.objectives = Game(players).objectives((adam[0], adam[1]))
        players.train()

    def __call__(self, pictures: Tensor, noise: Tensor) -> tuple[float, ...]:
        batch = Round(pictures.contiguous(memory_format=torch.channels_last), noise)
        losses: dict[str, Tensor] = {}
        for objective in self.objectives:
            losses |= descend(objective, batch, 1)
        return tuple(float(loss) for loss in losses.values())


class Plain:
    """The program that one writes first."""

    def __init__(self, players: Players):
        self.generator = nn.Sequential(*plain(players.generator.network))
        sight = plain(players.discriminator.sight)
        deepest = next(one for one in reversed(sight) if isinstance(one, nn.Conv2d))
        judged = decision(players.discriminator.logit, deepest.out_channels)
        self.discriminator = nn.Sequential(*sight, judged, nn.Flatten())
        self.first = torch.optim.Adam(self.discriminator.parameters(), lr=RATE, betas=BETAS)
        self.second = torch.optim.Adam(self.generator.parameters(), lr=RATE, betas=BETAS)
        self.loss = nn.BCEWithLogitsLoss()

    def __call__(self, pictures: Tensor, noise: Tensor) -> tuple[float, float]:
        real, fake = torch.ones(len(pictures)), torch.zeros(len(pictures))
        self.discriminator.zero_grad()
        on_real = self.loss(self.discriminator(pictures)[:, 0], real)
        on_real.backward()
        made = self.generator(noise)
        on_fake = self.loss(self.discriminator(made.detach())[:, 0], fake)
        on_fake.backward()
        self.first.step()
        self.generator.zero_grad()
        wanted = self.loss(self.discriminator(made)[:, 0], real)
        wanted.backward()
        self.second.step()
        return on_real.item() + on_fake.item(), wanted.item()


def plain(layers: nn.Sequential) -> list[nn.Module]:
    """The same layers with the same weights, as torch lays them out: the full connections at both
    ends are convolutions over all of the smallest maps, as usual."""
    found: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, Maps):
            if layer.side:
                connection = found.pop()
                found = [nn.Unflatten(1, (-1, 1, 1)), projection(connection, layer.side)]
        elif isinstance(layer, nn.LeakyReLU):
            found.append(nn.LeakyReLU(0.2, inplace=True))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            torchs = nn.Conv2d if isinstance(layer, nn.Conv2d) else nn.ConvTranspose2d
            sizes = (layer.in_channels, layer.out_channels, 4, 2, 1)
            found.append(torchs(*sizes, bias=layer.bias is not None))
            found[-1].load_state_dict(layer.state_dict())
        else:
            found.append(deepcopy(layer).to(memory_format=torch.contiguous_format))
    return found


def projection(connection: nn.Module, side: int) -> nn.ConvTranspose2d:
    """A connection from noise to maps of that side."""
    weights = connection.weight.detach().T.unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)
    found = nn.ConvTranspose2d(*weights.shape[:2], side, bias=False)
    found.weight.data = weights.contiguous()
    return found


def decision(connection: nn.Module, channels: int) -> nn.Conv2d:
    """A connection from maps to a logit."""
    side = round((connection.in_features / channels) ** 0.5)
    found = nn.Conv2d(channels, 1, side)
    weights = connection.weight.detach().unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)
    found.weight.data, found.bias.data = weights.contiguous(), connection.bias.detach().clone()
    return found


if __name__ == "__main__":
    main(measure, __doc__)
