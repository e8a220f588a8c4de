"""Views in testing: which they are, and their mean."""

import pytest
import torch

from striate.augment import (
    NONE,
    Augmentation,
    Spread,
    averaged,
    drawn_views,
    mirrored,
    ten_crops,
)

PICTURE = torch.arange(25.0).view(1, 1, 5, 5)
SOME = Augmentation(Spread(mirror=0.5, rotation=20, shift=0.1), brightness=0.2)


def test_ten_windows() -> None:
    # The four corners and the middle of 5 x 5, 3 pixels wide: their upper left pixels.
    crops = list(ten_crops(PICTURE, 3))
    assert [view[0, 0, 0, 0].item() for view in crops[::2]] == [0, 2, 10, 12, 6]
    assert [view[0, 0, 0, 0].item() for view in crops[1::2]] == [2, 4, 12, 14, 8]
    assert {tuple(view.shape) for view in crops} == {(1, 1, 3, 3)}


@pytest.mark.parametrize("size", [0, 6])
def test_windows_must_fit(size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} pixels do not fit in images of 5 x 5"):
        list(ten_crops(PICTURE, size))


def test_the_mirror_image() -> None:
    plain, other = mirrored(PICTURE)
    assert torch.equal(plain, PICTURE)
    assert other[0, 0, 0].tolist() == [4, 3, 2, 1, 0]


def test_drawn_views_begin_with_the_images_and_are_the_same_in_any_batch() -> None:
    images = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    views = list(drawn_views(images, SOME, 4, seed=3))
    assert len(views) == 4
    assert torch.equal(views[0], images.float())
    assert not torch.equal(views[1], views[2])
    for whole, alone in zip(views, drawn_views(images[2:3], SOME, 4, seed=3), strict=True):
        torch.testing.assert_close(whole[2:3], alone, rtol=0, atol=1e-4)


def test_drawn_views_have_the_size_asked_for() -> None:
    views = list(drawn_views(torch.zeros(2, 3, 16, 16), Augmentation(size=8), 2))
    assert [tuple(view.shape) for view in views] == [(2, 3, 8, 8)] * 2


def test_the_mean() -> None:
    answers = {0.0: [[1.0, 0.0]], 4.0: [[0.5, 0.5]]}
    mean = averaged(lambda view: torch.tensor(answers[view[0, 0, 0, 0].item()]), mirrored(PICTURE))
    assert mean.tolist() == [[0.75, 0.25]]


def test_what_predict_returns_is_left_alone() -> None:
    kept = torch.ones(1, 2)
    assert averaged(lambda _: kept, mirrored(PICTURE)).tolist() == [[1, 1]]
    assert kept.tolist() == [[1, 1]]


def test_no_views_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no view"):
        averaged(NONE, drawn_views(PICTURE, NONE, 0))
