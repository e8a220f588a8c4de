"""Descriptions are asked for by many tests and never change: each is made once."""

import functools

import pytest

from striate.models import describe


@pytest.fixture(scope="session")
def described():
    """`described("vgg16")` is `describe("vgg16")`."""
    return functools.cache(describe)
