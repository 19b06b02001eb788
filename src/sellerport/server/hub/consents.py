"""The consent flow: from a link for the account's owner to a sealed grant.

1. `initiate`: the organization's backend gets a link. It works for ten minutes, in the first browser that opens it.
2. `start`: that browser opens the link, gets a cookie, and goes on to Amazon's consent page with a state of its own.
3. `finish`: Amazon sends the browser back with the state and a code. The state is used up, whatever happens then; the
   code is exchanged, and the connection appears together with its sealed grant, or not at all.

State, link and cookie are 256-bit secrets, stored as hashes. An answer from another browser than the one that started
uses nothing up (RFC 6749 §10.12, RFC 9700 §4.7).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from sqlalchemy import RowMapping, delete, insert, select, update

from sellerport import oauth, regions
from sellerport.errors import (
    ClientRefused,
    ConsentError,
    GrantRevoked,
    InvalidArguments,
    NotFound,
    Problem,
    SellerportError,
    StoreError,
    TokenUnavailable,
    VaultError,
)
from sellerport.regions import Amazon, Marketplace
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.mint import Mint, digest, same
from sellerport.server.hub.records import Application, Caller, Connection, is_partner_id, required
from sellerport.server.hub.return_urls import ReturnUrls
from sellerport.server.store import Database, applications, consents
from sellerport.wire import Wire

log = logging.getLogger(__name__)

LIFE_S = 600
LONGEST_S = 1800
"""Opening a link again begins its ten minutes anew, but not past this time after it was made."""

FORGET_AFTER_S = 86_400
ANSWER_NAMES = ("connector_id", "error", "error_description")

_t = consents.c


@dataclass(frozen=True)
class Started:
    """Where a browser goes next, and the cookie by which it will be known when it comes back."""

    location: str = field(repr=False)
    cookie: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Finished:
    """How a consent ended: with a connection or an error; ``location`` is the return URL, if there is one."""

    cookie: str
    connection: Connection | None = None
    error: ConsentError | None = None
    location: str | None = None


class Consents:
    """Consents under way."""

    def __init__(
        self,
        database: Database,
        *,
        applications: Applications,
        connections: Connections,
        return_urls: ReturnUrls,
        amazon: Amazon,
        public_url: str,
        wire: Wire,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._applications = applications
        self._connections = connections
        self._return_urls = return_urls
        self._amazon = amazon
        self._public_url = public_url
        self._wire = wire
        self._mint = mint
        self._clock = clock
        self.secure = public_url.startswith("https://")

    @property
    def callback_url(self) -> str:
        """Where Amazon sends browsers back to; the application has to have it among its redirect addresses."""
        return f"{self._public_url}/oauth/callback"

    async def initiate(
        self,
        caller: Caller,
        *,
        customer: str | None = None,
        name: str | None = None,
        marketplace: Marketplace | None = None,
        return_url: str | None = None,
        application: str | None = None,
        connection_id: str | None = None,
        vendor: bool = False,
        replication_config: dict[str, Any] | None = None,
    ) -> str:
        """Return a link for the account's owner; a browser that opens it comes to Amazon's consent page.

        Args:
            caller: whose organization the connection will belong to.
            customer: the organization's own name for its user; with ``connection_id``, that connection's.
            name: what to call the connection.
            marketplace: where the account trades; the United States if not given.
            return_url: where the browser goes in the end; a page of this server if not given.
            application: the name of the registered application, where there are several.
            connection_id: a connection that needs a new grant, instead of a new connection.
            vendor: whether the account is a vendor's.
            replication_config: kept with the connection.

        Raises:
            InvalidArguments, NotFound, CallerError: name the field, and what to do.
        """
        organization_id, now, renewed = caller.organization_id, self._clock(), None
        if connection_id is not None:
            renewed = await self._connections.get(caller, connection_id)
            marketplace = _same_region(renewed, marketplace)
            if customer not in (None, renewed.customer):
                raise NotFound(f"no connection {connection_id!r} of this customer")
            customer, name = renewed.customer, renewed.name
        customer, name = customer or "", name or "Amazon Seller Partner"
        required(customer=customer, name=name)
        if return_url is not None:
            await self._return_urls.check(organization_id, return_url, "redirect_url")
        through = await self._through(organization_id, application, renewed)
        link = self._mint.secret("")
        row = {
            "id": self._mint.id(),
            "organization_id": organization_id,
            "customer": customer,
            "application_id": through.id,
            "connection_id": connection_id,
            "name": name,
            "marketplace": (marketplace or regions.marketplace("US")).id,
            "vendor": vendor,
            "return_url": return_url,
            "replication_config": replication_config or {},
            "link_hash": digest(link),
            "created_at": now,
            "expires_at": now + LIFE_S,
        }
        async with self._database.writing() as store:
            await store.execute(delete(consents).where(_t.expires_at < now - FORGET_AFTER_S))
            await store.execute(insert(consents).values(row))
        return f"{self._public_url}/connect/{link}"

    async def start(self, link: str, cookies: Mapping[str, str]) -> Started:
        """Bind a link to the browser that opened it, and return where on Amazon it goes.

        The same browser may open it again, which gives it a new state; another may not. Whatever goes wrong, the link
        is not bound: nothing that can fail comes after the one transaction.

        Raises:
            ConsentError: the link is unknown, used, expired, or was opened in another browser.
            StoreError: the database cannot be written.
        """
        through = (applications.c.application_id.label("amazon_application_id"), applications.c.draft.label("draft"))
        wanted = select(consents, *through).join(applications, applications.c.id == _t.application_id)
        async with self._database.writing() as store:
            row = (await store.execute(wanted.where(_t.link_hash == digest(link)))).mappings().first()
            if row is None:
                raise ConsentError("this link is not known here; ask for a new one where you got it")
            self._check_open(row)
            cookie = self._cookie(row["id"])
            browser = cookies.get(cookie, "")
            if row["browser_hash"] is None:
                browser = self._mint.secret("")
            elif not same(browser, row["browser_hash"]):
                raise ConsentError("this link was opened in another browser; go on there, or ask for a new link")
            state = self._mint.secret("")
            location = oauth.consent_url(
                self._amazon,
                regions.marketplace(row["marketplace"]),
                row["amazon_application_id"],
                state,
                redirect_uri=self.callback_url,
                draft=row["draft"],
                vendor=row["vendor"],
            )
            values = {
                "state_hash": digest(state),
                "browser_hash": digest(browser),
                "expires_at": min(self._clock() + LIFE_S, row["created_at"] + LONGEST_S),
            }
            await store.execute(update(consents).where(_t.id == row["id"]).values(values))
        return Started(location, cookie, browser)

    async def finish(self, params: Mapping[str, str], cookies: Mapping[str, str]) -> Finished:
        """Take Amazon's answer, and turn it into a connection.

        Raises:
            ConsentError: the state is unknown, used or expired, or belongs to another browser: nowhere to go from here.
            StoreError: the database cannot be written; nothing was used up, so that the same answer may be tried again.
        """
        consent = await self._claim(params.get("state", ""), cookies)
        cookie, return_url = self._cookie(consent["id"]), consent["return_url"]
        try:
            connection = await self._connect(consent, params)
        except (ConsentError, NotFound, StoreError, VaultError) as error:
            log.warning("a consent came to nothing: %s", error, extra={"consent": consent["id"]})
            failure = error if isinstance(error, ConsentError) else _failed(error)
            answer = {"error": failure.reason, "error_description": failure.message}
            return Finished(cookie, error=failure, location=return_url and _with(return_url, answer))
        location = return_url and _with(return_url, {"connector_id": connection.id})
        return Finished(cookie, connection=connection, location=location)

    async def _through(self, organization_id: str, name: str | None, renewed: Connection | None) -> Application:
        """Return the application to consent to: the one named, the connection's own, or the organization's."""
        if name is None and renewed is not None and renewed.application_id is not None:
            found = await self._applications.get(organization_id, renewed.application_id)
        else:
            found = await self._applications.find(organization_id, name)
        if found.application_id is None:
            problem = f"the application {found.name!r} has no application id (amzn1.sp.solution.…), which consent needs"
            raise InvalidArguments(problems=[Problem("application", problem)])
        return found

    async def _claim(self, state: str, cookies: Mapping[str, str]) -> RowMapping:
        """Use up a state; of any number of answers with the same one, exactly one gets past here."""
        async with self._database.writing() as store:
            row = (await store.execute(select(consents).where(_t.state_hash == digest(state)))).mappings().first()
            if row is None:
                raise ConsentError("this answer belongs to no consent that was started here; start again")
            if not same(cookies.get(self._cookie(row["id"])), row["browser_hash"]):
                raise ConsentError(
                    "this browser did not start the consent: its cookie is missing, or another's; start again here"
                )
            self._check_open(row)
            # SQLite's writers take turns, so that the check above would do; a database whose writers run side by side
            # needs the condition in the update itself
            mine = (_t.id == row["id"]) & _t.used_at.is_(None)
            claimed = await store.execute(update(consents).where(mine).values(used_at=self._clock()))
            if claimed.rowcount != 1:
                raise _used()
        return row

    def _check_open(self, row: RowMapping) -> None:
        if row["used_at"] is not None:
            raise _used()
        if row["expires_at"] <= self._clock():
            raise ConsentError("this took too long and has expired; start again")

    async def _connect(self, consent: RowMapping, params: Mapping[str, str]) -> Connection:
        if "error" in params:
            reason = "access_denied" if params["error"] == "access_denied" else "creation_failed"
            raise ConsentError("the account's owner did not give consent; nothing was connected", reason=reason)
        code, partner = params.get("spapi_oauth_code", ""), params.get("selling_partner_id", "")
        if not code or not is_partner_id(partner):
            raise ConsentError("Amazon's answer has no code or no selling partner id; start again", "creation_failed")
        caller = Caller(consent["organization_id"])
        application = await self._applications.get(caller.organization_id, consent["application_id"])
        client = await self._applications.lwa_client(caller.organization_id, application.id)
        try:
            answer = await oauth.exchange_code(self._wire, self._amazon, client, code, self.callback_url)
        except GrantRevoked as error:
            what = "Amazon does not accept the code: it was used before, or is older than five minutes; start again"
            raise ConsentError(what, "creation_failed") from error
        except ClientRefused as error:
            what = "Amazon does not accept the application's client id or secret; correct them here, then start again"
            raise ConsentError(what, "creation_failed") from error
        except TokenUnavailable as error:
            raise ConsentError(
                "Amazon did not exchange the code for now; start again later", "creation_failed"
            ) from error
        assert answer.refresh_token is not None, "exchange_code sees to it"
        if consent["connection_id"] is not None:
            return await self._connections.renew(
                caller,
                consent["connection_id"],
                application_id=application.id,
                refresh_token=answer.refresh_token,
                selling_partner_id=partner,
            )
        return await self._connections.create(
            caller,
            customer=consent["customer"],
            name=consent["name"],
            marketplace=regions.marketplace(consent["marketplace"]),
            refresh_token=answer.refresh_token,
            through=application,
            selling_partner_id=partner,
            replication_config=consent["replication_config"],
        )

    def _cookie(self, consent_id: str) -> str:
        # one name for each consent, so that two tabs do not overwrite each other's; __Host- needs https
        return f"{'__Host-' if self.secure else ''}sellerport-consent-{consent_id[:8]}"


def _used() -> ConsentError:
    return ConsentError("this was used already; start again if you still need to")


def _failed(error: SellerportError) -> ConsentError:
    what = error.message if isinstance(error, NotFound) else "the server could not save the connection"
    return ConsentError(f"{what}; start again", reason="server_error")


def _same_region(renewed: Connection, marketplace: Marketplace | None) -> Marketplace:
    if marketplace is not None and marketplace.region != renewed.region:
        problem = f"the connection's account is in region {renewed.region!r}; a grant is good in one region only"
        raise InvalidArguments(problems=[Problem("marketplace", problem)])
    return marketplace or regions.marketplace(renewed.marketplace)


def _with(url: str, answer: Mapping[str, str]) -> str:
    """Add to a URL's query; what is there stays as it is, except for names that only the answer may set."""
    parts = urlsplit(url)
    kept = [
        pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in ANSWER_NAMES
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(answer)])))
