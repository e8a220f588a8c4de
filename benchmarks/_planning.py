"""From what one core does to what a number of images a day takes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from _rows import Row, absent, alone
from _simulation import Replica, simulate, sustained
from scipy.optimize import brentq
from scipy.special import i0e
from scipy.stats import poisson

DAY, HOUR = 86_400.0, 3600.0
GROUP = 2  # servers of a zone that are simulated
CERTAIN = 0.999  # probability that no more servers are dead at once than are kept spare
LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True)
class Plan:
    """What is asked of the service, and what is assumed.

    Attributes:
        images_per_day: in all.
        peak: images a second of the busiest moment, by those of the mean.
        target: seconds within which 99 % of calls are answered, also when a zone is lost.
        zones: that servers are spread over; one may be lost at the peak.
        price: of a core for an hour: an assumption.
        lifetime, restart: seconds between two deaths of a server, and until it is back:
            assumptions.
        gpu: images a second of one, measured elsewhere; None: no GPU is planned.
    """

    images_per_day: float = 1e9
    peak: float = 3.0
    target: float = 0.5
    zones: int = 3
    price: float = 0.04
    lifetime: float = DAY
    restart: float = 60.0
    gpu: float | None = None

    @property
    def mean_rate(self) -> float:
        """Images a second."""
        return self.images_per_day / DAY

    def rate(self, hour: float) -> float:
        """Images a second at an hour of the day, the peak at 20: a von Mises curve."""
        if self.peak <= 1:
            return self.mean_rate
        bend = concentration(self.peak)
        return (
            self.mean_rate * self.peak * math.exp(bend * (math.cos((hour - 20) * math.pi / 12) - 1))
        )


def concentration(peak: float) -> float:
    """Of the von Mises curve that is `peak` times its mean at its top: exp(-k) I0(k) = 1 / peak.

    >>> k = concentration(3.0)
    >>> round(float(i0e(k)), 6)
    0.333333
    """
    return float(brentq(lambda bend: i0e(bend) - 1 / peak, 0, 1e4))


@dataclass(frozen=True)
class Work:
    """What an image of a network costs a core: seconds, and bytes.

    Attributes:
        decode, call: of an image: decoding it, and what the service does beside.
        batch, each: a batch of n takes batch + n each.
        sent: bytes of a file.
        moved: bytes of the array that the network reads.
    """

    name: str
    decode: float
    call: float
    batch: float
    each: float
    sent: float
    moved: float

    @property
    def replica(self) -> Replica:
        """A server on one core."""
        return Replica(prepare=self.decode + self.call, batch=self.batch, each=self.each)


def servers_for(plan: Plan, rate: float, highest: float) -> int:
    """The fewest of which enough are left when a zone is lost and some others are dead.

    Args:
        rate: images a second of all.
        highest: of a server.
    """
    needed = math.ceil(rate / highest)
    left = (plan.zones - 1) / plan.zones if plan.zones > 1 else 1.0
    total = math.ceil(needed / left)
    while math.floor(total * left) - spare(plan, total) < needed:
        total += 1
    return total


def spare(plan: Plan, total: int) -> int:
    """How many of so many are dead at once, at most, with a probability of CERTAIN: deaths come by
    chance, so their number is Poisson's."""
    return int(poisson.ppf(CERTAIN, total * plan.restart / (plan.lifetime + plan.restart)))


def planned(work: Work, plan: Plan, calls: int) -> Iterator[Row]:
    """Rows of a plan; so many calls are simulated at a time."""
    name, one = work.name, work.replica
    top = plan.mean_rate * plan.peak
    shares = {"decoding": work.decode, "the call": work.call,
              "inference": work.each + work.batch / one.most}  # fmt: skip
    all_ = sum(shares.values())
    first = max(shares, key=lambda key: shares[key])
    told = ", ".join(f"{key} {share / all_:.0%}" for key, share in shares.items())
    yield alone(f"{name}: a core, full batches", "img/s", one.limit, f"{told}; {first} is first")
    highest = sustained(one, plan.target, calls)
    if not highest:
        yield absent(f"{name}: servers", "", "target", f"no rate meets {plan.target:g} s")
        return
    yield alone(f"{name}: a core, 99 % within {plan.target:g} s", "img/s", highest,
                f"{highest / one.limit:.0%} of its limit")  # fmt: skip
    total = servers_for(plan, top, highest)
    yield alone(f"{name}: cores (servers) at {top:,.0f} img/s", "", total,
                f"a zone of {plan.zones} and {spare(plan, total)} more may be dead")  # fmt: skip
    yield alone(f"{name}: a day, all cores always", "$", total * 24 * plan.price,
                f"{plan.price:g} an hour of a core is assumed")  # fmt: skip
    hours = sum(servers_for(plan, plan.rate(hour + 0.5), highest) for hour in range(24))
    yield alone(f"{name}: a day, cores as each hour asks", "$", hours * plan.price)
    yield alone(f"{name}: network at the peak", "Gbit/s", 8e-9 * top * work.sent,
                f"{8e-6 * highest * work.sent:.0f} Mbit/s of a server")  # fmt: skip
    yield alone(f"{name}: arrays at the peak", "GB/s", 1e-9 * top * work.moved,
                f"{1e-6 * highest * work.moved:.0f} MB/s of a server")  # fmt: skip
    yield from lost(work, plan, top / total, calls)
    if plan.gpu is not None:
        decoders = math.ceil(top * (work.decode + work.call))
        yield alone(f"{name}: GPUs at the peak", "", math.ceil(top / plan.gpu),
                    f"and {decoders:,} cores that decode for them")  # fmt: skip


def lost(work: Work, plan: Plan, each: float, calls: int) -> Iterator[Row]:
    """GROUP servers of each zone at the peak, of which a zone is lost for the second third of so
    many calls.

    Args:
        each: calls a second of a server while all are there.
    """
    servers = GROUP * plan.zones
    seconds = calls / (each * servers)
    start, end = seconds / 3, 2 * seconds / 3
    dead = [(start, end, range(GROUP))] if plan.zones > 1 else []
    found = simulate(work.replica, each * servers, seconds, servers=servers, dead=dead)
    times = {"before": (0, start), "while one zone is lost": (start, end)}
    for when, (begin, until) in times.items():
        for share in (0.5, 0.99):
            took = 1000 * found.centile(share, begin, until)
            yield alone(f"{work.name}: {share:.0%} within, {when}", "ms", took, "simulated")
    yield alone(f"{work.name}: longest queue of a server", "", found.queue,
                f"simulated; {work.replica.capacity} are taken; {found.refused} were refused, "
                f"{found.again} sent again")  # fmt: skip


WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 60, 46
COLORS = ("#1b6ca8", "#c4501b", "#2f7d4f")


def drawing(works: Sequence[Work], plan: Plan, calls: int) -> str:
    """Latency against load as SVG: the median and the 99th percentile of each network."""
    lines, names = [], []
    high, low = 4.0, 0.004

    def place(load: float, took: float) -> str:
        x = LEFT + (WIDTH - LEFT - 20) * load
        share = math.log(min(max(took, low), high) / low) / math.log(high / low)
        return f"{x:.1f},{HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 20) * share:.1f}"

    for number, work in enumerate(works):
        color = COLORS[number % len(COLORS)]
        rates = [load * work.replica.limit for load in LOADS]
        found = [simulate(work.replica, rate, calls / rate) for rate in rates]
        for share, dash in ((0.5, ""), (0.99, ' stroke-dasharray="6 4"')):
            points = " ".join(
                place(load, one.centile(share)) for load, one in zip(LOADS, found, strict=True)
            )
            lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" '
                         f'stroke-width="2"{dash}/>')  # fmt: skip
        names.append(f'<text x="{LEFT + 12}" y="{34 + 18 * number}" fill="{color}">{work.name}, '
                     f"{work.replica.limit:.0f} images/s at most</text>")  # fmt: skip
    for took in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
        y = place(0, took).partition(",")[2]
        lines.append(f'<path d="M{LEFT} {y}H{WIDTH - 20}" stroke="#8884"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y}" dy="4" text-anchor="end">'
                     f"{1000 * took:g} ms</text>")  # fmt: skip
    for load in (0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x = place(load, low).partition(",")[0]
        lines.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
                     f"{load:.0%}</text>")  # fmt: skip
    y = place(0, plan.target).partition(",")[2]
    lines.append(f'<path d="M{LEFT} {y}H{WIDTH - 20}" stroke="#888" stroke-dasharray="2 3"/>')
    middle = (LEFT + WIDTH - 20) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#555">\n'
        "<title>Latency of a server against its load, simulated</title>\n"
        + "\n".join(lines + names)
        + f'\n<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">load, of what full batches '
        "allow; solid: median, dashed: 99th percentile, dotted: the target</text>\n</svg>\n"
    )
