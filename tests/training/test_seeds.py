"""Seeds of several numbers: the same everywhere, and unlike each other."""

import subprocess
import sys

import torch

from striate.training.seeds import generator_for, seed_of


def test_the_same_in_every_process() -> None:
    code = "from striate.training.seeds import seed_of; print(seed_of(7, 3), seed_of(2**70))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [int(word) for word in out.stdout.split()] == [seed_of(7, 3), seed_of(2**70)]


def test_neighbors_and_orders_are_apart() -> None:
    seeds = {seed_of(a, b) for a in range(30) for b in range(30)} | {seed_of(a) for a in range(30)}
    assert len(seeds) == 930
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_negative_and_huge_numbers() -> None:
    assert len({seed_of(-1), seed_of(1), seed_of(2**63 - 2), seed_of(10**20)}) == 4


def test_the_generator_is_seeded_by_it() -> None:
    first = torch.rand(3, generator=generator_for(1, 2))
    torch.rand(9)
    assert torch.equal(first, torch.rand(3, generator=generator_for(1, 2)))
    assert not torch.equal(first, torch.rand(3, generator=generator_for(2, 1)))
