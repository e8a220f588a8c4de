"""Frontalization: nothing changes for a face from the front; affine pictures and turned heads by
pencil."""

import numpy as np

from striate.tasks.faces.frontal import TURNS, camera, centers, frontal, piecewise, shape
from striate.tasks.faces.geometry import SIDE, template

PIXELS = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
SMOOTH = (
    127.5 + 100 * np.stack([np.sin(centers()[..., k % 2] / (9 + 3 * k) + k) for k in range(3)], 2)
).astype(np.uint8)


def test_the_shape_is_symmetric_and_covers_the_picture():
    face = shape()
    outline = face.points[5:]
    mirrored = outline * [-1, 1, 1] + [2 * template()[:2, 0].mean(), 0, 0]
    inner, other = ({tuple(p) for p in some[:-4].round(6).tolist()} for some in (outline, mirrored))
    assert inner == other
    ends = face.points[face.triangles, :2]  # (T, 3, 2)
    sizes = np.abs(np.linalg.det(ends[:, 1:] - ends[:, :1])) / 2
    assert np.isclose(sizes.sum(), SIDE**2)


def test_a_face_from_the_front_stays_as_it_is():
    np.testing.assert_array_equal(frontal(PIXELS, template()), PIXELS)


def test_a_camera_is_found_again_from_an_affine_picture():
    face = shape().points[:5]
    matrix = np.array([[0.9, 0.2, 0.0, 3.0], [-0.1, 1.1, 0.0, -4.0]])
    seen = face @ matrix[:, :3].T + matrix[:, 3]
    np.testing.assert_allclose(camera(face, seen, 36.0), matrix, atol=1e-9)


def test_the_weight_of_depth_is_as_the_formula_has_it():
    """One unknown, the depth's share s, of a nose that is moved by m: (z s - m)^2 + turn s^2."""
    z, moved = 0.4, 0.2
    square = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]] * 1000)
    points = np.vstack([square, [0, 0, z]])  # so many that the plane stays where it is
    seen = points[:, :2].copy()
    seen[-1] += moved
    found = camera(points, seen)[:, 2]
    np.testing.assert_allclose(found, [moved * z / (z * z + turn) for turn in TURNS], rtol=2e-3)


def test_an_affine_picture_is_undone_exactly():
    matrix, shift = np.array([[1.2, 0.15], [-0.1, 0.9]]), np.array([-12.0, 9.0])
    points, triangles = shape().points[:, :2], shape().triangles
    back = np.linalg.inv(matrix)
    large = piecewise(SMOOTH, (points - shift) @ back.T, points, triangles)
    # the same by the function of which SMOOTH is a picture, where that picture reaches
    places = (centers() - shift) @ back.T
    expected = np.stack(
        [127.5 + 100 * np.sin(places[..., k % 2] / (9 + 3 * k) + k) for k in range(3)], 2
    )
    there = ((places > 2) & (places < SIDE - 2)).all(2)
    assert there.mean() > 0.6
    assert np.abs(large[there].astype(float) - expected[there]).max() < 2.5


def test_landmarks_of_a_turned_head_come_to_the_front():
    """Dots on the landmarks of a head turned by 20 degrees: the nose comes back to the middle."""
    face, turn = shape().points[:5].copy(), np.radians(20)
    middle = template()[:2].mean(0)
    away = face - [*middle, 0]
    seen = np.stack([away[:, 0] * np.cos(turn) + away[:, 2] * np.sin(turn), away[:, 1]], 1) + middle
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for x, y in seen:
        picture[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 255
    straight = frontal(picture, seen)[..., 0].astype(float)
    nose = template()[2]
    top, left = int(nose[1]) - 12, int(nose[0]) - 12
    spot = straight[top : top + 25, left : left + 25]
    column = (spot.sum(0) * np.arange(left, left + 25)).sum() / spot.sum()
    before = seen[2, 0] - seen[:2, 0].mean()
    assert before > 5
    assert 0 < column - nose[0] < 0.45 * before  # what is not explained is kept


def test_what_is_seen_from_behind_is_filled_from_the_other_side():
    corners = np.array([[x, y] for y in (0.0, SIDE) for x in (0.0, SIDE / 2, SIDE)])
    triangles = np.array([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]])
    source = corners.copy()
    source[[2, 5], 0] = SIDE / 4  # the right half is folded behind the left one
    found = piecewise(PIXELS, source, corners, triangles)
    np.testing.assert_array_equal(found[:, : SIDE // 2], PIXELS[:, : SIDE // 2])
    np.testing.assert_array_equal(found[:, SIDE // 2 :], PIXELS[:, : SIDE // 2][:, ::-1])
