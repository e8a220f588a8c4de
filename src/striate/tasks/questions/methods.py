"""The methods, in the order of a table. What does not look at the picture says so in its title."""

from functools import partial

from striate.models.backbone import NetworksWith
from striate.tasks.contract import Method
from striate.tasks.questions import bag, starts, teaching

METHODS: dict[str, Method] = {
    "prior": Method("Commonest answer (blind)", "handcrafted", partial(starts.learn, longest=0)),
    "start": Method("Commonest after the question's start (blind)", "handcrafted", starts.learn),
    "bow": Method("Bag of words (blind)", "handcrafted", bag.learn),
    "blind": Method(
        "LSTM, language only (blind)",
        "scratch",
        partial(teaching.learn, looks=False),
        by_epochs=True,
    ),
    "neurons": Method(
        "Ask Your Neurons",
        "transfer",
        partial(teaching.learn, looks=True),
        networks=NetworksWith(4, first=teaching.NETWORK),
        by_epochs=True,
        views=teaching.views,
        find=teaching.find,
    ),
}
