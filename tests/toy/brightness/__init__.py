"""How bright is a picture, in [0, 1]: a whole task in one folder."""

from brightness.task import Brightness

__all__ = ["Brightness"]
