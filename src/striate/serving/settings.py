"""Everything about a service that a person may choose, and how much it takes from a caller."""

from dataclasses import dataclass, field

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What is refused before it costs memory or time.

    Attributes:
        image_bytes, video_bytes, text_bytes: of one file.
        json_bytes, body_bytes: of the body of a call, as JSON and altogether.
        values: numbers, strings, lists and objects in a JSON body.
        held_bytes: of everything that calls hold: bodies, files that were fetched, decoded pixels,
            answers.
        coming_bytes: how many of those bodies, fetched files and answers to come may take; the rest
            is left for decoding, so that whatever was taken can be finished.
        body_seconds: until a body is there, and until an answer has been read.
        body_rate: bytes a second that a body must bring on average, after its first seconds.
        pixels: of a picture, by its header; of one frame of a video, a fifth of that.
        inputs: pictures in a call.
        selected: names in `select_concepts`.
        frames: of a video that are answered.
        video_seconds: how long a video may play.
        video_patience: seconds of work on one video.
        scans: of a progressive JPEG; each costs as much as decoding the whole picture.
    """

    image_bytes: int = 32 * MEBIBYTE
    video_bytes: int = 99_999_999
    text_bytes: int = 2**20
    json_bytes: int = 64 * MEBIBYTE
    body_bytes: int = 128 * MEBIBYTE
    values: int = 2_000_000
    held_bytes: int = 1344 * MEBIBYTE
    coming_bytes: int = 512 * MEBIBYTE
    body_seconds: float = 300.0
    body_rate: int = 8 * 1024
    pixels: int = 50_000_000
    inputs: int = 128
    selected: int = 1000
    frames: int = 600
    video_seconds: float = 600.0
    video_patience: float = 120.0
    scans: int = 100


@dataclass(frozen=True)
class Settings:
    """One service.

    Attributes:
        models: files of recognizers; each is called by its file's name without the suffix.
        keys: the SQLAlchemy URL of the database of keys; None where there is none.
        engine, device: what computes networks, and where (see `striate.load`).
        batch: pictures that are computed together, at most.
        window: seconds that a batch waits for more pictures.
        queue: pictures of one model that are taken and not yet answered, at most, in all processes.
        deadline: seconds that a call has, once its body is there.
        poll: seconds between two checks of the models' files.
        index: the folder of an index that /search looks into; None for none.
        allow_links: whether pictures may be fetched for a caller.
        workers: processes that answer behind a front; 0 where one does everything.
    """

    models: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    keys: str | None = None
    engine: str = "torch"
    device: str = "auto"
    batch: int = 32
    window: float = 0.003
    queue: int = 512
    deadline: float = 30.0
    poll: float = 1.0
    allow_links: bool = False
    index: str | None = None
    workers: int = 0
    limits: Limits = field(default_factory=Limits)
