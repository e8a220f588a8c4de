"""Mixtures of Gaussians with diagonal covariances, one for each state: p(frame | state)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW = 10.0  # frames: a component or state with less keeps what it had
FLOOR = 0.05  # of the variance of all frames: no component is narrower
CHUNK = 4096  # frames that are scored at a time


@dataclass(frozen=True, eq=False)
class Mixtures:
    """P mixtures of K components over D features.

    Attributes:
        weights: (P, K) that add up to 1.
        means, variances: (P, K, D).
        floor: (D,) the least variance.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    floor: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = self.means.shape
        if len(shape) != 3 or self.variances.shape != shape or self.weights.shape != shape[:2]:
            raise ValueError(f"means {shape} and weights {self.weights.shape} do not fit")
        if not (np.isfinite(self.means).all() and (self.variances > 0).all()
                and (self.weights >= 0).all() and np.isfinite(self.variances).all()):  # fmt: skip
            raise ValueError("a mixture has finite means, and variances above 0")

    @property
    def components(self) -> int:
        """K."""
        return self.weights.shape[1]

    @property
    def linear(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(2 * D, P * K) factors of a frame and its squares, and (P * K,) what is added, for the
        logarithms of weight times density."""
        states, components, features = self.means.shape
        inverse = 1 / self.variances
        with np.errstate(divide="ignore"):
            constant = np.log(self.weights) - 0.5 * (
                features * np.log(2 * np.pi)
                + np.log(self.variances).sum(2)
                + (self.means**2 * inverse).sum(2)
            )
        factors = np.concatenate([self.means * inverse, -0.5 * inverse], 2)
        factors = factors.reshape(states * components, -1).T.astype(np.float32)
        return factors, constant.reshape(-1).astype(np.float32)

    def joint(self, frames: NDArray[np.floating]) -> NDArray[np.float32]:
        """(T, P, K) logarithms of weight times density: one matrix product."""
        factors, constant = self.linear
        found = np.concatenate([frames, frames**2], 1, dtype=np.float32) @ factors
        found += constant
        return found.reshape(len(frames), *self.weights.shape)

    def score(self, frames: NDArray[np.floating]) -> NDArray[np.float32]:
        """(T, P) logarithms of p(frame | state) of frames (T, D)."""
        found = np.empty((len(frames), len(self.weights)), np.float32)
        for start in range(0, len(frames), CHUNK):
            joint = self.joint(frames[start : start + CHUNK])
            most = joint.max(2)
            joint -= most[:, :, None]
            np.exp(joint, out=joint)
            found[start : start + CHUNK] = most + np.log(joint.sum(2))
        return found

    def part(self, state: int) -> "Mixtures":
        """The mixture of one state."""
        return Mixtures(
            self.weights[state, None], self.means[state, None], self.variances[state, None],
            self.floor,
        )  # fmt: skip

    def split(self, distance: float = 0.2) -> "Mixtures":
        """Twice as many components: each becomes two, that many standard deviations apart on both
        sides."""
        shift = distance * np.sqrt(self.variances)
        return Mixtures(
            np.concatenate([self.weights, self.weights], 1) / 2,
            np.concatenate([self.means - shift, self.means + shift], 1),
            np.concatenate([self.variances, self.variances], 1),
            self.floor,
        )


def alike(frames: NDArray[np.floating], states: int) -> Mixtures:
    """The mean and variance of all frames (T, D), for each of so many states."""
    mean = frames.mean(0, dtype=np.float64)
    variance = np.maximum(frames.var(0, dtype=np.float64), 1e-8)
    return Mixtures(
        np.ones((states, 1)),
        np.tile(mean, (states, 1, 1)),
        np.tile(variance, (states, 1, 1)),
        FLOOR * variance,
    )


def estimated(
    mixtures: Mixtures,
    frames: NDArray[np.floating],
    states: NDArray[np.int64],
    shares: NDArray[np.floating] | None = None,
) -> Mixtures:
    """One step of expectation and maximization (Rabiner 1989, Section IV.A).

    Args:
        frames: (N, D), each beside the state it belongs to.
        states: (N,).
        shares: (N,) how far each belongs to it, in (0, 1]: of forward-backward; None: wholly.
    """
    weights, means = mixtures.weights.copy(), mixtures.means.copy()
    variances = mixtures.variances.copy()
    order = np.argsort(states, kind="stable")
    bounds = np.searchsorted(states[order], np.arange(len(weights) + 1))
    for state in range(len(weights)):
        rows = order[bounds[state] : bounds[state + 1]]
        if not len(rows):
            continue
        own = np.asarray(frames[rows], np.float64)
        share = np.ones(len(rows)) if shares is None else shares[rows].astype(np.float64)
        if share.sum() < FEW:
            continue
        joint = mixtures.part(state).joint(own)[:, 0].astype(np.float64)
        joint -= joint.max(1, keepdims=True)
        of_each = np.exp(joint)
        of_each *= (share / of_each.sum(1))[:, None]  # (n, K)
        total = of_each.sum(0)
        weights[state] = total / total.sum()
        enough = total >= FEW
        mean = (of_each.T @ own)[enough] / total[enough, None]
        square = (of_each.T @ own**2)[enough] / total[enough, None]
        means[state, enough] = mean
        variances[state, enough] = np.maximum(square - mean**2, mixtures.floor)
    return Mixtures(weights, means, variances, mixtures.floor)
