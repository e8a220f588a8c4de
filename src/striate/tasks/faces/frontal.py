"""Frontalization: a face turned to the front, by triangles (Taigman et al. 2014, Section 2).

An affine camera is fitted to landmarks of a picture and the same landmarks of a generic 3-D shape.
It tells where the rest of the shape lies in the picture, and each triangle of the shape is brought
by its own affine map to where it is seen from the front. What the camera does not explain is the
shape of this person's face, and is kept: it moves the places to which the landmarks go.

The paper has 67 landmarks. Here there are the five that the detector finds; the outline of the face
and the corners of the picture, which no detector finds, are where the camera sees those of the
shape. Triangles that the camera sees from behind are filled from the other half of the face.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from torch.nn import functional as F

from striate.tasks.faces.geometry import EYES, SIDE, Pixels, reduced, similarity, template

Points = NDArray[np.float64]

# Depth of the landmarks towards the viewer; outline of the right half of the face (in the picture),
# from the middle between the eyes: right, down, towards the viewer. In distances between the eyes
# (63 mm), of an average adult.
DEPTHS = (0.0, 0.0, 0.43, 0.03, 0.03)
OUTLINE = (
    (0.0, -0.95, 0.0),  # the middle of the forehead
    (0.75, -0.75, -0.2),
    (1.1, 0.0, -0.65),  # the temple
    (1.0, 0.8, -0.65),  # the jaw
    (0.6, 1.5, -0.2),
    (0.0, 1.75, 0.2),  # the chin
)
BEHIND = -0.65  # where the corners of the picture are
# How much a turn and a nod weigh beside what landmarks deviate: squares of 0.06 and 0.1 distances
# between the eyes, over squares of the sines of usual turns (14 degrees) and nods (7)
TURNS = (0.06, 0.7)
FLAT, ROUNDED = 1e-6, 1e-9


class Shape(NamedTuple):
    """A generic face, in pixels of an aligned one.

    Attributes:
        points: (P, 3) right, down, towards the viewer: landmarks, outline, corners.
        triangles: (T, 3) which points they join (Delaunay), over all of the picture.
    """

    points: Points
    triangles: NDArray[np.int64]


@cache
def shape() -> Shape:
    """The generic face whose landmarks are those of the template."""
    marks = template()
    apart = float(np.hypot(*(marks[1] - marks[0])))
    middle = marks[:EYES].mean(0)
    half = np.array(OUTLINE)
    other = half[half[:, 0] > 0] * [-1, 1, 1]
    outline = np.concatenate([half, other]) * apart + [*middle, 0]
    corners = np.array([(x, y, BEHIND * apart) for x in (0, SIDE) for y in (0, SIDE)], np.float64)
    known = np.column_stack([marks, np.array(DEPTHS) * apart])
    points = np.concatenate([known, outline, corners])
    return Shape(points, Delaunay(points[:, :2]).simplices.astype(np.int64))


def centers() -> Points:
    """(SIDE, SIDE, 2) x y of the middle of each pixel."""
    side = np.arange(SIDE) + 0.5
    return np.stack(np.meshgrid(side, side), 2)


def camera(points: Points, seen: Points, apart: float = 1.0) -> Points:
    """The affine camera (2, 4) that sees points (K, 3) nearest to places (K, 2).

    Few landmarks leave it open whether a nose is long or a head is turned. So what is minimized is
    the sum of squares and, of the shares of depth in both directions, the squares times TURNS: that
    is 0 for any affine picture of a face from the front, which is fitted exactly.

    Args:
        apart: distance between the eyes, in the unit of the points.
    """
    rows = []
    for axis, turn in enumerate(TURNS):
        whole = np.column_stack([points, np.ones(len(points))])
        whole = np.vstack([whole, [0, 0, apart * turn**0.5, 0]])
        rows.append(np.linalg.lstsq(whole, np.append(seen[:, axis], 0.0), rcond=None)[0])
    return np.stack(rows)


def frontal(pixels: Pixels, landmarks: Points) -> Pixels:
    """(SIDE, SIDE, 3) uint8, the face of a picture from the front; beyond the picture it is black.

    Args:
        pixels: (H, W, 3) uint8.
        landmarks: (5, 2) x y in it, as `Aligner.landmarks` finds them.
    """
    face, marks = shape(), template()
    aligned = similarity(landmarks, marks)
    placed = landmarks @ aligned[:, :2].T + aligned[:, 2]  # in pixels of an aligned face
    view = camera(face.points[: len(marks)], placed, float(np.hypot(*(marks[1] - marks[0]))))
    seen = face.points @ view[:, :3].T + view[:, 3]
    goal = face.points[:, :2].copy()
    goal[: len(marks)] += placed - seen[: len(marks)]
    seen[: len(marks)] = placed
    back = np.linalg.inv(np.vstack([aligned, [0, 0, 1]]))[:2]
    source = seen @ back[:, :2].T + back[:, 2]  # in pixels of the picture
    return piecewise(pixels, source, goal, face.triangles)


def piecewise(pixels: Pixels, source: Points, goal: Points, triangles: NDArray[np.int64]) -> Pixels:
    """(SIDE, SIDE, 3) uint8 in which triangles of points (P, 2) of a picture lie on those of other
    points, each by its affine map; bicubic. Triangles that are seen from behind are filled with the
    mirror image of what is seen."""
    middle = centers()
    whole = np.concatenate([middle, np.ones((SIDE, SIDE, 1))], 2)
    places = np.full((SIDE, SIDE, 2), np.nan)
    hidden = np.zeros((SIDE, SIDE), np.bool_)
    areas, growth = [], []
    for corners in triangles:
        ends = np.column_stack([goal[corners], np.ones(3)])
        if abs(size := float(np.linalg.det(ends))) < FLAT:
            continue
        shares = whole @ np.linalg.inv(ends)  # barycentric
        inside = (shares > -ROUNDED).all(2) & np.isnan(places[..., 0])
        places[inside] = shares[inside] @ source[corners]
        before = float(np.linalg.det(np.column_stack([source[corners], np.ones(3)])))
        hidden[inside] = before / size <= 0
        areas.append(int(inside.sum()))
        growth.append(abs(before / size))
    picture, factor = reduced(pixels, np.average(growth, weights=areas) ** -0.5)
    found = sampled(picture, places / factor)
    other = hidden[:, ::-1]
    found[hidden & ~other] = found[:, ::-1][hidden & ~other]
    return found


def sampled(pixels: Pixels, places: Points) -> Pixels:
    """(SIDE, SIDE, 3) uint8 at places (SIDE, SIDE, 2) x y of a picture; black where these are nan
    or beyond it."""
    height, width = pixels.shape[:2]
    grid = torch.from_numpy(np.nan_to_num(places / [width, height] * 2 - 1, nan=-9.0))[None]
    images = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].double()
    found = F.grid_sample(images, grid, mode="bicubic", padding_mode="zeros", align_corners=False)
    return found[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
