"""Which box belongs to which object, by hand."""

import torch

from striate.models.matching import BACKGROUND, UNUSED, Targets, match, sample


def targets(ignored: list[list[float]]) -> Targets:
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    return Targets(boxes, torch.tensor([1, 0]), torch.tensor(ignored).reshape(-1, 4))


BOXES = torch.tensor(
    [[0.0, 0, 10, 9], [0, 0, 10, 5], [0, 0, 10, 1], [24, 0, 34, 10], [50, 50, 60, 60]]
)  # overlaps 0.9, 0.5, 0.1 with the first; 0.43 with the second; none


def test_by_hand() -> None:
    plain = match(BOXES, targets([]), above=0.7, below=0.3)
    assert plain.tolist() == [0, UNUSED, BACKGROUND, UNUSED, BACKGROUND]
    best = match(BOXES, targets([]), above=0.7, below=0.3, best_too=True)
    assert best.tolist() == [0, UNUSED, BACKGROUND, 1, BACKGROUND]
    crowd = match(BOXES, targets([[50, 50, 60, 56], [0, 0, 10, 10]]), above=0.7, below=0.3)
    assert crowd.tolist() == [0, UNUSED, UNUSED, UNUSED, UNUSED]
    nothing = Targets(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0, 4))
    assert match(BOXES, nothing, above=0.7, below=0.3).tolist() == [BACKGROUND] * 5


def test_a_box_that_two_objects_overlap_most_belongs_to_the_one_it_overlaps_most() -> None:
    strong, weak = [0.0, 0, 10, 10], [0.0, 0, 10, 30]  # overlaps of the box: 0.9 and 0.3
    boxes = torch.tensor([[0.0, 0, 10, 9], [40, 40, 50, 50]])
    for pair, number in (([strong, weak], 0), ([weak, strong], 1)):
        both = Targets(torch.tensor(pair), torch.tensor([0, 1]), torch.zeros(0, 4))
        matched = match(boxes, both, above=0.95, below=0.3, best_too=True)
        assert matched.tolist() == [number, BACKGROUND]


def test_draws_keep_to_their_share() -> None:
    matched = torch.cat([torch.arange(40), torch.full((100,), -1), torch.full((9,), -2)])
    things, nothing = sample(matched, 64, 0.25)
    assert (len(things), len(nothing)) == (16, 48)
    assert (matched[things] >= 0).all()
    assert (matched[nothing] == BACKGROUND).all()
    things, nothing = sample(matched[30:], 64, 0.25)  # ten things: background fills up
    assert (len(things), len(nothing)) == (10, 54)
