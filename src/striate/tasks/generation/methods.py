"""The methods, in the order of a table."""

from functools import partial

from striate.tasks.contract import Method
from striate.tasks.generation import learning
from striate.tasks.generation.choices import Adversarial, Choices, Machines
from striate.tasks.generation.views import views

METHODS: dict[str, Method] = {
    "gaussian": Method(
        "Principal components, drawn",
        "handcrafted",
        learning.gaussian,
        choices=Choices(),
        views=views,
    ),
    "gan": Method(
        "Adversarial nets (GAN)",
        "scratch",
        partial(learning.adversarial, form="gan", recipe=learning.GAN),
        by_epochs=True,
        choices=Adversarial(width=240),
        views=views,
    ),
    "dcgan": Method(
        "Convolutional adversarial nets (DCGAN)",
        "scratch",
        partial(learning.adversarial, form="dcgan", recipe=learning.DCGAN),
        by_epochs=True,
        choices=Adversarial(width=64),
        views=views,
    ),
    "rbm": Method(
        "Boltzmann machine",
        "scratch",
        learning.belief,
        by_epochs=True,
        ignores=learning.MACHINES_IGNORE,
        choices=Machines(hidden=(500,)),
        views=views,
    ),
    "dbn": Method(
        "Deep belief net",
        "scratch",
        learning.belief,
        by_epochs=True,
        ignores=learning.MACHINES_IGNORE,
        choices=Machines(),
        views=views,
    ),
}
