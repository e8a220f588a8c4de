"""Keys of callers and what they used, in any database that SQLAlchemy reaches.

A key is 256 random bits; only its SHA-256 is kept, for there is nothing in it to guess. Usage is
written before an answer goes out, the counts of many calls in one transaction, so that whoever
kills the process loses nothing that a caller has seen.
"""

import hashlib
import logging
import queue
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import make_url

from striate.errors import StorageError, UserError, one_line

log = logging.getLogger("striate.serving")

PREFIX = "striate_"
BELIEVED = 2.0  # seconds that a key is taken for good without asking again
REMEMBERED = 10_000  # keys, good and bad, at most
BUSY = 5000  # milliseconds that one waits for another's transaction
PATIENCE = 10_000  # milliseconds that a statement may take, and a server be silent
REACHED = 5  # seconds in which a server must be reached
TOGETHER = 512  # counts in one transaction

tables = sql.MetaData()
KEYS = sql.Table(
    "striate_keys", tables,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("name", sql.String(100), nullable=False, unique=True),
    sql.Column("digest", sql.String(64), nullable=False, unique=True),
    sql.Column("created", sql.DateTime, nullable=False),
    sql.Column("revoked", sql.DateTime),
)  # fmt: skip
USAGE = sql.Table(
    "striate_usage", tables,
    sql.Column("key", sql.ForeignKey(KEYS.c.id), primary_key=True),
    sql.Column("day", sql.Date, primary_key=True),
    sql.Column("calls", sql.BigInteger, nullable=False),
    sql.Column("images", sql.BigInteger, nullable=False),
)  # fmt: skip


@dataclass(frozen=True)
class Key:
    """A key as it is listed: all but the key."""

    id: int
    name: str
    created: datetime
    revoked: datetime | None
    calls: int
    images: int


class Keys:
    """The keys in a database.

    Args:
        url: as SQLAlchemy has it: `sqlite:////var/lib/striate/keys.db`, `postgresql://...`.

    Raises:
        UserError: if there is no such database; without the URL, which may hold a password.
    """

    def __init__(self, url: str):
        self._engine = open_database(url)
        self._known: dict[str, tuple[float, tuple[int, str] | None]] = {}
        self._counts: queue.SimpleQueue[tuple[int, int, Future[None]] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Writes what is counted, and lets go of the database."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer:
            self._counts.put(None)
            writer.join()
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[sql.Connection]:
        """A transaction.

        Raises:
            StorageError: if the database is full, locked or gone; without its URL.
        """
        try:
            with self._engine.begin() as database:
                yield database
        except sql.exc.IntegrityError:
            raise
        except sql.exc.SQLAlchemyError as error:
            reason = one_line(getattr(error, "orig", None) or type(error).__name__)
            raise StorageError(f"the keys cannot be read or written: {reason}") from error

    def add(self, name: str) -> str:
        """A new key of that name: the one time that it can be read.

        Raises:
            UserError: if there is one of that name.
            StorageError: if it cannot be written.
        """
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise UserError(f"a key's name has 1 to 100 printable characters, not {name!r}")
        key = PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "digest": digest(key), "created": now()}
        try:
            with self._begin() as database:
                database.execute(KEYS.insert().values(row))
        except sql.exc.IntegrityError:
            raise UserError(f"there is a key called {name!r}; choose another name") from None
        return key

    def rotate(self, name: str) -> str:
        """A new key in the place of the valid one of that name, which ends as if it were revoked.

        Name, number and usage stay.

        Raises:
            UserError: if there is no valid key of that name.
            StorageError: if it cannot be written.
        """
        key = PREFIX + secrets.token_urlsafe(32)
        chosen = (KEYS.c.name == name) & KEYS.c.revoked.is_(None)
        with self._begin() as database:
            done = database.execute(KEYS.update().where(chosen).values(digest=digest(key)))
        see_found(done.rowcount, name)
        return key

    def revoke(self, name: str) -> None:
        """Ends the key of that name; within BELIEVED seconds every server knows.

        Raises:
            UserError: if there is none, or it was revoked before.
        """
        chosen = (KEYS.c.name == name) & KEYS.c.revoked.is_(None)
        with self._begin() as database:
            done = database.execute(KEYS.update().where(chosen).values(revoked=now()))
        see_found(done.rowcount, name)

    def list(self) -> Sequence[Key]:
        """All keys, revoked ones too, with what they used."""
        calls, images = (
            sql.func.coalesce(sql.func.sum(column), 0) for column in (USAGE.c.calls, USAGE.c.images)
        )
        columns = (KEYS.c.id, KEYS.c.name, KEYS.c.created, KEYS.c.revoked)
        chosen = (
            sql.select(*columns, calls, images)
            .outerjoin(USAGE, USAGE.c.key == KEYS.c.id)
            .group_by(*columns)
            .order_by(KEYS.c.id)
        )
        with self._begin() as database:
            return [
                Key(*row[:4], calls=int(row[4]), images=int(row[5]))
                for row in database.execute(chosen)
            ]

    def any(self) -> bool:
        """Whether there was ever a key: who revokes the last one does not open the door."""
        with self._begin() as database:
            return database.execute(sql.select(KEYS.c.id).limit(1)).first() is not None

    def who(self, key: str) -> tuple[int, str] | None:
        """Number and name of a valid key; None for any other.

        Raises:
            StorageError: if the database cannot be read.
        """
        wanted, moment = digest(key), time.monotonic()
        known = self._known.get(wanted)
        if known and moment - known[0] < BELIEVED:
            return known[1]
        chosen = sql.select(KEYS.c.id, KEYS.c.name).where(
            KEYS.c.digest == wanted, KEYS.c.revoked.is_(None)
        )
        with self._begin() as database:
            row = database.execute(chosen).first()
        found = (int(row[0]), str(row[1])) if row else None
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[wanted] = moment, found
        return found

    def believed(self, key: str) -> bool:
        """Whether `who` answers without asking the database."""
        known = self._known.get(digest(key))
        return known is not None and time.monotonic() - known[0] < BELIEVED

    def count(self, key: int, images: int) -> "Future[None]":
        """One call of a key with so many pictures; done when that is written."""
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(
                    target=self._write, name="striate-usage", daemon=True
                )
                self._writer.start()
        future: Future[None] = Future()
        self._counts.put((key, images, future))
        return future

    def _write(self) -> None:
        going = True
        while going:
            waiting = [self._counts.get()]
            while len(waiting) < TOGETHER and waiting[-1] is not None:
                try:
                    waiting.append(self._counts.get_nowait())
                except queue.Empty:
                    break
            going = waiting[-1] is not None
            some = [each for each in waiting if each is not None]
            self._save(some)

    def _save(self, some: Sequence[tuple[int, int, "Future[None]"]]) -> None:
        """Writes the counts, a transaction for each key: one that fails fails its calls alone."""
        counts: dict[int, list[tuple[int, Future[None]]]] = defaultdict(list)
        for key, images, future in some:
            counts[key].append((images, future))
        day = datetime.now(UTC).date()
        for key, calls in counts.items():
            try:
                images = sum(each for each, _ in calls)
                add_usage(self._engine, key, day, len(calls), images)
            except Exception as error:  # the thread goes on
                log.error("usage could not be written: %s", type(error).__name__)
                for _, future in calls:
                    future.set_exception(StorageError("usage could not be written"))
            else:
                for _, future in calls:
                    future.set_result(None)


def see_found(rows: int, name: str) -> None:
    """Says so where no valid key has that name.

    Raises:
        UserError: if there are no rows.
    """
    if not rows:
        raise UserError(f"no key called {name!r} is valid; striate keys list shows them")


def add_usage(engine: sql.Engine, key: int, day: date, calls: int, images: int) -> None:
    """Adds to the counts of a key and day, whichever server is first that day."""
    chosen = (USAGE.c.key == key) & (USAGE.c.day == day)
    more = {"calls": USAGE.c.calls + calls, "images": USAGE.c.images + images}
    first = {"key": key, "day": day, "calls": calls, "images": images}
    with engine.begin() as database:
        if database.execute(USAGE.update().where(chosen).values(more)).rowcount:
            return
    try:
        with engine.begin() as database:
            database.execute(USAGE.insert().values(first))
    except sql.exc.IntegrityError:  # another server was first
        with engine.begin() as database:
            database.execute(USAGE.update().where(chosen).values(more))


def open_database(url: str) -> sql.Engine:
    """The database at a URL, with our tables; SQLite with a write-ahead log."""
    engine: sql.Engine | None = None
    try:
        place = make_url(url)
        name = place.render_as_string(hide_password=True)
        if place.get_backend_name() == "sqlite" and place.database:
            Path(place.database).parent.mkdir(parents=True, exist_ok=True)
        if place.drivername == "postgresql":  # the one of the extra, whatever SQLAlchemy prefers
            place = place.set(drivername="postgresql+psycopg")
        engine = sql.create_engine(
            place, hide_parameters=True, pool_pre_ping=True, connect_args=patience_of(place)
        )
        if place.get_backend_name() == "sqlite":
            sql.event.listen(engine, "connect", _sqlite)
        elif place.get_backend_name() == "postgresql":
            sql.event.listen(engine, "connect", _postgresql)
        make_tables(engine)
    except sql.exc.ArgumentError as error:
        raise UserError(
            "--keys is a database as SQLAlchemy writes it: sqlite:////srv/striate/keys.db"
        ) from error
    except ModuleNotFoundError as error:
        driver = "'striate[postgresql]'" if error.name == "psycopg" else error.name
        raise UserError(f"{name} needs a driver: pip install {driver}") from error
    except (sql.exc.SQLAlchemyError, OSError) as error:
        if engine is not None:
            engine.dispose()
        reason = one_line(getattr(error, "orig", None) or error)
        raise UserError(f"cannot open the keys at {name}: {reason}") from error
    return engine


def make_tables(engine: sql.Engine) -> None:
    """Our tables, where they are not there yet, whichever server is first."""
    try:
        tables.create_all(engine)
    except (sql.exc.IntegrityError, sql.exc.ProgrammingError, sql.exc.OperationalError):
        tables.create_all(engine)  # another server has just made them, or the same error again


def patience_of(place: sql.URL) -> dict[str, Any]:
    """How long libpq waits for a server, where the URL does not say."""
    if place.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    waits = {"connect_timeout": REACHED, "tcp_user_timeout": PATIENCE}
    return {name: value for name, value in waits.items() if name not in place.query}


def _postgresql(connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {PATIENCE}")
        cursor.execute(f"SET lock_timeout = {BUSY}")
    connection.commit()


def _sqlite(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY}")  # first: the next ones wait for the lock
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> datetime:
    """UTC, as databases without time zones keep it."""
    return datetime.now(UTC).replace(tzinfo=None)
