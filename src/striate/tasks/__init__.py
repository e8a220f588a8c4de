"""What can be learned: each task is a file or folder of its own, and none imports another."""

from striate.tasks.classification import Classification

__all__ = ["Classification"]
