"""What Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counters of one service; labels are routes and models, never anything a caller sent."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "striate_requests", "Calls answered", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "striate_request_seconds", "From the first byte to the last", ["route"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.images = Counter(
            "striate_images", "Pictures and frames", ["model", "outcome"], registry=registry
        )
        self.batches = Histogram(
            "striate_batch_images", "Pictures computed together", ["model"],
            buckets=SIZES, registry=registry,
        )  # fmt: skip
        self.computing = Counter(
            "striate_compute_seconds", "Spent computing batches", ["model"], registry=registry
        )
        self.waiting = Gauge(
            "striate_images_waiting", "Taken and not yet answered", ["model"], registry=registry
        )
        self.held = Gauge(
            "striate_held_bytes", "Bytes that calls hold in memory", registry=registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answered call."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def batch(self, model: str, count: int, seconds: float) -> None:
        """Counts a computed batch."""
        self.batches.labels(model).observe(count)
        self.computing.labels(model).inc(seconds)

    def answered(self, model: str, good: int, bad: int) -> None:
        """Counts pictures."""
        if good:
            self.images.labels(model, "answered").inc(good)
        if bad:
            self.images.labels(model, "failed").inc(bad)

    def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self.registry)
