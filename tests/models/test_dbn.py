"""Belief nets small enough to add up every state, and networks that begin with their weights."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from striate.errors import ModelError
from striate.models.autoencoder import Autoencoder
from striate.models.dbn import DBN, begin, dbn
from striate.models.rbm import RBM

SHAPE = (1, 2, 3)


def machines(*widths: int, labels: int = 0, **kind) -> list[RBM]:
    torch.manual_seed(5)
    made = []
    for place, (visible, hidden) in enumerate(itertools.pairwise(widths)):
        top = place == len(widths) - 2
        own = {"gaussian": kind.get("gaussian", False) and not place}
        if top:
            own |= {"labels": labels, "linear": kind.get("linear", False)}
            own |= {name: kind[name] for name in ("steps", "chains") if name in kind}
        made.append(RBM(visible + (labels if top else 0), hidden, **own))
        with torch.no_grad():
            for each in made[-1].parameters():
                each.normal_(0, 0.7)
    return made


def images(count: int = 4) -> torch.Tensor:
    torch.manual_seed(6)
    return torch.rand(count, *SHAPE)


def test_logits_are_the_exact_probabilities_of_the_labels():
    """Given what the topmost machine sees, all of its states added up."""
    some = machines(6, 4, 3, labels=2)
    net = DBN.of(some, SHAPE)
    raised = some[0](images().flatten(1))
    torch.testing.assert_close(net.raised(images()), raised)
    joined = [torch.cat([raised, F.one_hot(torch.full((4,), k), 2)], 1) for k in range(2)]
    hidden = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)))
    top = some[1]
    each = torch.stack(
        [
            (v @ top.visible_bias)[:, None] + hidden @ top.hidden_bias + v @ top.weight.T @ hidden.T
            for v in joined
        ],
        1,
    ).logsumexp(2)
    torch.testing.assert_close(net(images()).softmax(1), each.softmax(1))


def test_without_labels_nothing_is_classified():
    with pytest.raises(ModelError, match="no labels are joined"):
        DBN(SHAPE, (4, 3))(images())


@pytest.mark.parametrize("kind", [{}, {"gaussian": True}, {"chains": 3, "steps": 2}])
def test_wake_sleep_is_the_gradient_of_each_layers_likelihood(kind):
    """Of what was recognized, given what it was recognized as, and the other way round asleep."""
    net = DBN.of(machines(6, 5, 4, 3, labels=2, **kind), SHAPE)
    targets = torch.tensor([0, 1, 1, 0])
    if len(net.top.chains):
        net.top.chains.bernoulli_(0.5)
    kept = net.top.chains.clone()
    torch.manual_seed(1)
    loss = net.losses(images(), targets)["generation"]
    loss.backward()
    ours = {name: each.grad.clone() for name, each in net.named_parameters()}
    net.zero_grad()
    net.top.chains.copy_(kept)
    torch.manual_seed(1)
    found = net.states(images(), targets)
    assert torch.equal(found.seen[:, 4:], F.one_hot(targets, 2).float())
    expected = net.top.free_energy(found.seen).mean() - net.top.free_energy(found.other).mean()
    for place, layer in enumerate(net.layers()):
        if layer.gaussian:
            missed = 0.5 * (layer.down(found.awake[place + 1]) - found.awake[place]) ** 2
        else:
            made = layer.down(found.awake[place + 1])
            missed = F.binary_cross_entropy(made, found.awake[place], reduction="none")
        told = layer.up(found.asleep[place])
        strange = F.binary_cross_entropy(told, found.asleep[place + 1], reduction="none")
        expected = expected + missed.sum() / len(missed) + strange.sum() / len(strange)
    expected.backward()
    for name, each in net.named_parameters():
        torch.testing.assert_close(ours[name], each.grad, msg=name)
    error = (net.layers()[0].down(found.awake[1]) - images().flatten(1)) ** 2
    torch.testing.assert_close(loss, error.sum(1).mean())


def test_what_is_dreamed_of_follows_the_label():
    """A net that learned two patterns of six pixels, greedily and then by wake-sleep."""
    patterns = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).float()
    targets = torch.arange(20) % 2
    lower, top = machines(6, 4, 8, labels=2)
    seen = patterns[targets]

    def learn(model, losses, steps, rate=0.2):
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.5)
        for _ in range(steps):
            optimizer.zero_grad()
            sum(losses().values()).backward()
            optimizer.step()

    learn(lower, lambda: lower.losses(seen), 100)
    with torch.no_grad():
        raised = torch.cat([lower(seen), F.one_hot(targets, 2)], 1)
    learn(top, lambda: top.losses(raised), 100)
    net = DBN.of([lower, top], SHAPE)
    learn(net, lambda: net.losses(seen.view(-1, *SHAPE), targets), 50, rate=0.05)
    assert torch.equal(net(patterns.view(-1, *SHAPE)).argmax(1), torch.arange(2))
    made = net.sample(40, steps=20, labels=torch.arange(40) % 2)
    assert made.shape == (40, *SHAPE)
    off = (made.flatten(1) - patterns[torch.arange(40) % 2]).abs().mean(1)
    assert (off < 0.3).float().mean() > 0.9
    free = net.sample(40, steps=20).flatten(1)  # of both
    assert 8 < int((free[:, :3].mean(1) > 0.5).sum()) < 32


def test_a_single_machine_is_a_belief_net_too():
    net = DBN.of(machines(6, 4, gaussian=True), SHAPE)
    assert net.sample(3, steps=2).shape == (3, *SHAPE)
    assert net.sample(3, steps=2).min() < 0


def test_the_network_of_the_paper_begins_as_its_machines():
    model = dbn()
    assert sum(each.numel() for each in model.parameters()) == 1_665_010
    small, some = dbn(classes=3, image_size=2, hidden=(5, 4)), machines(4, 5, 4)
    begin(small, some)
    pictures = torch.rand(3, 1, 2, 2)
    raised = some[1](some[0](pictures.flatten(1)))
    torch.testing.assert_close(small.features(pictures)["h2"], raised)


def test_the_autoencoder_begins_as_its_machines_unrolled():
    some = machines(6, 5, 2, linear=True)
    model = Autoencoder.of(some)
    seen = images().flatten(1)
    code = some[1](some[0](seen))
    torch.testing.assert_close(model.encoder(seen), code)
    assert (code < 0).any()  # linear
    again = some[0].dreamed(some[1].dreamed(code))
    torch.testing.assert_close(model(seen).sigmoid(), again)
    loss = model.losses(seen)["cross_entropy"]
    by_hand = -(seen * again.log() + (1 - seen) * (1 - again).log()).sum(1).mean()
    torch.testing.assert_close(loss, by_hand)


def test_the_papers_autoencoder_is_as_large_as_it_says():
    """Weights of 784-1000-500-250-30 twice, and a bias for every unit but those that are read."""
    weights = 784 * 1000 + 1000 * 500 + 500 * 250 + 250 * 30
    biases = (1000 + 500 + 250 + 30) + (250 + 500 + 1000 + 784)
    with torch.device("meta"):
        model = Autoencoder(784)
    assert sum(each.numel() for each in model.parameters()) == 2 * weights + biases
