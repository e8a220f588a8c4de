"""Adadelta against torch's, on dense gradients and on rows of a table."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F

from striate.errors import UserError
from striate.training import Recipe
from striate.training.adadelta import Adadelta
from striate.training.optimizers import optimizer_for


def test_dense_is_torchs() -> None:
    mine = torch.randn(3, 4, dtype=torch.float64).requires_grad_()
    theirs = mine.detach().clone().requires_grad_()
    both = Adadelta([mine]), torch.optim.Adadelta([theirs], rho=0.95)
    for _ in range(20):
        flow = torch.randn(3, 4, dtype=torch.float64)
        for parameter, optimizer in zip((mine, theirs), both, strict=True):
            optimizer.zero_grad()
            ((parameter * flow) ** 2).sum().backward()
            optimizer.step()
    torch.testing.assert_close(mine, theirs)


def test_rows_that_are_touched_now_and_then_learn_as_if_all_were() -> None:
    table = torch.randn(9, 2, dtype=torch.float64)
    mine, theirs = (table.clone().requires_grad_() for _ in range(2))
    both = Adadelta([mine]), torch.optim.Adadelta([theirs], rho=0.95)
    for step in range(40):
        words = torch.randint(0, 3 + step % 7, (5,))
        for sparse, parameter, optimizer in zip((True, False), (mine, theirs), both, strict=True):
            optimizer.zero_grad()
            (F.embedding(words, parameter, sparse=sparse) ** 2).sum().backward()
            optimizer.step()
    torch.testing.assert_close(mine, theirs)


def test_rows_are_held_to_their_norm() -> None:
    weight = torch.tensor([[3.0, 4.0], [0.3, 0.4]], requires_grad=True)
    optimizer = Adadelta([{"params": [weight], "norm": 3.0}])
    (0 * weight).sum().backward()
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([[1.8, 2.4], [0.3, 0.4]]))


def test_state_is_taken_up() -> None:
    table = torch.randn(5, 2)
    one, two = (table.clone().requires_grad_() for _ in range(2))
    first = Adadelta([one])
    for words in (torch.tensor([1, 2]), torch.tensor([2, 4])):
        first.zero_grad()
        F.embedding(words, one, sparse=True).sum().backward()
        first.step()
    with torch.no_grad():
        two.copy_(one)
    second = Adadelta([two])
    second.load_state_dict(deepcopy(first.state_dict()))
    for parameter, optimizer in ((one, first), (two, second)):
        optimizer.zero_grad()
        F.embedding(torch.tensor([1]), parameter, sparse=True).sum().backward()
        optimizer.step()
    assert torch.equal(one, two)


def test_a_recipe_names_it() -> None:
    model = torch.nn.Linear(2, 1)
    recipe = Recipe(epochs=1, batch_size=1, learning_rate=1.0, optimizer="adadelta")
    assert isinstance(optimizer_for(model, recipe, new=[]), Adadelta)
    with pytest.raises(UserError, match="adadelta has none"):
        optimizer_for(model, recipe.but(weight_decay=0.1), new=[])
