"""The methods, in the order of a table."""

from functools import partial

from striate.tasks.contract import Method
from striate.tasks.style import judging, learning

METHODS: dict[str, Method] = {
    "colors": Method(
        "Color statistics",
        "handcrafted",
        learning.colors,
        networks=judging.NETWORKS,
        views=learning.views,
        find=judging.find,
    ),
    "feedforward": Method(
        "Feed-forward network",
        "transfer",
        learning.feedforward,
        networks=judging.NETWORKS,
        by_epochs=True,
        views=learning.views,
        find=judging.find,
    ),
    "feedforward_2016": Method(
        "Feed-forward network of 2016",
        "transfer",
        partial(learning.feedforward, architecture=learning.SLOW),
        networks=judging.NETWORKS,
        by_epochs=True,
        views=learning.views,
        find=judging.find,
    ),
}
