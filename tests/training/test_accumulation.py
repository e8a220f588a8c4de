"""A batch in parts gives the gradient of the whole, and memory that runs out asks for parts."""

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.training import Objective, train
from striate.training.accumulation import Parts, ran_out


@dataclass
class Some:
    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def parts(self, count: int) -> list["Some"]:
        return [
            Some(x, y)
            for x, y in zip(self.x.tensor_split(count), self.y.tensor_split(count), strict=True)
        ]


def batch(count: int) -> Some:
    generator = torch.Generator().manual_seed(0)
    return Some(
        torch.randn(count, 3, generator=generator, dtype=torch.float64),
        torch.randint(0, 2, (count,), generator=generator),
    )


class Memory:
    """A network that holds so many examples at once and no more."""

    def __init__(self, holds: int = 10**6):
        torch.manual_seed(1)
        self.model, self.holds = nn.Linear(3, 2).double(), holds
        self.looked: list[int] = []

    def losses(self, some: Some) -> dict[str, Tensor]:
        self.looked.append(len(some))
        if len(some) > self.holds:
            raise torch.OutOfMemoryError("no memory")
        logits = self.model(some.x)
        return {"entropy": F.cross_entropy(logits, some.y), "size": logits.square().mean()}


def learned(memory: Memory, parts: int, size: int = 7) -> tuple[Tensor, list[float]]:
    optimizer = torch.optim.SGD(memory.model.parameters(), lr=0.5)
    objective = Objective(memory.losses, optimizer, clip=1.0, parts=Parts(parts))
    steps = list(train([objective], [batch(size)] * 3))
    assert [list(step.losses) for step in steps] == [["entropy", "size"]] * 3
    losses = [float(sum(step.losses.values())) for step in steps]
    return memory.model.weight.detach(), losses


@pytest.mark.parametrize("parts", [2, 3, 7, 50])
def test_parts_add_up_to_the_whole(parts: int) -> None:
    whole, losses = learned(Memory(), 1)
    mine, same = learned(Memory(), parts)
    torch.testing.assert_close(mine, whole, atol=1e-12, rtol=0)
    assert same == pytest.approx(losses, abs=1e-12)


def test_memory_that_runs_out_is_shared_out_once() -> None:
    whole, _ = learned(Memory(), 1)
    small = Memory(holds=2)
    mine, _ = learned(small, 1)
    torch.testing.assert_close(mine, whole, atol=1e-12, rtol=0)
    # 7 at once fail, then 4 + 3 fail at 4, then four parts do; and so they do ever after
    assert small.looked == [7, 4, 2, 2, 2, 1] + [2, 2, 2, 1] * 2


def test_a_single_example_that_is_too_much_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        learned(Memory(holds=0), 1)


def test_other_errors_are_not_taken_for_it() -> None:
    assert not ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert ran_out(MemoryError())
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert ran_out(caught.value)
