"""What a call may do, decided by the route that it matches, and by nothing else.

Whatever does not stand here needs a key: a new route is closed until somebody opens it.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope

OPEN = frozenset(("/", "/page", "/v2", "/v2/health/live", "/v2/health/ready", "/openapi.json"))
PLAIN = frozenset(  # Open Inference's, whose errors have a form of their own
    ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/{name}/ready",
     "/v2/models/{name}/infer")
)  # fmt: skip


class Form(Enum):
    """How an error is written."""

    STATUS = "status"
    PLAIN = "plain"


class Route(NamedTuple):
    """A route as it is known by its path's pattern; "other" where none matches.

    Attributes:
        open: whether it is answered without a key.
        kept: whether browsers may keep the answer.
    """

    pattern: str
    open: bool
    form: Form
    kept: bool


NOWHERE = Route("other", False, Form.STATUS, False)


def route_of(routes: Sequence[BaseRoute], scope: Scope) -> Route:
    """The route that the application will take, also where its method is another one."""
    found: BaseRoute | None = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            found = route
            break
        if match is Match.PARTIAL and found is None:
            found = route
    pattern = getattr(found, "path", None)
    if pattern is None:
        return NOWHERE
    form = Form.PLAIN if pattern in PLAIN else Form.STATUS
    return Route(pattern, pattern in OPEN, form, isinstance(found, Mount))
