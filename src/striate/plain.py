"""Values as JSON knows them: it has neither nan nor infinity nor tuples."""

import math
from typing import Any


def plain(value: Any) -> Any:
    """The same with every nan and infinity as None, and every tuple as a list.

    >>> plain({"precision": (0.5, float("nan"))})
    {'precision': [0.5, None]}
    """
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
