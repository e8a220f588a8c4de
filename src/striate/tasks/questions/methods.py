"""The methods, in the order of a table. What does not look at the picture says so in its title."""

from functools import partial

from striate.models.backbone import NetworksWith
from striate.tasks.contract import Method
from striate.tasks.questions import bag, seeing, several_teaching, starts, teaching

NETWORKS = NetworksWith(4, first=seeing.NETWORK)

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
    "bow-image": Method(
        "Bag of words and the picture",
        "transfer",
        partial(bag.learn, looks=True),
        networks=NETWORKS,
        views=seeing.views,
        find=seeing.find,
    ),
    "neurons": Method(
        "Ask Your Neurons",
        "transfer",
        partial(teaching.learn, looks=True),
        networks=NETWORKS,
        by_epochs=True,
        views=seeing.views,
        find=seeing.find,
    ),
    "neurons-words": Method(
        "Ask Your Neurons, word by word",
        "transfer",
        several_teaching.learn,
        networks=NETWORKS,
        by_epochs=True,
        views=seeing.views,
        find=seeing.find,
    ),
}
