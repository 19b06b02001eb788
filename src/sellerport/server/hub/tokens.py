"""Access tokens of connections: one at a time for all processes, and no grant lost on the way.

    process memory → the row → a lease on the row → Login with Amazon → the journal → the row

1. A token in this process's memory, or in the connection's row, is used until shortly before it ends; and until it ends
   where the next one is not to be had: the database is away, or Amazon is. Nobody waits for the next one but those who
   come when the last seconds of the old one have begun.
2. In a process, whoever needs a new one waits for the one that asks. Of several processes, the one that holds the row's
   lease asks; it is taken and judged by the database's clock, and outlasts the request's time limit. No transaction is
   open meanwhile. What is to be read or written for many connections at the same moment is one transaction for all.
3. What came is on this machine's disk before the database is told, and the database takes it from whoever still holds
   the lease. A writer that comes late changes nothing, unless what it has is a newer grant for the one it used. What
   the database missed is taken up by whoever next needs the connection's token on this machine.
4. ``invalid_grant`` ends a grant, if the row still has that grant. A refused application is the application's trouble,
   and everything else passes: both leave connections as they are.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import RowMapping, select

from sellerport import oauth
from sellerport.errors import (
    ClientRefused,
    GrantRevoked,
    NotFound,
    SellerportError,
    StoreError,
    TokenError,
    TokenUnavailable,
    VaultError,
)
from sellerport.oauth import Grant, LwaClient, TokenAnswer
from sellerport.regions import Amazon
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.breaker import Breaker
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connection_tokens import ConnectionTokens
from sellerport.server.hub.connections import Connections, consent_again, whole
from sellerport.server.hub.journal import Entry, Journal, Refresh, remove_all, write_all
from sellerport.server.hub.leases import LEASE_S, Leases
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.opened import Opened
from sellerport.server.hub.together import Together
from sellerport.server.store import Database, connections
from sellerport.wire import Wire

log = logging.getLogger(__name__)

LIFE_S = 3600.0
"""No access token is believed to live longer."""
UNTOLD_LIFE_S = 60.0
"""What is believed of one that is said to have ended when it comes, so that it is not asked for with every call."""

MARGIN_S = 120.0
"""How long before its end a token is replaced when it is needed; half of its life at most."""
LAST = 1 / 4
"""Which part of that is too short to begin anything with: only then the next token is waited for."""
EARLY_S = 600.0
"""And how long before its end when nobody waits for it."""
USED_S = 86_400.0
"""A connection that nobody called for longer than this is not refreshed early."""

REQUEST_S = 10.0
"""How long Login with Amazon may take for one answer."""
REQUESTS_S = 20.0
"""And for all that is asked under one lease."""
BEGIN_S = 8.0
"""How old a lease may be when that begins: disks and queues can be slow, and another process must not ask meanwhile."""
WAIT_S = 12.0
"""How long another process is waited for."""
PUT_RIGHT_S = 30.0
"""By how much a clock may be set back, and what it says of a token is believed."""
PATIENCE_S = 30.0
"""How long a caller waits in all."""
LONGEST_PAUSE_S = 300.0
REFUSED_S = 60.0
"""How long an application that was refused for a connection is not tried again for it."""
FORCED_EVERY_S = 60.0
"""A connection's token is replaced before its time at most this often, whatever Amazon says of it."""

MOST_EARLY = 2_000
MOST_LOOKED_AT = 50_000
"""How many tokens are refreshed early at a time, and of how many that end soon they are chosen."""

IN_HAND = 96
"""Leases that this process has at once, at most: some are waited for by the disk, while others are asked under."""
AT_ONCE = 32
"""Token requests of this process under way."""

_t = connections.c
_Flight = asyncio.Task[str]


@dataclass(frozen=True)
class _Held:
    access_token: str = field(repr=False)
    generation: int
    until: float
    """By the monotonic clock."""
    margin: float


@dataclass(frozen=True)
class _Seen:
    """A connection as its row was at a moment."""

    row: RowMapping = field(repr=False)
    opened: Opened
    ahead: float
    """How far the database's clock is ahead of the monotonic one."""


@dataclass
class _Login:
    """How Login with Amazon treats an application."""

    breaker: Breaker
    failure: TokenError | None = None
    """The last one."""


class AccessTokens:
    """The access tokens of every connection.

    Args:
        database: where they are shared, sealed.
        connections, applications: whose they are, and what they are asked for with.
        changes: told of what happened to a grant.
        journal: where what came is kept until the database has it.
        amazon: the real one or a local one.
        wire: what HTTP goes out through.
        mint: makes the name by which this process holds leases.
        monotonic: seconds; what is remembered here is judged by it.
        jitter: a number from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections,
        applications: Applications,
        changes: Changes,
        journal: Journal[Refresh],
        *,
        amazon: Amazon,
        wire: Wire,
        mint: Mint,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._connections = connections
        self._applications = applications
        self._journal = journal
        self._amazon = amazon
        self._wire = wire
        self._mint = mint
        self._monotonic = monotonic
        self._jitter = jitter
        self._leases = Leases(database, changes, mint.id())
        self._rows = Together(self._read_all)
        self._begin: Together[Any, Entry[Refresh]] = Together(lambda new: asyncio.to_thread(journal.begin_all, new))
        self._write: Together[Any, None] = Together(lambda came: asyncio.to_thread(write_all, came))
        self._remove: Together[Any, None] = Together(lambda entries: asyncio.to_thread(remove_all, entries))
        self._held: dict[str, _Held] = {}
        self._flights: dict[tuple[str, str | None], _Flight] = {}
        """Who fetches a connection's token, by its id and the token that is to be replaced before its time."""
        self._forced: dict[str, float] = {}
        self._refused: dict[str, tuple[float, LwaClient, ClientRefused]] = {}
        self._logins: dict[LwaClient, _Login] = {}
        self._grantless = oauth.Tokens(clock=monotonic, jitter=jitter)
        self._in_hand = asyncio.Semaphore(IN_HAND)
        self._at_once = asyncio.Semaphore(AT_ONCE)
        connections.on_deleted.append(lambda id: self._held.pop(id, None))
        self._refusals = Breaker(monotonic)
        """Of answers that call an access token expired."""

    def of(self, opened: Opened) -> ConnectionTokens:
        """Return what a client asks for the access tokens of one connection."""
        return ConnectionTokens(self, self._grantless, opened)

    def holds(self, opened: Opened) -> bool:
        """Return whether a token that has not ended is in memory, so that a call needs no database."""
        return self._usable(opened, None) is not None

    def ready(self, opened: Opened) -> str | None:
        """Return a token that lasts longer than one is kept for; None where `get` has to be asked."""
        usable = self._usable(opened, None)
        return usable.access_token if usable is not None and self._lasts(usable, usable.margin) else None

    async def get(self, opened: Opened, instead_of: str | None = None) -> str:
        """Return an access token of a connection.

        Args:
            opened: the connection, with its grant.
            instead_of: a token that Amazon called expired. It is given back all the same if another was fetched within
                the last minute, or if Amazon says so of too many: then it is not about the token.

        Raises:
            GrantRevoked: the grant is over; the connection needs consent again.
            ClientRefused: Login with Amazon refuses the application.
            TokenUnavailable: there is none for now.
            NotFound: the connection was deleted meanwhile.
            StoreError, VaultError: it can be neither read nor kept.
        """
        self._refusals.note(good=instead_of is None)
        id, usable = opened.connection.id, self._usable(opened, instead_of)
        if usable is not None and self._lasts(usable, usable.margin * LAST):
            if not self._lasts(usable, usable.margin):
                _ = self._flight(id, least_s=usable.margin, held=opened.held_secret)  # for whoever comes later
            return usable.access_token
        if instead_of is not None and (id, instead_of) not in self._flights and not self._may_force(id):
            return instead_of
        try:
            async with asyncio.timeout(PATIENCE_S):
                # a caller that leaves takes nobody's token along
                return await asyncio.shield(self._flight(id, instead_of, held=opened.held_secret))
        except GrantRevoked:
            raise
        except (StoreError, VaultError, TokenError, TimeoutError) as error:
            if usable := self._usable(opened, instead_of):
                log.warning("an access token is used until it ends: %s", error, extra={"connection": id})
                return usable.access_token
            if isinstance(error, TimeoutError):
                raise TokenUnavailable(
                    f"connection {id} waited {PATIENCE_S:.0f} s for an access token behind others; try again"
                ) from None
            raise

    async def refresh_due(self, within_s: float = EARLY_S, used_s: float = USED_S, most: int = MOST_EARLY) -> int:
        """Refresh what ends soon and was used lately, each at a moment of its own; return how many were refreshed.

        Args:
            within_s: how long before its end a token is replaced, at most; half of it at least.
            used_s: a connection that nobody called for longer than this is left alone.
            most: how many at a time.
        """
        self._forget()
        now = self._database.now()
        remaining = (_t.access_token_expires_at - now).label("remaining")
        life = (_t.access_token_expires_at - _t.access_token_issued_at).label("life")
        due = (
            select(_t.id, remaining, life)
            .where(_t.status == "active", self._leases.idle(), _t.access_token_expires_at < now + within_s)
            .where(_t.next_refresh_at.is_(None) | (_t.next_refresh_at <= now))
            .where(_t.last_success_at > now - used_s, _t.client_held.is_(False))
            .order_by(_t.access_token_expires_at)
            .limit(MOST_LOOKED_AT)
        )
        async with self._database.reading() as store:
            rows = (await store.execute(due)).all()
        early = []
        for row in rows:  # all of them: those that end first are not those whose moment comes first
            least = min(within_s * (0.5 + 0.5 * _fraction(row.id)), row.life / 2)
            held = self._held.get(row.id)
            # what was fetched here is judged by a clock that nobody sets: a jump of the other is no reason
            if row.remaining < least and (held is None or held.until - self._monotonic() < within_s):
                early.append((row.remaining - least, row.id, least))
        chosen = sorted(early)[:most]
        return sum(await asyncio.gather(*(self._renew_early(id, least) for _, id, least in chosen)))

    async def recover(self, connection_id: str | None = None) -> int:
        """Give the database what processes that died, or met no database, left in the journal; of all, or of one.

        Return how many rows changed. What cannot be stored stays there, for the next time.
        """
        recovered = 0
        for entry, refresh in self._journal.left_behind(f"{connection_id}." if connection_id else ""):
            try:
                recovered += refresh is not None and await self._leases.take_up(refresh)
            except Exception as error:  # whatever is wrong with one is no reason to leave the others
                id = refresh and refresh.connection_id
                unforeseen = None if isinstance(error, SellerportError) else error
                log.warning(
                    "a refresh stays in the journal for now: %s", error, extra={"connection": id}, exc_info=unforeseen
                )
                entry.close()
            except BaseException:
                entry.close()
                raise
            else:
                entry.remove()
        return recovered

    async def aclose(self) -> None:
        """Wait for what is under way: an answer of Amazon's must not be lost because the server stops."""
        while self._flights:
            await asyncio.wait(self._flights.values())

    # below: one flight

    def _flight(self, id: str, replaces: str | None = None, least_s: float = 0, held: str | None = None) -> _Flight:
        """Return the task that fetches a token, a new one if there is none."""
        key = (id, replaces)
        if (flight := self._flights.get(key)) is None:
            flight = self._flights[key] = asyncio.ensure_future(self._fetch(id, replaces, least_s, held))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def _landed(self, key: tuple[str, str | None], done: _Flight) -> None:
        self._flights.pop(key, None)
        if not done.cancelled():
            done.exception()  # it was raised to those who waited, if anybody did

    async def _fetch(self, id: str, instead_of: str | None, least_s: float, held: str | None) -> str:
        """Return a token that is good for so many seconds, or long enough for a call: from the row, or from Amazon."""
        deadline = math.inf
        while True:
            seen = await self._read(id, held)
            row, opened = seen.row, seen.opened
            found = await self._from_row(seen)
            if found is not None and found.access_token != instead_of:
                self._keep(id, found)
                if self._lasts(found, least_s or found.margin * LAST):
                    return found.access_token
            if row["lease_owner"] is not None and await self.recover(id):
                continue  # whoever had the lease is gone, and left this
            if row["pause"] is not None and 0 < row["pause"] <= LONGEST_PAUSE_S:  # else the clock was set back
                what = f"Login with Amazon gives connection {id} no token for now; it is asked again in "
                raise TokenUnavailable(f"{what}{row['pause']:.0f} s", retry_after=row["pause"])
            self._check_refused(opened)
            if row["idle"]:
                async with self._in_hand:  # before the lease is taken, which must not run out in a long queue
                    token = await self._attempt(seen)
                if token is not None:
                    return token
            elif self._monotonic() < deadline:
                deadline = min(deadline, self._monotonic() + WAIT_S)
            else:
                raise TokenUnavailable(
                    f"another server process has been fetching the token of connection {id} for {WAIT_S:.0f} s; "
                    f"if it died, its lease ends within {LEASE_S:.0f} s",
                    retry_after=5.0,
                )
            await self._wire.sleep(0.02 + 0.06 * self._jitter())

    async def _attempt(self, seen: _Seen) -> str | None:
        """Ask for a token and see it into the database; None if that is not ours to do, or the row moved on."""
        opened, id = seen.opened, seen.opened.connection.id
        login = self._logins.setdefault(opened.client, _Login(Breaker(self._monotonic)))
        if not login.breaker.allows():
            what = "Login with Amazon fails for the whole application for now, and is asked once a second"
            why = f": {login.failure.message}" if login.failure else ""
            raise TokenUnavailable(what + why, retry_after=1.0 + 9.0 * self._jitter())
        seal_tokens = await self._connections.sealer(opened)  # now, as neither a lease nor what comes waits for a vault
        leased = self._monotonic()
        lease = await self._leases.take(seen.row)
        if lease is None:
            return None
        refresh = Refresh(id, opened.generation, lease)
        try:
            entry = await self._begin((f"{id}.{lease}.{self._mint.id()}", refresh))
            try:
                if (took := self._monotonic() - leased) > BEGIN_S:
                    raise TokenUnavailable(f"the journal took {took:.0f} s for an entry; try again")
                async with self._at_once:
                    began = self._monotonic()
                    answer = await self._ask(opened, login) if began - leased <= BEGIN_S else None
            except BaseException:
                entry.remove()
                raise
            if answer is None:  # too many were before it
                entry.remove()
                await self._let_go(refresh)
                return None
        except GrantRevoked:
            await self._ended(opened)
            return None
        except TokenUnavailable as error:
            await self._let_go(refresh, **self._pause(seen.row, error))
            raise
        except BaseException:
            await self._let_go(refresh)
            raise
        life = _life(answer)
        rotated = answer.refresh_token if answer.refresh_token not in (None, "", opened.refresh_token) else None
        columns = {
            **seal_tokens(answer.access_token, rotated),
            "access_token_issued_at": began + seen.ahead,
            "access_token_expires_at": began + seen.ahead + life,
        }
        generation = columns.get("grant_generation", opened.generation)
        held = _Held(answer.access_token, generation, began + life, _margin(life))
        stored = await self._store(entry, msgspec.structs.replace(refresh, columns=columns))
        return self._keep(id, held) if stored else None

    async def _ask(self, opened: Opened, login: _Login) -> TokenAnswer:
        attempts = 1 if login.breaker.is_open else oauth.ATTEMPTS
        try:
            async with asyncio.timeout(REQUESTS_S):
                answer = await self._ask_with_either_secret(opened, attempts)
        except GrantRevoked:
            login.breaker.close()  # it works, and said so
            raise
        except TimeoutError:
            login.breaker.note(good=False)
            login.failure = TokenUnavailable(f"Login with Amazon gave no answer within {REQUESTS_S:.0f} s; try later")
            raise login.failure from None
        except TokenError as error:
            login.breaker.note(good=False)
            login.failure = type(error)(error.message)  # a copy: what was raised holds every frame up to the caller's
            if isinstance(error, ClientRefused):
                until = self._monotonic() + REFUSED_S
                self._refused[opened.connection.id] = (until, opened.client, ClientRefused(error.message))
            raise
        login.breaker.note(good=True)
        login.breaker.close()
        return answer

    async def _ask_with_either_secret(self, opened: Opened, attempts: int) -> TokenAnswer:
        async def ask(client: LwaClient) -> TokenAnswer:
            grant = Grant(client, opened.refresh_token)
            return await oauth.refresh(self._wire, self._amazon, grant, REQUEST_S, self._jitter, attempts)

        try:
            return await ask(opened.client)
        except ClientRefused as refused:
            answer = None
            if opened.previous_client is not None:  # Amazon accepts the one before for a while
                with suppress(ClientRefused):
                    answer = await ask(opened.previous_client)
            await self._tell_refused(opened, previous_works=answer is not None)
            if answer is None:
                raise refused
            return answer

    async def _tell_refused(self, opened: Opened, previous_works: bool) -> None:
        connection = opened.connection
        if connection.application_id is None:
            return
        try:
            await self._applications.note_refused_secret(
                connection.organization_id, connection.application_id, previous_works=previous_works
            )
        except (StoreError, VaultError) as error:  # which must not cost what Amazon just answered
            facts = {"application": connection.application_id}
            log.warning("that an application's secret is refused could not be noted: %s", error, extra=facts)

    async def _store(self, entry: Entry[Refresh], refresh: Refresh) -> bool:
        """Keep what came: in the journal, then in the database; False if the row has moved on."""
        facts = {"connection": refresh.connection_id}
        try:
            await self._write((entry, refresh))
        except StoreError as error:
            log.error("a new token is not in the journal: %s", error, extra=facts)  # the database may take it yet
        try:
            stored = await self._leases.store(refresh, "grant.refreshed")
        except (StoreError, VaultError) as error:
            log.warning("a new token is in the journal, not in the database: %s", error, extra=facts)
            entry.close()
            return True  # it is good here; and in the database as soon as that takes it
        await self._remove(entry)
        return stored

    async def _ended(self, opened: Opened) -> None:
        """Note that the grant is over; if there is a newer one by now, in the row or in the journal, that is used.

        Raises:
            GrantRevoked: there is none.
        """
        id = opened.connection.id
        if not await self.recover(id) and await self._connections.mark_revoked(opened):
            raise consent_again(id)

    # below: the row

    async def _read(self, id: str, held: str | None = None) -> _Seen:
        """Return the connection as it is now; with the database's time, and whether anybody asks or may ask."""
        row, at = await self._rows(id)
        if row is None or row["status"] in ("disconnected", "pending"):
            raise NotFound(f"no connection {id!r}")
        if row["status"] == "needs_consent":
            raise consent_again(id)
        return _Seen(row, await self._connections.opened(row, held), row["now"] - at)

    async def _read_all(self, ids: list[str]) -> list[tuple[RowMapping | None, float]]:
        """Return connections' rows, and when they were read."""
        now = self._database.now()
        pause = (_t.next_refresh_at - now).label("pause")
        wanted = whole(now.label("now"), pause, self._leases.idle().label("idle")).where(_t.id.in_(set(ids)))
        async with self._database.reading() as store:
            rows = {row["id"]: row for row in (await store.execute(wanted)).mappings()}
        at = self._monotonic()
        return [(rows.get(id), at) for id in ids]

    async def _from_row(self, seen: _Seen) -> _Held | None:
        row = seen.row
        if row["sealed_access_token"] is None or row["access_token_issued_at"] is None:
            return None
        if not row["access_token_issued_at"] - PUT_RIGHT_S <= row["now"] < row["access_token_expires_at"]:
            return None  # it ended; or the clock was set back by more, and nobody knows when it ends
        life, until = row["access_token_expires_at"] - row["access_token_issued_at"], row["access_token_expires_at"]
        if life > LIFE_S + 1:
            return None  # this was not written here
        token = await self._connections.access_token(row, seen.opened.held_secret)
        return _Held(token, seen.opened.generation, until - seen.ahead, _margin(life))

    async def _let_go(self, refresh: Refresh, **values: Any) -> None:
        try:
            await self._leases.give_back(refresh, **values)
        except StoreError as error:
            facts = {"connection": refresh.connection_id}
            log.warning("a lease could not be given back, and ends by itself: %s", error, extra=facts)

    def _pause(self, row: RowMapping, error: TokenUnavailable) -> dict[str, Any]:
        """Let nobody ask again for a while: longer from failure to failure, and never all at once."""
        failures = row["refresh_failures"]
        pause = min(LONGEST_PAUSE_S, max(error.retry_after, 2.0 ** min(failures, 16) * self._jitter()))
        return {"refresh_failures": failures + 1, "next_refresh_at": self._database.now() + pause}

    async def _renew_early(self, id: str, least_s: float) -> bool:
        if (id, None) in self._flights:
            return False
        try:
            await asyncio.shield(self._flight(id, least_s=least_s))
        except SellerportError as error:  # one that fails is no reason to leave the others
            log.warning("a token was not refreshed early: %s", error, extra={"connection": id})
            return False
        return True

    # below: this process's memory

    def _usable(self, opened: Opened, instead_of: str | None) -> _Held | None:
        """Return what has not ended."""
        held = self._held.get(opened.connection.id)
        if held is None or held.generation < opened.generation or held.access_token == instead_of:
            return None
        return held if held.until > self._monotonic() else None

    def _lasts(self, held: _Held, least_s: float) -> bool:
        return held.until - self._monotonic() >= least_s

    def _keep(self, id: str, held: _Held) -> str:
        self._held[id] = held
        return held.access_token

    def _may_force(self, id: str) -> bool:
        now = self._monotonic()
        if now - self._forced.get(id, -math.inf) < FORCED_EVERY_S or not self._refusals.allows():
            return False
        self._forced[id] = now
        return True

    def _check_refused(self, opened: Opened) -> None:
        """Spare an application's refusals: until it has another secret, or for a minute."""
        until, client, refused = self._refused.get(opened.connection.id, (-math.inf, None, None))
        if refused is not None and client == opened.client and self._monotonic() < until:
            raise ClientRefused(refused.message)

    def _forget(self) -> None:
        """Drop what has ended."""
        now = self._monotonic()
        self._held = {id: held for id, held in self._held.items() if held.until > now}
        self._forced = {id: at for id, at in self._forced.items() if now - at < FORCED_EVERY_S}
        self._refused = {id: one for id, one in self._refused.items() if one[0] > now}


def _life(answer: TokenAnswer) -> float:
    """Return how long a token lives, in seconds; Amazon says an hour, and no more or less is taken at its word."""
    return min(answer.expires_in, LIFE_S) if answer.expires_in > 0 else UNTOLD_LIFE_S


def _margin(life: float) -> float:
    return min(MARGIN_S, life / 2)


def _fraction(id: str) -> float:
    """Return a number from 0 to 1 that is a connection's own, so that not all refresh at the same moment."""
    return int(id[:8], 16) / 0xFFFFFFFF
