"""The consent flow: from a link for the account's owner to a sealed grant.

1. `initiate`: the organization's backend gets a link. It works for ten minutes, in the first browser that opens it and
   presses the button there (`look` shows what it is about, and binds nothing).
2. `start`: that browser gets a cookie, and goes on to Amazon's consent page with a state of its own.
3. `finish`: Amazon sends the browser back with the state and a code. The state is used up, whatever happens then; the
   code is exchanged, Amazon is asked about the account, and the connection appears together with its sealed grant, or
   not at all. What the code was exchanged for is not lost if that fails: `recover` takes it from the journal.

An owner may begin at Amazon too, to install an application or to renew a consent. Then Amazon opens the Log-in URI, and
`log_in` sends the browser back with a state. If it holds an open consent of this application, that one goes on: some
owners are led over the Log-in URI in the middle of the website's flow. Otherwise nobody has said whose account it is:
`finish` renews the connection that the account has, if Amazon's own word makes it known again (see `proof`), or makes
one that is pending until the organization's backend claims it.

What is stored of a consent, and how a browser is known again, is in `consent_rows`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import oauth, regions
from sellerport.errors import (
    ConsentError,
    InvalidArguments,
    NotAllowed,
    NotFound,
    Problem,
    StoreError,
    VaultError,
)
from sellerport.regions import ADS_REGIONS, Amazon, Marketplace
from sellerport.server.hub import ads_consents, log_ins
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connections import Connections, check_account
from sellerport.server.hub.consent_failures import failed, kept
from sellerport.server.hub.consent_rows import OF_CONNECTORS, ConsentRows, Row
from sellerport.server.hub.consent_steps import Finished, Invitation, Started
from sellerport.server.hub.exchange import Exchange, Granted
from sellerport.server.hub.held import Held
from sellerport.server.hub.mint import Mint, digest
from sellerport.server.hub.opened import Origin
from sellerport.server.hub.profiles import Advertiser
from sellerport.server.hub.proof import Proof
from sellerport.server.hub.records import (
    NAMES,
    OWNER,
    Application,
    Caller,
    Connection,
    Platform,
    is_partner_id,
    required,
)
from sellerport.server.hub.return_urls import ReturnUrls, answered
from sellerport.server.store import Database, applications, consents, organizations

log = logging.getLogger(__name__)

MOST_LOG_INS = 500
"""How many owners of an application may have begun at Amazon and be on their way."""

_t = consents.c
_ASKED = (
    "organization_id",
    "customer",
    "application_id",
    "connection_id",
    "name",
    "marketplace",
    "marketplace_named",
    "vendor",
    "return_url",
    "replication_config",
    "by_secret",
)
"""What a consent is about, which another attempt is about too."""


class Consents:
    """Consents under way."""

    def __init__(
        self,
        database: Database,
        *,
        applications: Applications,
        connections: Connections,
        return_urls: ReturnUrls,
        changes: Changes,
        exchange: Exchange,
        held: Held,
        rows: ConsentRows,
        amazon: Amazon,
        public_url: str,
        mint: Mint,
    ) -> None:
        self._database = database
        self._applications = applications
        self._connections = connections
        self._return_urls = return_urls
        self._changes = changes
        self._exchange = exchange
        self._held = held
        self._rows = rows
        self._amazon = amazon
        self._public_url = public_url
        self._mint = mint

    @property
    def secure(self) -> bool:
        """Whether browsers reach the server over HTTPS."""
        return self._rows.secure

    @property
    def callback_url(self) -> str:
        """Where Amazon sends browsers back to."""
        return self._rows.callback_url()

    def addresses(self, application: Application) -> dict[str, Any]:
        """Return what an application has to have at Amazon.

        ``redirect_uris`` are the connector API's and the gateway's; ``log_in_uri`` is where owners come to who begin at
        Amazon, which only sellers and vendors can.
        """
        at_amazon: dict[str, Any] = {"redirect_uris": list(self._rows.callback_urls)}
        if application.platform == "seller-partner":
            at_amazon["log_in_uri"] = f"{self._public_url}/oauth/login/{application.id}"
        return at_amazon

    async def initiate(
        self,
        caller: Caller,
        *,
        customer: str | None = None,
        name: str | None = None,
        platform: Platform = "seller-partner",
        marketplace: Marketplace | None = None,
        return_url: str | None = None,
        application: str | None = None,
        connection_id: str | None = None,
        vendor: bool = False,
        replication_config: dict[str, Any] | None = None,
        by_secret: bool = False,
    ) -> str:
        """Return a link for the account's owner; a browser that opens it comes to Amazon's consent page.

        Args:
            caller: whose organization the connection will belong to.
            customer: the organization's own name for its user; with ``connection_id``, that connection's.
            name: what to call the connection.
            platform: which of Amazon's APIs consent is for; with ``connection_id``, that connection's.
            marketplace: where the account has to trade; if not given, anywhere in the region of the United States.
                Advertisers consent for all regions, on Amazon's site of this one's.
            return_url: where the browser goes in the end; a page of this server if not given.
            application: the name of the registered application, where there are several.
            connection_id: a connection that needs a new grant, instead of a new connection.
            vendor: whether the account is a vendor's.
            replication_config: kept with the connection.
            by_secret: whether the browser ends with a secret, for which the connection is then made (see `held`).

        Raises:
            InvalidArguments, NotFound, CallerError: name the field, and what to do.
        """
        organization_id, renewed, named = caller.organization_id, None, marketplace is not None
        if connection_id is not None:
            renewed = await self._connections.get(caller, connection_id)
            platform, marketplace = renewed.platform, _same_region(renewed, marketplace)
            if customer not in (None, renewed.customer):
                raise NotFound(f"no connection {connection_id!r} of this customer")
            customer, name = renewed.customer, renewed.name
        by_secret = by_secret and renewed is None  # whose connection is there already
        if caller.customer not in (None, customer):
            raise NotAllowed("this scoped token is for another workspace")
        name = name or NAMES[platform]
        required(name=name, **({} if renewed is not None and customer is None else {"customer": customer or ""}))
        if return_url is not None:
            await self._return_urls.check(organization_id, return_url, "redirect_url")
        through = await self._through(organization_id, application, renewed, platform)
        row = {
            "organization_id": organization_id,
            "customer": customer,
            "application_id": through.id,
            "connection_id": connection_id,
            "name": name,
            "marketplace": (marketplace or regions.marketplace("US")).id,
            "marketplace_named": named,
            "vendor": vendor,
            "return_url": return_url,
            "replication_config": replication_config or {},
            "by_secret": by_secret,
        }
        async with self._changes.writing(caller.organization_id) as store:
            return await self._offer(store, row, caller.actor)

    async def look(self, link: str, cookies: Mapping[str, str]) -> Invitation:
        """Return what a link is about. It may be looked at by anybody, as often as they like: that changes nothing.

        Raises:
            ConsentError: the link is unknown, used, expired, or was opened in another browser.
            StoreError: the database cannot be read.
        """
        async with self._database.reading() as store:
            row = await self._linked(store, link, cookies)
        marketplace, renews, platform = regions.marketplace(row["marketplace"]), row["connection_id"], row["platform"]
        ads = platform == "ads"
        host = ADS_REGIONS[marketplace.region].consent if ads else _central(marketplace, row["vendor"])
        return Invitation(row["organization"], host, row["vendor"], renews is not None, platform=platform)

    async def start(self, link: str, cookies: Mapping[str, str]) -> Started:
        """Bind a link to the browser that opened it, and return where on Amazon it goes.

        The same browser may open it again, which gives it a new state; another may not. Whatever goes wrong, the link
        is not bound: nothing that can fail comes after the one transaction.

        Raises:
            ConsentError: the link is unknown, used, expired, or was opened in another browser.
            StoreError: the database cannot be written.
        """
        async with self._database.writing() as store:
            row = await self._linked(store, link, cookies, lock=True)
            browser = cookies.get(self._rows.cookie(row["id"]), "") if row["browser_hash"] else self._mint.secret("")
            state = await self._rows.bind(store, row, browser)
        return Started(self._page(row, state, browser), self._rows.cookie(row["id"]), browser)

    async def look_in(self, application_id: str, params: Mapping[str, str]) -> Invitation:
        """Return what Amazon's opening of an application's Log-in URI is about; that changes nothing.

        Args:
            application_id: of the registered application.
            params: the query.

        Raises:
            ConsentError: there is no such application, or it is not what Amazon sends.
            StoreError: the database cannot be read.
        """
        application, organization = await self._addressed(application_id)
        log_in = log_ins.read(self._amazon, application, params)
        return Invitation(organization, log_in.host, log_in.vendor, selling_partner_id=log_in.selling_partner_id)

    async def log_in(self, application_id: str, params: Mapping[str, str], cookies: Mapping[str, str]) -> Started:
        """Send a browser that came over the Log-in URI back to Amazon, with a state.

        Raises:
            ConsentError: as `look_in`; or the open consent of this browser is for another account or region.
            TooManyRequests: too many owners began at Amazon and are on their way.
            StoreError: the database cannot be written.
        """
        application, _ = await self._addressed(application_id)
        log_in = log_ins.read(self._amazon, application, params)
        installs = await self._return_urls.for_installs(application.organization_id)
        async with self._changes.writing(application.organization_id) as store:
            row = await self._rows.find_open(store, application.id, cookies)
            if row is not None:
                log_ins.check(row, log_in)
                browser = cookies[self._rows.cookie(row["id"])]
            else:
                on_their_way = (_t.application_id == application.id) & _t.customer.is_(None)
                on_their_way &= _t.connection_id.is_(None) & OF_CONNECTORS
                full = "too many owners are on their way to Amazon; begin again later"
                await self._rows.check_room(store, on_their_way, MOST_LOG_INS, full)
                browser = self._mint.secret("")
                begun = {
                    "organization_id": application.organization_id,
                    "application_id": application.id,
                    "name": NAMES["seller-partner"],
                    "marketplace": log_in.marketplace.id,
                    "vendor": log_in.vendor,
                    "return_url": installs,
                    "replication_config": {},
                }
                row, _ = await self._rows.insert(store, begun, OWNER)
            state = await self._rows.bind(store, row, browser, selling_partner_id=log_in.selling_partner_id)
        return Started(log_in.location(state, self._rows.callback_url(row)), self._rows.cookie(row["id"]), browser)

    async def finish(self, params: Mapping[str, str], cookies: Mapping[str, str]) -> Finished:
        """Take Amazon's answer, and turn it into a connection.

        Raises:
            ConsentError: the state is unknown, used or expired, or belongs to another browser: nowhere to go from here.
            StoreError: the database cannot be written; nothing was used up, so that the same answer may be tried again.
        """
        consent = await self._rows.claim(params.get("state", ""), cookies, OF_CONNECTORS)
        cookie, return_url, organization = (
            self._rows.cookie(consent["id"]),
            consent["return_url"],
            consent["organization"],
        )
        secret = self._held.secret() if consent["by_secret"] else None
        try:
            connection = await self._connect(consent, params, cookies[cookie], secret)
        except (ConsentError, NotFound, StoreError, VaultError) as error:
            log.warning("a consent came to nothing: %s", error, extra={"consent": consent["id"]})
            failure = error if isinstance(error, ConsentError) else failed(error)
            link = await self._note_failure(consent, failure)
            answer = {"error": failure.reason, "error_description": failure.message}
            answer |= {"consent_url": link} if link is not None else {}
            return Finished(
                cookie, organization, error=failure, link=link, location=return_url and answered(return_url, answer)
            )
        brought = {"connector_id": connection.id} if secret is None else {"secret_id": secret}
        location = return_url and answered(return_url, brought)
        return Finished(cookie, organization, connection=connection, location=location)

    async def recover(self) -> int:
        """Make the connections whose grants processes that died, or met no database, left in the journal.

        Raises:
            StoreError: the database cannot be written.
        """
        recovered = 0
        for entry, granted in self._exchange.left_behind():
            try:
                if granted is not None and await self._catch_up(granted):
                    recovered += 1
            except VaultError as error:
                log.warning("a grant in the journal does not open: %s", error, extra={"consent": entry.name})
                entry.close()
                continue
            except StoreError:
                entry.close()
                raise
            entry.remove()
        return recovered

    def _page(self, row: Row, state: str, browser: str) -> str:
        """Return Amazon's page for a consent."""
        marketplace = regions.marketplace(row["marketplace"])
        if row["platform"] == "ads":
            client_id = row["lwa_client_id"]
            return ads_consents.page(self._amazon, marketplace, client_id, state, browser, self.callback_url)
        return oauth.consent_url(
            self._amazon,
            marketplace,
            row["amazon_application_id"],
            state,
            redirect_uri=self.callback_url,
            draft=row["draft"],
            vendor=row["vendor"],
        )

    async def _through(
        self, organization_id: str, name: str | None, renewed: Connection | None, platform: Platform
    ) -> Application:
        """Return the application to consent to: the one named, the connection's own, or the organization's."""
        if name is None and renewed is not None and renewed.application_id is not None:
            found = await self._applications.get(organization_id, renewed.application_id)
        else:
            found = await self._applications.find(organization_id, name, platform)
        if found.platform == "seller-partner" and found.application_id is None:
            problem = f"the application {found.name!r} has no application id (amzn1.sp.solution.…), which consent needs"
            raise InvalidArguments(problems=[Problem("application", problem)])
        return found

    async def _addressed(self, application_id: str) -> tuple[Application, str]:
        """Return the application whose Log-in URI was opened, and its organization's name."""
        wanted = select(*(applications.c[it.name] for it in fields(Application)), organizations.c.name.label("owner"))
        one = (applications.c.id == application_id) & applications.c.application_id.is_not(None)
        one &= applications.c.platform == "seller-partner"
        joined = wanted.join(organizations, organizations.c.id == applications.c.organization_id)
        async with self._database.reading() as store:
            row = (await store.execute(joined.where(one))).mappings().first()
        if row is None:
            raise ConsentError("no application here has this Log-in URI; it was changed, or the application removed")
        return Application(**{it.name: row[it.name] for it in fields(Application)}), row["owner"]

    async def _linked(
        self, store: AsyncConnection, link: str, cookies: Mapping[str, str], *, lock: bool = False
    ) -> Row:
        """Return the consent of a link, if it is open, and for this browser if it was opened before."""
        row = await self._rows.find(store, (_t.link_hash == digest(link)) & OF_CONNECTORS, lock=lock)
        if row is None:
            raise ConsentError("this link is not known here; ask for a new one where you got it")
        self._rows.check_open(row)
        if row["browser_hash"] is not None and not self._rows.is_of(row, cookies):
            raise ConsentError("this link was opened in another browser; go on there, or ask for a new link")
        return row

    async def _offer(self, store: AsyncConnection, row: Mapping[str, Any], actor: str) -> str:
        """Begin a consent, and return its link."""
        _, link = await self._rows.insert(store, row, actor)
        return f"{self._public_url}/connect/{link}"

    async def _connect(self, consent: Row, params: Mapping[str, str], browser: str, secret: str | None) -> Connection:
        if consent["platform"] == "ads":
            code, partner, verifier = ads_consents.code_of(params), None, ads_consents.verifier(browser)
        else:
            (code, partner), verifier = await self._answer(consent, params), None
        exchanged = await self._exchange.take(consent, code, partner, self.callback_url, verifier)
        try:
            proof = await self._exchange.prove(exchanged.access_token, consent)
            connection = await self._store(consent, partner, exchanged.refresh_token, proof, secret)
        except (ConsentError, NotFound):
            exchanged.entry.remove()
            raise
        except BaseException as error:
            exchanged.entry.close()
            if isinstance(error, StoreError | VaultError):
                raise kept() from error
            raise
        exchanged.entry.remove()
        return connection

    async def _answer(self, consent: Row, params: Mapping[str, str]) -> tuple[str, str]:
        """Return the code and the account that a browser brought back from Seller or Vendor Central."""
        if "error" in params:
            reason = "access_denied" if params["error"] == "access_denied" else "creation_failed"
            raise ConsentError("the account's owner did not give consent; nothing was connected", reason=reason)
        code, partner = params.get("spapi_oauth_code", ""), params.get("selling_partner_id", "")
        if not code or not is_partner_id(partner):
            raise ConsentError("Amazon's answer has no code or no selling partner id; start again", "creation_failed")
        if consent["selling_partner_id"] not in (None, partner):
            raise ConsentError(
                "Amazon's answer is for another account than the one it sent here; start again", "account_mismatch"
            )
        if consent["connection_id"] is not None:
            caller = Caller(consent["organization_id"])
            check_account(await self._connections.get(caller, consent["connection_id"]), partner)
        return code, partner

    async def _store(
        self,
        consent: Row,
        partner: str | None,
        refresh_token: str,
        proof: Proof | Advertiser,
        secret: str | None = None,
    ) -> Connection:
        """Make the connection, or renew it."""
        caller = Caller(consent["organization_id"])
        wanted = regions.marketplace(consent["marketplace"])
        origin = Origin(consent["id"], proof)
        id, application_id = consent["connection_id"], consent["application_id"]
        if isinstance(proof, Advertiser):
            marketplace = proof.home(wanted)
        else:
            marketplace = proof.agree(wanted, named=consent["marketplace_named"])
            if id is None and consent["customer"] is None:
                assert partner is not None, "who began at Amazon named an account"
                id = await self._connections.known(caller, application_id, partner, marketplace.region, proof)
        if id is not None:
            return await self._connections.renew(
                caller,
                id,
                application_id=application_id,
                refresh_token=refresh_token,
                selling_partner_id=partner,
                origin=origin,
            )
        return await self._connections.create(
            caller,
            customer=consent["customer"],
            name=consent["name"],
            marketplace=marketplace,
            refresh_token=refresh_token,
            through=await self._applications.get(caller.organization_id, application_id),
            platform=consent["platform"],
            selling_partner_id=partner,
            replication_config=consent["replication_config"],
            origin=origin,
            secret=secret,
        )

    async def _catch_up(self, granted: Granted) -> bool:
        """Store a grant of the journal, if its consent has not come to a connection; whether it did."""
        async with self._database.reading() as store:
            row = await self._rows.find(store, _t.id == granted.consent_id)
        if row is None or row["ended_at"] is not None:
            return False
        refresh_token = await self._exchange.refresh_token(granted)
        try:
            proof = Advertiser() if row["platform"] == "ads" else Proof()
            await self._store(row, granted.selling_partner_id, refresh_token, proof)
        except (ConsentError, NotFound) as error:
            log.warning("a consent came to nothing: %s", error, extra={"consent": granted.consent_id})
            return False
        return True

    async def _note_failure(self, consent: Row, failure: ConsentError) -> str | None:
        """Write down why a consent came to nothing; return a new link where trying again may help."""
        try:
            id, organization_id = consent["id"], consent["organization_id"]
            async with self._changes.writing(organization_id) as store:
                await self._changes.note(store, organization_id, "consent.failed", id, OWNER, reason=failure.reason)
                if failure.reason != "creation_failed":
                    return None
                return await self._offer(store, {name: consent[name] for name in _ASKED}, OWNER)
        except (NotFound, StoreError, VaultError) as error:
            log.warning("a failed consent could not be noted: %s", error, extra={"consent": consent["id"]})
            return None


def _central(marketplace: Marketplace, vendor: bool) -> str:
    return marketplace.vendor_central if vendor else marketplace.seller_central


def _same_region(renewed: Connection, marketplace: Marketplace | None) -> Marketplace:
    ads = renewed.platform == "ads"  # a grant of which is good everywhere
    if marketplace is not None and marketplace.region != renewed.region and not ads:
        problem = f"the connection's account is in region {renewed.region!r}; a grant is good in one region only"
        raise InvalidArguments(problems=[Problem("marketplace", problem)])
    return marketplace or regions.marketplace(renewed.marketplace)
