"""The methods, in the order of a table."""

from functools import partial

from striate.models.image_transformation import WIDTH
from striate.tasks.contract import Method
from striate.tasks.style import judging, learning
from striate.tasks.style.choices import Choices, Network

METHODS: dict[str, Method] = {
    "colors": Method(
        "Color statistics",
        "handcrafted",
        learning.colors,
        networks=judging.NETWORKS,
        views=learning.views,
        choices=Choices(),
        find=judging.find,
    ),
    "feedforward": Method(
        "Feed-forward network",
        "transfer",
        learning.feedforward,
        networks=judging.NETWORKS,
        by_epochs=True,
        views=learning.views,
        choices=Network(),
        find=judging.find,
    ),
    "feedforward_2016": Method(
        "Feed-forward network of 2016",
        "transfer",
        partial(learning.feedforward, published=True),
        networks=judging.NETWORKS,
        by_epochs=True,
        views=learning.views,
        choices=Network(width=WIDTH),
        find=judging.find,
    ),
}
