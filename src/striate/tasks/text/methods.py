"""The methods, in the order of a table."""

from striate.tasks.contract import Method
from striate.tasks.text import bow

METHODS: dict[str, Method] = {
    "bow": Method("A bag of words", "handcrafted", bow.learn, seeds=3),
}
