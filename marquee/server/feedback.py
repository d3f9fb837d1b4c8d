"""Ratings that visitors give, in a database. A rating that was acknowledged is on the disk."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from marquee.errors import MarqueeError, reason

MOST = 10_000  # ratings of one visitor
TABLE = sql.Table(
    "ratings",
    sql.MetaData(),
    sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("visitor", sql.String(64), nullable=False, index=True),  # SHA-256 of the token
    sql.Column("dataset", sql.Text, nullable=False),
    sql.Column("movie", sql.Text, nullable=False),  # the release's id
    sql.Column("title", sql.Text, nullable=False),
    sql.Column("rating", sql.Float),  # null: the visitor took it back
    sql.Column("time", sql.BigInteger, nullable=False),  # Unix seconds
    sql.Column("model", sql.Text),  # that showed the movie
    sql.Column("position", sql.Integer),  # in its list
)
SHOWN = ("movie", "title", "rating", "time", "model", "position", "dataset")


def new_token() -> str:
    """Return 32 random bytes as text: whoever has it is the visitor."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is stored in the place of a token, and leads back to none."""
    return hashlib.sha256(token.encode()).hexdigest()


class Feedback:
    """Store ratings under `url`, a database of SQLAlchemy. Raises MarqueeError where none opens there."""

    def __init__(self, url: str) -> None:
        try:
            self.engine = sql.create_engine(url, pool_pre_ping=True)  # the database may have restarted
            if self.engine.dialect.name == "sqlite":
                _prepare(self.engine)
            TABLE.metadata.create_all(self.engine)
        except (ArgumentError, NoSuchModuleError):
            raise MarqueeError(
                "the feedback address is none of SQLAlchemy: write it as sqlite:///data/feedback/feedback.sqlite"
            ) from None
        except ImportError as error:
            driver = "psycopg[binary]" if error.name in (None, "psycopg") else error.name  # it lacks libpq
            raise MarqueeError(
                f"the feedback database needs its driver {driver}: run `pip install '{driver}'`"
            ) from None
        except SQLAlchemyError as error:
            raise MarqueeError(
                f"the feedback database does not open ({reason(error)}): check its address"
            ) from None

    def add(self, token: str, dataset: str, model: str | None, rows: Sequence[dict[str, Any]]) -> None:
        """Store movie, title, rating and position of each row. They are on the disk when this returns.

        Raises MarqueeError where the visitor would have more than `MOST` ratings.
        """
        visitor, now = hashed(token), int(time.time())
        common = {"visitor": visitor, "dataset": dataset, "model": model, "time": now}
        with self.engine.begin() as connection:
            count = sql.select(sql.func.count()).where(TABLE.c.visitor == visitor)
            if (connection.scalar(count) or 0) + len(rows) > MOST:
                raise MarqueeError(f"this visitor has given {MOST:,} ratings: no more are stored")
            connection.execute(sql.insert(TABLE), [{**common, **row} for row in rows])

    def of(self, token: str) -> list[dict[str, Any]]:
        """Return all ratings of one visitor, the oldest first."""
        columns = (TABLE.c[name] for name in SHOWN)
        query = sql.select(*columns).where(TABLE.c.visitor == hashed(token)).order_by(TABLE.c.id)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def forget(self, token: str) -> int:
        """Delete all ratings of one visitor, from the file too, and return how many there were."""
        with self.engine.begin() as connection:
            gone = connection.execute(sql.delete(TABLE).where(TABLE.c.visitor == hashed(token))).rowcount
        if self.engine.dialect.name == "sqlite":  # the write-ahead log still has the deleted rows
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def any(self) -> bool:
        """Return whether a visitor has rated."""
        with self.engine.connect() as connection:
            return connection.execute(sql.select(TABLE.c.id).limit(1)).first() is not None

    def latest(self) -> list[dict[str, Any]]:
        """Return each visitor's last rating of each movie, sorted by (visitor, time, movie)."""
        same = (TABLE.c.visitor, TABLE.c.dataset, TABLE.c.movie)
        last = sql.select(sql.func.max(TABLE.c.id)).group_by(*same)
        order = (TABLE.c.visitor, TABLE.c.time, TABLE.c.dataset, TABLE.c.movie)
        query = sql.select(TABLE).where(TABLE.c.id.in_(last), TABLE.c.rating.is_not(None)).order_by(*order)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        self.engine.dispose()


def _prepare(engine: sql.Engine) -> None:
    """Have SQLite write ahead, sync each commit and overwrite what is deleted, in a file for this user."""
    if (name := engine.url.database) and name != ":memory:":
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(name, os.O_CREAT | os.O_RDWR, 0o600))

    @sql.event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {setting}")
