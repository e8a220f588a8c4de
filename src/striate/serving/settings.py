"""Everything about a service that a person may choose, and how much it takes from a caller."""

from dataclasses import dataclass, field

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What is refused before it costs memory or time.

    Attributes:
        image_bytes, video_bytes: of one file.
        json_bytes, body_bytes: of the body of a call, as JSON and altogether.
        held_bytes: of all bodies that are being received or answered.
        body_seconds: until a body is there.
        pixels: of a picture, by its header; and of one frame of a video, a fifth of that.
        inputs: pictures in a call.
        frames: of a video that are answered.
        video_seconds: how long a video may play.
        video_patience: seconds of work on one video.
        scans: of a progressive JPEG; each costs as much as decoding the whole picture.
    """

    image_bytes: int = 32 * MEBIBYTE
    video_bytes: int = 99_999_999
    json_bytes: int = 64 * MEBIBYTE
    body_bytes: int = 128 * MEBIBYTE
    held_bytes: int = 512 * MEBIBYTE
    body_seconds: float = 300.0
    pixels: int = 50_000_000
    inputs: int = 128
    frames: int = 600
    video_seconds: float = 600.0
    video_patience: float = 120.0
    scans: int = 100


@dataclass(frozen=True)
class Settings:
    """One service.

    Attributes:
        models: files of recognizers; each is called by its file's name without the suffix.
        keys: the SQLAlchemy URL of the database of keys; None where there is none to look into.
        engine: what computes networks (see `Recognizer`).
        batch: pictures that are computed together, at most.
        window: seconds that a batch waits for more pictures.
        queue: pictures of one model that are taken and not yet answered, at most.
        deadline: seconds that a call has, once its body is there.
        look: seconds between two looks at the files of the models.
        allow_links: whether pictures may be fetched for a caller.
    """

    models: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    keys: str | None = None
    engine: str = "torch"
    batch: int = 32
    window: float = 0.003
    queue: int = 512
    deadline: float = 30.0
    look: float = 1.0
    allow_links: bool = False
    limits: Limits = field(default_factory=Limits)
