"""Points through the same warp as the pixels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from striate.augment.augmentation import Draw
from striate.errors import UserError


def warped_points(
    places: Tensor,
    draw: Draw,
    source: tuple[int, int],
    swaps: Sequence[int] | None = None,
) -> Tensor:
    """Where the views that `draw` makes of their pictures have points.

    Args:
        places: (N, K, 2) x and y in pixels from the upper left corner; nan stays nan.
        source: height and width of the pictures.
        swaps: (K,) the part that each becomes in a mirrored view; None: parts keep their places.

    Returns:
        (N, K, 2) in pixels of the views, beyond them for what they do not show.

    Raises:
        UserError: if views are bent, which moves points along no matrix.
    """
    if draw.lens is not None or draw.displacement is not None or draw.places is not None:
        raise UserError("key points move with whole views only: leave out lens, elastic and crops")
    if draw.matrices is None:
        return places
    matrices = draw.matrices.double()
    from_sides = places.new_tensor([source[1], source[0]], dtype=torch.float64)
    to_sides = places.new_tensor([draw.size[1], draw.size[0]], dtype=torch.float64)
    unit = 2 * places.double() / from_sides - 1 - matrices[:, None, :, 2]
    unit = unit @ torch.linalg.inv(matrices[:, :, :2]).mT
    moved = ((unit + 1) / 2 * to_sides).to(places)
    if swaps is None:
        return moved
    mirrored = torch.linalg.det(matrices[:, :, :2]) < 0
    return torch.where(mirrored[:, None, None], moved[:, list(swaps)], moved)
