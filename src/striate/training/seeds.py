"""Random numbers that are a pure function of a few whole numbers: a seed, a step, an epoch."""

import numpy as np
import torch


def seed_of(*numbers: int) -> int:
    """One seed in [0, 2**63) for these numbers, the same in every process and on every machine.

    Any change of a number or of their order gives an unrelated seed (numpy's `SeedSequence`).

    >>> seed_of(3, 1) == seed_of(3, 1), seed_of(3, 1) == seed_of(1, 3)
    (True, False)
    """
    # their count, too: numpy takes missing numbers for zeros
    sequence = np.random.SeedSequence([len(numbers), *(number % 2**63 for number in numbers)])
    return int(sequence.generate_state(1, np.uint64)[0] >> 1)


def generator_for(*numbers: int) -> torch.Generator:
    """Torch's random numbers, on the CPU, from the seed of these numbers."""
    return torch.Generator().manual_seed(seed_of(*numbers))
