"""Every exception that Sellerport raises, as one tree.

    SellerportError
    ├── SettingsError            a setting is missing, unknown or unreadable
    ├── CredentialsError         no usable credentials were given
    ├── CallerError              the caller asked for something that cannot be done
    │   ├── UnknownOperation     no such operation, entity or action
    │   ├── InvalidArguments     refused before sending; lists every problem
    │   ├── Unauthenticated      the Sellerport server does not know this caller
    │   ├── NotAllowed           this caller may not do this
    │   ├── NotFound             no such organization, application or connection
    │   │   └── ConnectorNotFound    the customer has no connector of this kind
    │   ├── Conflict             the name or address is taken
    │   │   ├── ConnectorAmbiguous   the customer has several, and none was named
    │   │   └── OutcomeUnknown       a carrier was asked before, and may have sold a label
    │   ├── TooManyRequests      this caller has to slow down
    │   └── ConsentError         the consent flow could not be completed
    ├── AmazonError              Amazon answered with an error
    │   ├── AmazonRefused        4xx: this request will never succeed as it is
    │   │   ├── AccessDenied     401, 403: this grant may not do this
    │   │   ├── AmazonNotFound   404
    │   │   └── ItemsRefused     207: some of the items that were written were not
    │   ├── Throttled            429, after the retries
    │   └── AmazonUnavailable    5xx, or an answer that is not what Amazon documents
    ├── NoAnswer                 no answer came: refused, reset or too late
    ├── NotScrubbable            an answer may carry personal data, and is not understood
    ├── TokenError               no access token could be had
    │   ├── GrantRevoked         the account's owner has to consent again
    │   ├── ClientRefused        Amazon does not accept the client id or secret
    │   ├── TokenExpired         a bare access token ended, and nothing here can renew it
    │   └── TokenUnavailable     Login with Amazon failed for now; try later
    ├── CarrierFailed            a carrier or a device hub refused, or did not answer
    ├── DocumentError            a report, feed or query did not come to a document
    │   ├── DocumentCancelled    CANCELLED: there was no data, or somebody cancelled it
    │   ├── DocumentFailed       FATAL: Amazon could not make it; says why where Amazon does
    │   └── DocumentPending      not finished in time; its id resumes it
    ├── NotificationError        a message is no notification of Amazon's
    ├── ToolError                an agent's tool failed; the cause says why
    ├── VaultError               a secret could not be sealed or opened
    │   ├── KeyMissing           no key, or not the one that sealed this
    │   ├── Tampered             the record was altered, moved, or sealed elsewhere
    │   ├── WrongSecret          its owner's secret is needed, and this is not it
    │   └── VaultUnavailable     the service that keeps the keys cannot be used for now
    ├── StoreError               the database cannot be read or written
    └── DemoError                a step of the demo did not come out as it must

A class's ``code`` is what HTTP answers, logs and the command line call it; its docstring is its default message. No
exception carries a secret or personal data: messages name fields and say what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one field.

    ``field`` is the name the caller used, dotted for nested values (``body.items.0.sku``).
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class SellerportError(Exception):
    """Something went wrong in Sellerport."""

    code: ClassVar[str] = "error"
    status: int = 500  # what the server's doors answer with

    def __init__(self, message: str = "") -> None:
        self.message = message or (self.__doc__ or "").split("\n")[0]
        super().__init__(self.message)

    def facts(self) -> dict[str, Any]:
        """Everything a caller may know about this error, ready for JSON."""
        return {"code": self.code, "message": self.message}


class SettingsError(SellerportError):
    """A setting is missing, unknown or unreadable."""

    code = "settings"


class CredentialsError(SellerportError):
    """No usable credentials were given."""

    code = "credentials"
    status = 400


class CallerError(SellerportError):
    """The request cannot be carried out as it is."""

    code = "invalid_request"
    status = 400


class UnknownOperation(CallerError, AttributeError):
    """No such operation."""

    code = "unknown_operation"
    status = 404


class InvalidArguments(CallerError, ValueError):
    """The arguments were refused before anything was sent."""

    code = "invalid_arguments"
    status = 422

    def __init__(self, message: str = "", problems: list[Problem] | None = None) -> None:
        self.problems = problems or []
        listed = "; ".join(map(str, self.problems))
        super().__init__(f"{message}: {listed}" if message and listed else message or listed)

    def facts(self) -> dict[str, Any]:
        """As every error's, and each problem with its field."""
        return {**super().facts(), "problems": [asdict(problem) for problem in self.problems]}


class Unauthenticated(CallerError):
    """The access token is missing, unknown or expired; ask for a new one."""

    code = "unauthenticated"
    status = 401


class NotAllowed(CallerError):
    """This caller may not do this."""

    code = "not_allowed"
    status = 403


class NotFound(CallerError):
    """No such object."""

    code = "not_found"
    status = 404


class Conflict(CallerError):
    """The name or address is taken."""

    code = "conflict"
    status = 409


class ConnectorNotFound(NotFound, ValueError):
    """The server has no connector of this kind for this customer."""

    code = "connector_not_found"


class ConnectorAmbiguous(Conflict, ValueError):
    """The customer has several connectors of this kind: name one by its id."""

    code = "connector_ambiguous"


class OutcomeUnknown(Conflict):
    """A carrier was asked for this shipment, and what came of it is not known: a label may have been bought."""

    code = "outcome_unknown"


class TooManyRequests(CallerError):
    """This was asked for too often; wait before the next request.

    ``retry_after`` is the number of seconds to wait; ``limit`` is how many there may be, where that is a number.
    """

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str = "", *, retry_after: float = 1.0, limit: int | None = None) -> None:
        self.retry_after = retry_after
        self.limit = limit
        super().__init__(message)

    def facts(self) -> dict[str, Any]:
        """As every error's, and how many seconds to wait."""
        return {**super().facts(), "retry_after": self.retry_after}


class ConsentError(CallerError):
    """The consent flow could not be completed.

    ``reason`` is the OAuth error code that return URLs carry (RFC 6749 §4.1.2.1), such as ``access_denied``.
    """

    code = "consent"

    def __init__(self, message: str = "", reason: str = "invalid_request") -> None:
        self.reason = reason
        super().__init__(message)

    def facts(self) -> dict[str, Any]:
        """As every error's, and the OAuth error code."""
        return {**super().facts(), "reason": self.reason}


class AmazonError(SellerportError):
    """Amazon answered with an error.

    ``status`` is the HTTP status, ``amazon_code`` and ``details`` are Amazon's own words for it, ``request_id`` is what
    its support asks for; ``errors`` are all the errors of the answer, where it held more than one. ``advice`` says what
    to do, ``retryable`` whether the same call may succeed later.
    """

    code = "amazon_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 500,
        amazon_code: str = "",
        details: str = "",
        request_id: str | None = None,
        operation: str = "",
        advice: str = "",
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.status = status
        self.amazon_code = amazon_code
        self.details = details
        self.advice = advice
        self.errors = tuple(errors)
        self.request_id = request_id
        self.operation = operation
        super().__init__(message)

    def __str__(self) -> str:
        if not self.amazon_code and self.request_id is None and not self.errors:  # never sent, or not Amazon's own
            return f"{self.operation or 'Amazon'}: {self.message}"
        said = " ".join(part for part in (self.amazon_code, self.message, self.details) if part)
        advice = f"; {self.advice}" if self.advice else ""
        name = self.operation or "Amazon"
        return f"{name} answered {self.status}: {said} (request id {self.request_id or 'none'}){advice}"

    def facts(self) -> dict[str, Any]:
        """As every error's, and what Amazon said."""
        return {
            **super().facts(),
            "status": self.status,
            "amazon_code": self.amazon_code,
            "details": self.details,
            "request_id": self.request_id,
            "operation": self.operation,
            "advice": self.advice,
            "errors": list(self.errors),
        }


class AmazonRefused(AmazonError):
    """Amazon refused the request; it will not succeed as it is."""

    code = "amazon_refused"


class AccessDenied(AmazonRefused):
    """Amazon says that this grant may not do this; check the application's roles and the account's region."""

    code = "access_denied"


class AmazonNotFound(AmazonRefused):
    """Amazon has nothing at this address."""

    code = "amazon_not_found"


class ItemsRefused(AmazonRefused):
    """Amazon wrote some items and refused others; ``items`` says of each refused one why."""

    code = "items_refused"

    def __init__(self, message: str = "", *, items: Sequence[Any] = (), status: int = 207, **rest: Any) -> None:
        self.items = tuple(items)
        listed = "; ".join(map(str, self.items[:20])) + ("; …" if len(self.items) > 20 else "")
        super().__init__(message or f"{len(self.items)} refused: {listed}", status=status, **rest)


class Throttled(AmazonError):
    """Amazon's rate limit for this operation is used up.

    ``retry_after`` is the number of seconds after which a call may be let through; ``sent`` is False where Amazon was
    not asked, since the limit is known to be used up.
    """

    code = "throttled"
    retryable = True

    def __init__(
        self, message: str = "", *, retry_after: float = 1.0, sent: bool = True, status: int = 429, **rest: Any
    ) -> None:
        self.retry_after = retry_after
        self.sent = sent
        super().__init__(message, status=status, **rest)

    def facts(self) -> dict[str, Any]:
        """As every Amazon error's, and how many seconds to wait."""
        return {**super().facts(), "retry_after": self.retry_after}


class AmazonUnavailable(AmazonError):
    """Amazon is in trouble, or answered with something other than it documents; try later."""

    code = "amazon_unavailable"
    retryable = True


class NoAnswer(SellerportError):
    """No answer came from Amazon.

    ``sent`` is False when the request certainly never left, so that repeating it is safe whatever it does.
    """

    code = "no_answer"
    status = 504

    def __init__(self, message: str = "", *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__(message)

    def facts(self) -> dict[str, Any]:
        """As every error's, and whether the request may have been carried out."""
        return {**super().facts(), "sent": self.sent}


class NotScrubbable(SellerportError):
    """An answer that may carry personal data is not understood, and not given on."""

    code = "not_scrubbable"
    status = 502

    def __init__(self, reason: str = "") -> None:
        super().__init__("Response could not be scrubbed")  # the gateway's contract has it so
        self.reason = reason


class CarrierFailed(SellerportError):
    """Carrier request failed.

    ``carrier_status`` is what it answered, None where nothing came; ``carrier_response`` is that without personal data.
    ``sent`` is False when the request certainly never left.
    """

    code = "carrier_failed"
    status = 502

    def __init__(
        self,
        message: str = "Carrier request failed",
        *,
        carrier_status: int | None = None,
        carrier_response: Any = None,
        sent: bool = True,
    ) -> None:
        self.carrier_status = carrier_status
        self.carrier_response = carrier_response
        self.sent = sent
        super().__init__(message)

    @property
    def outcome(self) -> Literal["failed", "unknown"]:
        """Whether certainly nothing was done, or perhaps what was asked for: nothing came, or nothing that says so."""
        status = self.carrier_status
        refused = status is not None and (300 <= status < 500 or status == 503)  # RFC 9110 §15.6.4
        return "failed" if refused or not self.sent else "unknown"

    def facts(self) -> dict[str, Any]:
        """As every error's, and what the carrier answered."""
        return {
            **super().facts(),
            "carrier_status": self.carrier_status,
            "carrier_response": self.carrier_response,
            "outcome": self.outcome,
            "sent": self.sent,
        }


class TokenError(SellerportError):
    """No access token could be had."""

    code = "token"
    status = 502


class GrantRevoked(TokenError):
    """The grant no longer stands: the account's owner has to consent again."""

    code = "grant_revoked"
    status = 409


class ClientRefused(TokenError):
    """Login with Amazon does not accept the application's client id or secret; check them, or whether they expired."""

    code = "client_refused"


class TokenExpired(TokenError):
    """The access token that was given is no longer accepted, and nothing here can renew it; give a new one."""

    code = "token_expired"
    status = 401


class TokenUnavailable(TokenError):
    """Login with Amazon gave no token for now; the grant is untouched, try later.

    ``retry_after`` is the number of seconds after which it may be asked again, or 0 where that is not known.
    """

    code = "token_unavailable"
    status = 503

    def __init__(self, message: str = "", *, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)

    def facts(self) -> dict[str, Any]:
        """As every error's, and how many seconds to wait."""
        return {**super().facts(), "retry_after": self.retry_after}


class DocumentError(SellerportError):
    """The report, feed, query or upload did not come to a document.

    ``id`` is Amazon's id of it, ``processing_status`` what Amazon said last.
    """

    code = "document"
    status = 502

    def __init__(self, message: str = "", *, id: str = "", processing_status: str = "") -> None:
        self.id = id
        self.processing_status = processing_status
        super().__init__(message)

    def facts(self) -> dict[str, Any]:
        """As every error's, and what it is about."""
        return {**super().facts(), "id": self.id, "processing_status": self.processing_status}


class DocumentCancelled(DocumentError):
    """Amazon cancelled it: there was no data for what was asked, or somebody cancelled it."""

    code = "document_cancelled"


class DocumentFailed(DocumentError):
    """Amazon could not make it (FATAL); ``explanation`` is the text of the document that says why, if there is one."""

    code = "document_failed"

    def __init__(self, message: str = "", *, explanation: str = "", **rest: Any) -> None:
        self.explanation = explanation
        super().__init__(message, **rest)

    def facts(self) -> dict[str, Any]:
        """As every document error's, and Amazon's explanation."""
        return {**super().facts(), "explanation": self.explanation}


class DocumentPending(DocumentError):
    """It is not finished yet; resume it by its id."""

    code = "document_pending"
    status = 504


class NotificationError(SellerportError):
    """The message is no notification of Amazon's."""

    code = "notification"
    status = 400


class ToolError(SellerportError, RuntimeError):
    """An agent's tool could not do what it was asked; ``__cause__`` is what went wrong."""

    code = "tool"


class VaultError(SellerportError):
    """A secret could not be sealed or opened."""

    code = "vault"


class KeyMissing(VaultError):
    """The vault has no key, or not the one that sealed this; make one with `sellerport key new`."""

    code = "key_missing"


class Tampered(VaultError):
    """A sealed record fails its seal: it was altered, moved to another row, or sealed elsewhere."""

    code = "tampered"


class WrongSecret(VaultError):
    """The secret that its owner holds does not open this record, or is missing."""

    code = "wrong_secret"
    status = 401


class VaultUnavailable(VaultError):
    """The service that keeps the vault's keys cannot be used for now; try again later."""

    code = "vault_unavailable"
    status = 503


class StoreError(SellerportError):
    """The database cannot be read or written; nothing was changed."""

    code = "store"
    status = 503


class DemoError(SellerportError):
    """A step of the demo did not come out as it must."""

    code = "demo"


def revive(facts: dict[str, Any]) -> SellerportError:
    """Return the error that `SellerportError.facts` was taken of, as a Sellerport server sends it."""
    kind = next((kind for kind in tree() if kind.code == facts.get("code")), SellerportError)
    rest = {name: value for name, value in facts.items() if name not in ("code", "message")}
    try:
        if issubclass(kind, InvalidArguments):
            error = kind(problems=[Problem(**problem) for problem in rest.get("problems", [])])
            error.message = facts.get("message", error.message)
            error.args = (error.message,)
            return error
        return kind(facts.get("message", ""), **rest)
    except TypeError:  # a server of another version knows other facts
        return kind(facts.get("message", ""))


def tree(base: type[SellerportError] = SellerportError) -> list[type[SellerportError]]:
    """Return ``base`` and every class below it, parents first."""
    return [base, *(found for child in base.__subclasses__() for found in tree(child))]
