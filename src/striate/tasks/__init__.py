"""What can be learned: each task is a file or folder of its own, and none imports another."""

from striate.tasks.classification import Classification
from striate.tasks.upper_layers import UpperLayers

__all__ = ["Classification", "UpperLayers"]
