"""Boxes come into the frame of the upright picture, or the mismatch is told."""

import pytest

from striate.data.frames import Labeled, claimed, fitted
from striate.images.decoding import Frame, upright

BOX = (2.0, 4.0, 12.0, 20.0)


def placed(size, frame, *boxes, **options):
    (found,), notes = fitted([Labeled(boxes or (BOX,), size, **options)], [frame])
    return found, notes


def plain(width: int, height: int) -> Frame:
    return upright(width, height, 1, jpeg=False)


def test_nothing_to_do() -> None:
    for size in (None, (30, 40)):
        assert placed(size, plain(40, 30))[0].boxes == [BOX]
        assert placed(size, plain(40, 30))[1] == []


def test_a_resized_file() -> None:
    found, notes = placed((30, 40), plain(80, 60))
    assert found.boxes == [(4, 8, 24, 40)]
    assert notes == [
        "1 image of another size than in the label (40 x 30, and 80 x 60): the boxes were scaled"
    ]
    squeezed = placed((60, 80), plain(40, 40))[0].boxes  # to a square
    assert squeezed == [pytest.approx((1, 8 / 3, 6, 40 / 3))]


def test_a_size_that_is_wrong() -> None:
    """Boxes of the file, beside the size of something else."""
    found, notes = placed((10, 10), plain(40, 30))
    assert found.boxes == [BOX]
    assert "boxes fit the file and not the size in the label (10 x 10, and 40 x 30)" in notes[0]
    labels = [Labeled([BOX], (10, 10)), Labeled([(1, 1, 5, 5)], (10, 10))]
    both, _ = fitted(labels, [plain(40, 30)] * 2)
    assert both[1].boxes == [(1, 1, 5, 5)]  # what the first proves holds for the second


def test_width_and_height_exchanged() -> None:
    found, notes = placed((40, 30), plain(40, 30))
    assert found.boxes == [BOX]
    assert "with width and height exchanged in the label" in notes[0]


def test_pictures_that_were_turned_since() -> None:
    found, _ = placed((40, 30), plain(40, 30), (2, 25, 12, 39))
    assert found.boxes == []
    assert found.why == (
        "its boxes are of a picture of 30 x 40 pixels, and the file has 40 x 30, and was turned "
        "since"
    )


@pytest.mark.parametrize(
    ("orientation", "box"),
    [
        (2, (28, 4, 38, 20)),
        (3, (28, 10, 38, 26)),
        (4, (2, 10, 12, 26)),
        (5, (4, 2, 20, 12)),
        (6, (10, 2, 26, 12)),
        (7, (10, 28, 26, 38)),
        (8, (4, 28, 20, 38)),
    ],
)
def test_boxes_turn_with_the_picture(orientation: int, box: tuple) -> None:
    """By hand: 40 x 30 stored. What decides for 2 to 4 is another picture, whose size shows it."""
    witness = Labeled([BOX], (30, 40)), upright(40, 30, 6, jpeg=False)
    found, notes = fitted(
        [Labeled([BOX], (30, 40)), witness[0]],
        [upright(40, 30, orientation, jpeg=False), witness[1]],
    )
    assert found[0].boxes == [box]
    assert "2 images labeled as stored in the file" in notes[0]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_boxes_of_the_upright_picture_stay(orientation: int) -> None:
    frame = upright(40, 30, orientation, jpeg=False)
    found, notes = placed(frame[:2], frame)
    assert found.boxes == [BOX]
    assert notes == []


def test_without_a_size_the_boxes_decide_and_else_upright() -> None:
    frame = upright(40, 30, 6, jpeg=False)  # 30 x 40
    assert placed(None, frame)[0].boxes == [BOX]
    assert "no size beside the boxes" in placed(None, frame)[1][0]
    assert placed(None, frame, (30, 4, 40, 20))[0].boxes == [
        (10, 30, 26, 40)
    ]  # only the stored fits
    both, _ = fitted([Labeled([(30, 4, 40, 20)], None), Labeled([BOX], None)], [frame] * 2)
    assert both[1].boxes == [(10, 2, 26, 12)]  # as the other proves


def test_fractions() -> None:
    found, notes = placed(None, plain(40, 30), (0.1, 0.2, 0.5, 0.6), from_one=True)
    assert found.boxes == [pytest.approx((4, 6, 20, 18))]
    assert notes == ["1 image with boxes in fractions of the sides: they were read as such"]
    assert placed(None, plain(40, 30), (0, 0, 1, 1))[0].boxes == [(0, 0, 1, 1)]  # a pixel, perhaps
    labels = [Labeled([(0.1, 0.2, 0.5, 0.6)], None), Labeled([(0, 0, 1, 1)], None)]
    assert fitted(labels, [plain(40, 30)] * 2)[0][1].boxes == [(0, 0, 40, 30)]
    assert placed(None, plain(40, 30), (0.1, 0.2, 0.5, 0.6), fractions=True)[1] == []


def test_pixels_from_one() -> None:
    assert placed(None, plain(40, 30), (3, 5, 12, 20), from_one=True)[0].boxes == [BOX]
    assert placed(None, plain(40, 30), (0, 0, 12, 20), from_one=True)[0].boxes == [(0, 0, 12, 20)]


def test_a_picture_that_is_decoded_at_a_scale() -> None:
    frame = Frame(15, 20, (15, 20), 1, scale=2)
    assert placed(None, frame)[0].boxes == [(1, 2, 6, 10)]
    assert placed((30, 40), frame)[0].boxes == [(1, 2, 6, 10)]


def test_claims() -> None:
    assert claimed("1e3", "20") == (1000, 20)
    assert claimed("-3", "4") is claimed("a", "4") is claimed([], 4) is claimed("nan", 4) is None
