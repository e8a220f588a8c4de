"""What part of the image a unit sees (its receptive field), layer after layer."""

from dataclasses import dataclass

from striate.errors import ModelError


@dataclass(frozen=True)
class Field:
    """The fields of the units along one side of a map.

    Unit i sees the pixels from `offset + i * stride` on, `size` of them; pixels are counted from 0
    and those outside the image are padding.

    >>> two = Field().through(3, padding=1).through(3, padding=1)
    >>> two, two.pixels(10)
    (Field(size=5, stride=1, offset=-2), range(8, 13))
    """

    size: int = 1
    stride: int = 1
    offset: int = 0

    def through(
        self, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> "Field":
        """The field behind a convolution or pooling; `padding` stands before the first pixel."""
        return Field(
            self.size + (kernel - 1) * dilation * self.stride,
            self.stride * stride,
            self.offset - padding * self.stride,
        )

    def over(self, units: int) -> "Field":
        """The field of one unit that reads all `units` of a side, as full connections do."""
        return Field(self.size + (units - 1) * self.stride, self.stride * units, self.offset)

    def joined(self, other: "Field") -> "Field":
        """The field of a unit that reads one unit of each of two maps of the same size.

        Raises:
            ModelError: if the maps step through the image at different strides.
        """
        if self.stride != other.stride:
            raise ModelError(f"maps of strides {self.stride} and {other.stride} cannot be joined")
        first = min(self.offset, other.offset)
        last = max(self.offset + self.size, other.offset + other.size)
        return Field(last - first, self.stride, first)

    def pixels(self, unit: int) -> range:
        """The pixels along this side that a unit sees; below 0 lies padding."""
        start = self.offset + unit * self.stride
        return range(start, start + self.size)

    def center(self, unit: int) -> float:
        """The middle of what a unit sees, in pixels; the first pixel's middle is 0."""
        return self.offset + unit * self.stride + (self.size - 1) / 2
