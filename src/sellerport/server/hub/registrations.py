"""Sellers who authorize a tenant of the gateway, through a browser and with a secret that their tenant holds.

1. `begin`: the tenant's software sends the seller's browser here, with a secret of its own making, and the browser goes
   on to Amazon. Or the software sends all of it here first (`push`), and the browser brings only its name (`resume`):
   a scanner that opens the link before or after it goes its own way, and does not come back from Amazon.
2. `finish`: Amazon sends the browser back. The code becomes a grant, which is sealed under the server's keys and the
   secret; it is nobody's yet, and the browser brings a claim code to the tenant's return URL.
3. Who shows the claim code gets the seller, and only then the grant before it is gone: see `claims`.

The secret is never stored. From the first step to the second it is in the browser's cookie, sealed, which only these
servers open; of a request that was pushed it is in the consent's row until a browser comes back with it from Amazon,
and opens with the vault and with what the browser brings.

No journal keeps what the code was exchanged for, as it does for other consents: nothing could be done with it without
the secret that the browser has. If it cannot be stored, the grant before it goes on, and the seller authorizes again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import oauth, regions
from sellerport.errors import (
    CallerError,
    ClientRefused,
    Conflict,
    ConsentError,
    GrantRevoked,
    InvalidArguments,
    NotFound,
    StoreError,
    TokenUnavailable,
    VaultError,
)
from sellerport.oauth import TokenAnswer
from sellerport.regions import AWS_REGIONS, REGIONS, Amazon, Marketplace
from sellerport.server.hub import claims
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.consent_rows import LIFE_S, OF_GATEWAY, ConsentRows, Row
from sellerport.server.hub.consent_steps import Answered, Pushed, Started
from sellerport.server.hub.mint import Mint, digest
from sellerport.server.hub.opened import Origin
from sellerport.server.hub.proof import Proof, prove
from sellerport.server.hub.records import NAMES, OWNER, Application, Caller, is_partner_id
from sellerport.server.hub.return_urls import ReturnUrls
from sellerport.server.hub.sealed import seal, unseal
from sellerport.server.hub.signing import Signing
from sellerport.server.store import Database, connections, consents, sellers, tenants
from sellerport.server.vault import Vault
from sellerport.server.vault.held import is_strong
from sellerport.wire import Wire

log = logging.getLogger(__name__)

SECRET_LENGTHS = range(32, 65)
LONGEST_STATE = 12_288
"""In bytes as it stands in a query: four thousand of which each is encoded."""
MOST_BEGUN = 2000
"""With how many sellers of a tenant on their way one more has to be pushed: strangers begin the others too."""
MOST_BROWSERS = 100
"""How many may be on their way with one pushed request."""
EXCHANGE_S = 5.0
"""How long Login with Amazon may take for one answer: somebody waits in front of a browser, and it is asked twice."""

REQUEST = "urn:adb:"
RESERVED = frozenset({"state", "tenant_id", "seller_id", "code", "error", "error_description"})
"""What return URLs are given, and may not have."""

_ERROR = re.compile(r"[a-z_]{1,40}")
_DESCRIPTION = re.compile(r"[\w .,:;()'-]{1,200}", re.ASCII)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

_ABOUT = (
    "organization_id",
    "application_id",
    "name",
    "marketplace",
    "vendor",
    "return_url",
    "replication_config",
    "tenant_state",
)
"""What each browser's consent has of the one that was pushed."""

_t, _s = consents.c, sellers.c


@dataclass(frozen=True)
class Asked:
    """What a tenant's software asks for; nothing of it was looked at, and what was not given is ""."""

    state: str = field(repr=False)
    """As it stands in a query, encoded: it is given back the same."""
    tenant_id: str
    marketplace_region: str
    secret: str = field(repr=False)
    return_url: str
    marketplace: str = ""
    account_type: str = ""
    claim_challenge: str = ""
    selling_partner_id: str = ""
    """The account that has to be the one."""


class _Carried(msgspec.Struct, frozen=True):
    """What a consent's row does not have, and its browser carries, sealed."""

    secret: str
    claim_challenge: str
    selling_partner_id: str

    def __repr__(self) -> str:
        return "_Carried()"


class Registrations:
    """Sellers on their way.

    Args:
        database, vault: where they are.
        applications: what they consent to.
        connections: carry their grants.
        return_urls: where their browsers may be sent.
        rows: their consents.
        changes: told of what happens.
        signing: seals what browsers carry.
        amazon: the real one or a local one.
        wire: what HTTP goes out through.
        public_url: the address at which browsers reach the server.
        mint: makes ids and secrets.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        applications: Applications,
        connections: Connections,
        return_urls: ReturnUrls,
        rows: ConsentRows,
        changes: Changes,
        signing: Signing,
        amazon: Amazon,
        wire: Wire,
        public_url: str,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._vault = vault
        self._applications = applications
        self._connections = connections
        self._return_urls = return_urls
        self._rows = rows
        self._changes = changes
        self._signing = signing
        self._amazon = amazon
        self._wire = wire
        self._public_url = public_url
        self._mint = mint
        self._clock = clock
        self.secure = rows.secure

    async def begin(self, asked: Asked) -> Started:
        """Begin a consent, in the browser that asks; return where on Amazon it goes, and its cookie.

        Raises:
            CallerError: with the contract's message, or that of what is given besides.
            TooManyRequests: too many of the tenant's sellers are on their way.
            StoreError, VaultError: it cannot be done for now.
        """
        _check_state(asked)
        tenant = await self._tenant(asked.tenant_id)
        if tenant["require_pushed"]:
            raise CallerError("this tenant's requests have to be pushed: POST /api/oauth/requests")
        row, application = await self._checked(asked)
        browser = await self._sealed(row["id"], _carried(asked))
        async with self._changes.writing(asked.tenant_id) as store:
            of_tenant = (_t.organization_id == asked.tenant_id) & OF_GATEWAY
            of_tenant &= _t.sealed_key.is_(None) & _t.pushed_id.is_(None)
            await self._rows.check_room(store, of_tenant, MOST_BEGUN, "Rate limit exceeded")
            made, _ = await self._rows.insert(store, row, OWNER)
            state = await self._rows.bind(store, made, browser)
        assert application.application_id is not None, "see _checked"
        return self._started(made, application.application_id, application.draft, state, browser)

    async def push(self, caller: Caller, asked: Asked) -> Pushed:
        """Take what a consent is to be about from the tenant itself, so that no browser brings it; see `resume`.

        Raises: as `begin`.
        """
        _check_state(asked)
        if asked.tenant_id != caller.organization_id:
            raise _no_tenant()
        row, _ = await self._checked(asked)
        name = self._mint.secret("")
        carried = msgspec.json.encode(_carried(asked)).decode()
        sealed = await seal(self._vault, consents, row, held_secret=name, sealed_secret=carried)
        async with self._changes.writing(asked.tenant_id) as store:
            await self._rows.insert(store, {**row, **sealed}, caller.actor, link=name)
        query = urlencode({"tenantId": asked.tenant_id, "request_uri": REQUEST + name})
        return Pushed(REQUEST + name, f"{self._public_url}/auth/initialize?{query}", LIFE_S)

    async def resume(self, tenant_id: str, request_uri: str) -> Started:
        """Go on with what was pushed, in the browser that asks.

        Who opens a link first may be a mail scanner, or the same owner with another browser, so that opening it uses
        nothing up (RFC 9126 §4): each browser gets a consent of its own, with its own state and cookie. The first one
        that Amazon sends back ends the request for all of them.

        Raises:
            CallerError: nothing is there under this name, or not any more.
            TooManyRequests: too many browsers are on their way with it.
            StoreError, VaultError: it cannot be done for now.
        """
        if not tenant_id:
            raise CallerError("tenantId is required")
        await self._tenant(tenant_id)
        name = request_uri.removeprefix(REQUEST) if request_uri.startswith(REQUEST) else ""
        fresh = (_t.link_hash == digest(name)) & (_t.organization_id == tenant_id) & _t.sealed_key.is_not(None)
        fresh &= (_t.expires_at > self._clock()) & OF_GATEWAY
        async with self._database.reading() as store:
            row = await self._rows.find(store, fresh)
        if row is None:
            raise _no_request()
        carried = await unseal(self._vault, consents, row, "sealed_secret", held_secret=name)
        its = {"id": self._mint.id(), "pushed_id": row["id"], **{name: row[name] for name in _ABOUT}}
        browser = await self._sealed(its["id"], msgspec.json.decode(carried["sealed_secret"], type=_Carried))
        async with self._changes.writing(tenant_id) as store:
            await self._rows.check_room(store, _t.pushed_id == row["id"], MOST_BROWSERS, "Rate limit exceeded")
            made, _ = await self._rows.insert(store, its, OWNER)
            state = await self._rows.bind(store, made, browser)
        return self._started(made, row["amazon_application_id"], row["draft"], state, browser)

    async def finish(self, params: Mapping[str, str], cookies: Mapping[str, str]) -> Answered:
        """Take Amazon's answer; return where the browser goes: to the tenant, with a claim code or an error.

        Raises:
            ConsentError: ``Invalid or expired state``; it may be another browser's too. There is nowhere to go.
            CallerError: the tenant, or its return URL, is none any more. There is nowhere to go either.
            StoreError: the database cannot be used for now.
        """
        try:
            consent = await self._rows.claim(params.get("state", ""), cookies, OF_GATEWAY)
        except ConsentError as error:
            log.info("an answer of Amazon's led nowhere: %s", error)
            raise ConsentError("Invalid or expired state") from None
        owner, cookie = consent["organization_id"], self._rows.cookie(consent["id"])
        await self._tenant(owner)
        await self._check_return_url(owner, consent["return_url"])
        said: dict[str, str] = {"tenant_id": owner}
        failure = None
        try:
            said["seller_id"], said["code"] = await self._register(consent, params, cookies[cookie])
        except (ConsentError, NotFound, StoreError, VaultError) as error:
            log.warning("a seller's authorization came to nothing: %s", error, extra={"consent": consent["id"]})
            failure = _failure(error)
            await self._note_failure(consent, failure)
            said |= {"error": failure.reason, "error_description": failure.message}
        location = _appended(consent["return_url"], f"state={consent['tenant_state']}&{urlencode(said)}")
        return Answered(location, cookie, failure)

    async def _checked(self, asked: Asked) -> tuple[dict[str, Any], Application]:
        """Look at what comes after the tenant, in the contract's order; return a consent's row, and its application."""
        region = AWS_REGIONS.get(asked.marketplace_region)
        if region is None:
            raise CallerError("marketplace_region is required")
        if len(asked.secret) not in SECRET_LENGTHS:
            raise CallerError("amazonTokenSecret must be 32-64 characters")
        if not is_strong(asked.secret):
            log.warning("a tenant's secret does not look random", extra={"organization": asked.tenant_id})
        await self._check_return_url(asked.tenant_id, asked.return_url)
        marketplace = _marketplace(asked.marketplace, region)
        if asked.account_type not in ("", "seller", "vendor"):
            raise CallerError("account_type must be seller or vendor")
        if asked.claim_challenge and not _CHALLENGE.fullmatch(asked.claim_challenge):
            raise CallerError("claim_challenge must be the base64url of a SHA-256: 43 characters")
        if asked.selling_partner_id and not is_partner_id(asked.selling_partner_id):
            raise CallerError("expected_selling_partner_id must be Amazon's id of an account")
        application = await self._applications.for_tenant(asked.tenant_id)
        if application.application_id is None:
            raise CallerError(f"the application {application.name!r} has no application id, which consent needs")
        row = {
            "id": self._mint.id(),
            "organization_id": asked.tenant_id,
            "application_id": application.id,
            "name": NAMES["seller-partner"],
            "marketplace": marketplace.id,
            "vendor": asked.account_type == "vendor",
            "return_url": asked.return_url,
            "replication_config": {},
            "tenant_state": asked.state,
        }
        return row, application

    async def _check_return_url(self, organization_id: str, url: str) -> None:
        """Refuse a return URL that the tenant did not register, or that says already what it is to be given."""
        names = {unquote_plus(pair.partition("=")[0]) for pair in re.split("[&;]", url.partition("?")[2])}
        try:
            await self._return_urls.check(organization_id, url, "sellerRedirectUrl")
        except InvalidArguments as error:
            log.info("a return URL was refused: %s", error, extra={"organization": organization_id})
            raise _not_below_origin() from None
        if names & RESERVED:
            raise _not_below_origin()

    async def _tenant(self, id: str) -> Any:
        """Return the row of a tenant that is not suspended."""
        if not id.isprintable():
            raise _no_tenant()
        mine = (tenants.c.organization_id == id) & tenants.c.suspended_at.is_(None)
        async with self._database.reading() as store:
            found = (await store.execute(select(tenants).where(mine))).mappings().first()
        if found is None:
            raise _no_tenant()
        return found

    def _started(self, row: Row, application_id: str, draft: bool, state: str, browser: str) -> Started:
        page = oauth.consent_url(
            self._amazon,
            regions.marketplace(row["marketplace"]),
            application_id,
            state,
            redirect_uri=self._rows.callback_url(row),
            draft=draft,
            vendor=row["vendor"],
        )
        return Started(page, self._rows.cookie(row["id"]), browser)

    async def _sealed(self, consent_id: str, carried: _Carried) -> str:
        """Return the value of a browser's cookie. Nobody else can make one, nor guess it, as it is sealed at random."""
        return await self._signing.seal(msgspec.json.encode(carried), _purpose(consent_id))

    async def _register(self, consent: Row, params: Mapping[str, str], cookie: str) -> tuple[str, str]:
        """Turn Amazon's answer into a grant that waits to be claimed; return the seller's id and the claim code."""
        opened = await self._signing.open(cookie, _purpose(consent["id"]))
        if opened is None:  # its key was retired meanwhile
            raise ConsentError("the server does not take up what it began before; try again", "temporarily_unavailable")
        carried = msgspec.json.decode(opened, type=_Carried)
        code, partner = _code(consent, carried, params)
        answer = await self._exchange(consent, code)
        assert answer.refresh_token is not None, "exchange_code sees to it"
        wanted = regions.marketplace(consent["marketplace"])
        proof = await prove(self._amazon, self._wire, answer.access_token, wanted.region)
        marketplace = proof.agree(wanted, named=False)
        claim_code = self._mint.secret(claims.PREFIX)
        for _ in range(2):  # another browser may bring the same new seller at the same moment
            try:
                id = await self._stage(consent, carried, partner, marketplace, proof, answer.refresh_token, claim_code)
            except Conflict:
                continue
            return id, claim_code
        raise ConsentError("the seller is being registered elsewhere; try again", "temporarily_unavailable")

    async def _exchange(self, consent: Row, code: str) -> TokenAnswer:
        """Exchange a code, and once more if Login with Amazon gives no answer."""
        client = await self._applications.lwa_client(consent["organization_id"], consent["application_id"])

        async def ask() -> TokenAnswer:
            back = self._rows.callback_url(consent)
            return await oauth.exchange_code(self._wire, self._amazon, client, code, back, timeout_s=EXCHANGE_S)

        try:
            try:
                return await ask()
            except TokenUnavailable as error:
                log.warning("a code is exchanged once more: %s", error, extra={"consent": consent["id"]})
                return await ask()
        except GrantRevoked:
            said = "Amazon does not accept the code: it was used before, or is older than five minutes"
            raise ConsentError(said, "invalid_grant") from None
        except ClientRefused as error:
            log.error("%s", error, extra={"application": consent["application_id"]})
            raise ConsentError("Amazon does not accept the application of this server", "server_error") from None
        except TokenUnavailable:
            raise ConsentError("Amazon gave no answer; try again", "temporarily_unavailable") from None

    async def _stage(
        self,
        consent: Row,
        carried: _Carried,
        partner: str,
        marketplace: Marketplace,
        proof: Proof,
        refresh_token: str,
        claim_code: str,
    ) -> str:
        """Keep a grant until it is claimed, with its seller if that is a new one; return the seller's id.

        Raises:
            Conflict: the same new seller was kept, or the known one deleted, at the same moment.
            ConsentError: the seller is known, and this is not its account.
        """
        owner, now = consent["organization_id"], self._clock()
        known = await self._known(owner, partner, marketplace.region)
        if known is not None and not carried.selling_partner_id:
            _check_same(known["stores"], proof)
        seller_id: str = self._mint.id() if known is None else known["id"]
        row = {"id": seller_id, "organization_id": owner, "selling_partner_id": partner, "region": marketplace.region}

        async def register(store: AsyncConnection, _: str) -> None:
            if known is None:
                await store.execute(insert(sellers).values(**row, created_at=now, updated_at=now))
                await self._changes.note(store, owner, "seller.registered", seller_id, OWNER)
            elif await store.scalar(select(_s.id).where(_s.id == seller_id).with_for_update()) is None:
                raise Conflict("the seller was deleted at the same moment")

        await self._connections.create(
            Caller(owner),
            customer=seller_id,
            name=consent["name"],
            marketplace=marketplace,
            refresh_token=refresh_token,
            through=await self._applications.get(owner, consent["application_id"]),
            selling_partner_id=partner,
            origin=Origin(consent["id"], proof),
            secret=claims.bound(claim_code, carried.claim_challenge),
            secret_life_s=claims.LIFE_S,
            held_secret=carried.secret,
            alongside=register,
        )
        return seller_id

    async def _known(self, owner: str, partner: str, region: str) -> Any:
        """Return the seller that an account is known as, with what makes the account of its grant known again."""
        mine = (_s.organization_id == owner) & (_s.selling_partner_id == partner) & (_s.region == region)
        wanted = select(_s.id, connections.c.stores).outerjoin(connections, connections.c.id == _s.connection_id)
        async with self._database.reading() as store:
            return (await store.execute(wanted.where(mine))).mappings().first()

    async def _note_failure(self, consent: Row, failure: ConsentError) -> None:
        owner = consent["organization_id"]
        try:
            async with self._changes.writing(owner) as store:
                facts = {"reason": failure.reason}
                await self._changes.note(store, owner, "consent.failed", consent["id"], OWNER, **facts)
        except (StoreError, VaultError) as error:
            log.warning("a failed consent could not be noted: %s", error, extra={"consent": consent["id"]})


def _check_state(asked: Asked) -> None:
    if not asked.state:
        raise CallerError("state is required")
    if len(asked.state) > LONGEST_STATE:
        raise CallerError(f"state must not be longer than {LONGEST_STATE} bytes, as it stands in a query")
    if not asked.tenant_id:
        raise CallerError("tenantId is required")


def _carried(asked: Asked) -> _Carried:
    return _Carried(asked.secret, asked.claim_challenge, asked.selling_partner_id)


def _marketplace(name: str, region: str) -> Marketplace:
    """Return the marketplace whose Central asks: the one named, or the one that stands for its region."""
    home = regions.marketplace(REGIONS[region].home)
    if not name:
        return home
    found = next((it for it in regions.MARKETPLACES if name.upper() in (it.id, it.country)), None)
    if found is None and name.upper() == "UK":
        found = regions.marketplace("UK")
    if found is None or found.region != region:
        raise CallerError("marketplace must be a country or a marketplace id of marketplace_region")
    return found


def _code(consent: Row, carried: _Carried, params: Mapping[str, str]) -> tuple[str, str]:
    """Return the code and the account that a browser brought back from Amazon.

    Raises:
        ConsentError: it brought an error, or none; or another account than is expected, or was named before.
    """
    if "error" in params:
        error, said = params["error"], params.get("error_description", "")
        reason = error if _ERROR.fullmatch(error) else "invalid_request"
        plain = "User cancelled authorization" if reason == "access_denied" else "Amazon did not authorize"
        raise ConsentError(said if _DESCRIPTION.fullmatch(said) else plain, reason)
    code, partner = params.get("spapi_oauth_code", ""), params.get("selling_partner_id", "")
    if not code or not is_partner_id(partner):
        raise ConsentError("Amazon's answer has no code or no selling partner id", "invalid_request")
    if consent["selling_partner_id"] not in (None, partner) or carried.selling_partner_id not in ("", partner):
        raise _mismatch("another Amazon account was authorized than the one that was expected")
    return code, partner


def _check_same(stores: list[str] | None, proof: Proof) -> None:
    """Refuse an account that Amazon's own word does not make known again, where it could.

    Everybody can read a selling partner id in Amazon's shop, and write it into the address that they come back with:
    who does that would get another's seller, and put their own account in its place. A tenant whose seller has a new
    name in Amazon's shop says which account it expects, in a request that it pushes.
    """
    if not stores or proof.knows(stores):
        return
    if proof.trouble is not None:
        raise ConsentError("Amazon does not say for now whose account it is; try again", "temporarily_unavailable")
    raise _mismatch("the Amazon account that was authorized is not the one that has this selling partner id here")


def _mismatch(why: str) -> ConsentError:
    return ConsentError(why, "seller_mismatch")


def _failure(error: ConsentError | NotFound | StoreError | VaultError) -> ConsentError:
    """Return what the tenant is told."""
    if isinstance(error, ConsentError):
        return _mismatch(error.message) if error.reason == "account_mismatch" else error
    if isinstance(error, NotFound):
        return ConsentError("the application was removed from this server; try again", "server_error")
    return ConsentError("the server could not save the authorization; try again", "temporarily_unavailable")


def _appended(url: str, query: str) -> str:
    """Return a URL with more in its query; what is there stays as it is."""
    return url + ("" if url.endswith(("?", "&")) else "&" if "?" in url else "?") + query


def _purpose(consent_id: str) -> str:
    return f"consent {consent_id}"


def _no_tenant() -> CallerError:
    return CallerError("Tenant data not found")


def _no_request() -> CallerError:
    return CallerError("Invalid or expired request_uri")


def _not_below_origin() -> CallerError:
    return CallerError("sellerRedirectUrl must start with redirectOrigin")
