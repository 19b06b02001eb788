"""Where a client's credentials come from: arguments, environment, AWS Secrets Manager, or a file.

They are looked for in that order; those of the Selling Partner API under the names that python-amazon-sp-api made
common:

1. the arguments: ``refresh_token``, ``lwa_app_id`` and ``lwa_client_secret``; or ``access_token`` alone;
2. the environment: ``SP_API_REFRESH_TOKEN``, ``LWA_APP_ID`` and ``LWA_CLIENT_SECRET``, and for an account named ``eu``
   ``SP_API_REFRESH_TOKEN_eu`` and so on; accounts may share the application's two, which then have no ending;
3. the secret that ``SP_API_AWS_SECRET_ID`` names in AWS Secrets Manager: JSON with the names of the environment; it is
   fetched once for the process, and again when Login with Amazon refuses what it held;
4. ``credentials.yml``: the file that ``SELLERPORT_CREDENTIALS`` names, or ``python-sp-api/credentials.yml`` in the
   folders where configuration is kept (`files`): the names of the arguments, below the name of an account.

The account is the one that is named, by ``account`` or by ``SELLERPORT_ACCOUNT``, or ``default``. A place that has any
of the three must have them all. The one thing that may come from elsewhere is the refresh token: given as an argument,
it is used with the application that the next place holds, so that one application can serve many sellers.

What python-amazon-sp-api does otherwise, and why not here: an incomplete dictionary is an error, and never a reason to
call with the environment's account instead; an account that was named and is nowhere is an error, and never the one
without a name; nothing is created on disk; a secret that cannot be fetched is an error, not a secret that is empty.

Those of the Ads API have names of their own, python-amazon-ad-api's (`ADS`), and the same rules; they are in no secret.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import os
import stat
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from sellerport.errors import CredentialsError
from sellerport.wire import UNREADABLE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Names:
    """What the credentials for one of Amazon's APIs are called, and where they may be.

    Args:
        environment: what has to be there, as arguments and files call it, and its variable: the refresh token, then the
            application's Login with Amazon client id and secret.
        folder: where ``credentials.yml`` is, below the folders where configuration is kept.
        file: the variable that names the file instead.
        secret: the variable that names a secret in AWS Secrets Manager.
        optional: what may be beside them, and its variable.
        beside_token: what has to be given beside an access token.
        ignored: what was needed once.
    """

    environment: Mapping[str, str]
    folder: str
    file: str
    secret: str | None = None
    optional: Mapping[str, str] = field(default_factory=dict)
    beside_token: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()

    @property
    def application(self) -> tuple[str, ...]:
        """What the accounts of an application may share."""
        return tuple(self.environment)[1:]

    @property
    def known(self) -> tuple[str, ...]:
        """Everything that may be given."""
        return (*self.environment, "access_token", *self.optional)

    @property
    def settings(self) -> tuple[str, ...]:
        """The other variables that are read here; they say where to look."""
        return ("SELLERPORT_ACCOUNT", self.file, *([self.secret] if self.secret else []))

    def variables(self) -> dict[str, str]:
        """Return every name that a place may have, and its variable."""
        return {**self.environment, **self.optional}

    def credentials(self, found: Mapping[str, str]) -> Credentials:
        """Return what was found, each under the name of its part."""
        parts = dict(zip(self.environment, ("refresh_token", "client_id", "client_secret"), strict=True))
        return Credentials(**{parts.get(name, name): value for name, value in found.items()})


SELLING_PARTNER = Names(
    {"refresh_token": "SP_API_REFRESH_TOKEN", "lwa_app_id": "LWA_APP_ID", "lwa_client_secret": "LWA_CLIENT_SECRET"},
    folder="python-sp-api",
    file="SELLERPORT_CREDENTIALS",
    secret="SP_API_AWS_SECRET_ID",  # noqa: S106  # the name of a variable
    # Amazon stopped asking for AWS's signature in 2023
    ignored=frozenset({"aws_access_key", "aws_secret_key", "role_arn"}),
)
ADS = Names(
    {
        "refresh_token": "AD_API_REFRESH_TOKEN",
        "client_id": "AD_API_CLIENT_ID",
        "client_secret": "AD_API_CLIENT_SECRET",
    },
    folder="python-ad-api",
    file="SELLERPORT_ADS_CREDENTIALS",
    optional={"profile_id": "AD_API_PROFILE_ID"},
    beside_token=("client_id",),
)

DEFAULT = "default"
_LISTED = 20

Provider = Callable[[], "Mapping[str, str | None] | Awaitable[Mapping[str, str | None]]"]
"""A function that returns what the arguments would hold; a coroutine function for the async client."""


@dataclass(frozen=True)
class Credentials:
    """An application's Login with Amazon client and the grant of one account; or an access token, and nothing else."""

    refresh_token: str | None = field(default=None, repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    access_token: str | None = field(default=None, repr=False)
    profile_id: str = ""
    """The advertising profile that the account's calls are about, where one is kept with them."""


def find(
    given: Mapping[str, str | None],
    environ: Mapping[str, str],
    *,
    account: str | None = None,
    again: bool = False,
    names: Names = SELLING_PARTNER,
) -> Credentials:
    """Return the credentials, from the first place that has any; see the top of this module.

    Args:
        given: what the caller passed.
        environ: the process's environment.
        account: which account's, where a place has several.
        again: whether to ask AWS anew, because Login with Amazon refused what was found before.
        names: of which API.

    Raises:
        CredentialsError: none were found, or not all of them, or no such account; lists what was looked for and where.
    """
    own = _texts("the arguments", given, names, names.known)
    besides = {"refresh_token", *names.optional, *names.ignored}
    if given.keys() - besides or any(name not in own for name in given.keys() & names.environment.keys()):
        whole = _whole("the arguments", own, given, names)
        if account is not None:
            raise CredentialsError(f"account {account!r} was named, and credentials were given: pass one or the other")
        return whole
    named = account if account is not None else environ.get("SELLERPORT_ACCOUNT") or None
    name = DEFAULT if named is None else named
    wanted = names.application if "refresh_token" in own else tuple(names.environment)
    places: list[_Place] = []
    for place in _places(environ, wanted, again, names):
        places.append(place)
        if (section := place.accounts.get(name)) is None:
            continue
        found = _texts(f"the values of account {name!r} in {place.title}", section, names, names.variables())
        if missing := [one for one in wanted if one not in found]:
            raise place.lacks(name, missing, section)
        if "refresh_token" in own:  # what else is there belongs to the account that has the other one
            found = {one: found[one] for one in wanted}
        return names.credentials({**found, **own})
    raise _nowhere(named, wanted, places, names)


async def ask(provider: Provider, given: Mapping[str, str | None], names: Names = SELLING_PARTNER) -> Credentials:
    """Return what a provider has; a refresh token that was given takes the place of its own.

    Raises:
        CredentialsError: it returned no mapping, or not all that is needed.
    """
    found = provider()
    if inspect.isawaitable(found):
        found = await found
    if not isinstance(found, Mapping):
        raise CredentialsError(f"the provider of credentials returned {type(found).__name__}, and no mapping")
    merged = {**found, **given}
    what = "the provider's credentials"
    known = (*names.environment, "access_token")  # the rest is needed before it is asked
    return _whole(what, _texts(what, merged, names, known), merged, names)


def files(environ: Mapping[str, str], platform: str = sys.platform, names: Names = SELLING_PARTNER) -> list[Path]:
    """Return where ``credentials.yml`` may be, in the order of python-amazon-sp-api; none of it need exist.

    ``SELLERPORT_CREDENTIALS`` (a file), or else ``PYTHON-SP-APIDIR`` (a folder), is the only place where it is set.
    """
    if named := environ.get(names.file):
        return [Path(named)]
    if folder := environ.get(f"{names.folder.upper()}DIR"):
        return [Path(folder, "credentials.yml")]
    home = environ.get("USERPROFILE" if platform == "win32" else "HOME")
    if platform == "win32":
        folders = [home and Path(home, "AppData", "Roaming"), environ.get("APPDATA")]
    else:
        folders = [home and Path(home, ".config")]
        folders += [home and Path(home, "Library", "Application Support")] if platform == "darwin" else []
        folders += [environ.get("XDG_CONFIG_HOME")]
        folders += [*(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"), "/etc"]
    found = dict.fromkeys(str(Path(one, names.folder, "credentials.yml")) for one in folders if one)
    return [Path(path) for path in found]


def _whole(what: str, own: Mapping[str, str], given: Mapping[str, Any], names: Names) -> Credentials:
    """Return the credentials that were given in one piece."""
    stands_alone = ("access_token", *names.beside_token)
    if "access_token" in own and own.keys() - {*stands_alone, *names.optional}:
        alone = f"give {' and '.join(stands_alone)} alone, or let a token be fetched"
        raise CredentialsError(f"{what} hold access_token and more; {alone}")
    brought = "access_token" in own or given.keys() <= {"access_token", *names.optional}
    needed = stands_alone if brought else tuple(names.environment)
    if missing := [one for one in needed if one not in own]:
        raise CredentialsError(f"{what} lack {', '.join(missing)}; all of {', '.join(needed)} are needed")
    return names.credentials(own)


def _texts(what: str, given: Mapping[str, Any], names: Names, known: Iterable[str]) -> dict[str, str]:
    """Return the credentials in a mapping, without those that are empty; of a caller's every other name is refused."""
    checked = "access_token" in known
    if unknown := [str(name) for name in given if checked and name not in known and name not in names.ignored]:
        raise CredentialsError(
            f"unknown credentials {', '.join(unknown)}{_nearest(unknown, known)}; known are {', '.join(known)}"
        )
    if checked and names.ignored & given.keys():
        log.debug("%s are not needed any more, and ignored", ", ".join(sorted(names.ignored & given.keys())))
    texts = {}
    for name in known:
        value = given.get(name)
        if value is None:
            continue
        if name in names.optional and type(value) is int:  # which YAML makes of digits
            value = str(value)
        # RFC 6749 appendix A: all of them are printable ASCII
        if not isinstance(value, str) or not (text := value.strip()).isascii() or not text.isprintable():
            raise CredentialsError(
                f"{what}: {name} must be text of printable ASCII characters, in quotes if all digits"
            )
        if text:
            texts[name] = text
    return texts


def _nearest(unknown: Iterable[str], known: Iterable[str]) -> str:
    found = [near for name in unknown for near in difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)]
    return f"; did you mean {', '.join(map(repr, found))}?" if found else ""


@dataclass(frozen=True)
class _Place:
    """A place where credentials may be, and the accounts that it has."""

    title: str
    accounts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    names: Names
    empty: str = "has none"
    """What to say of it if it has no accounts."""
    variables: bool = True
    """Whether its names are those of the environment."""

    def lacks(self, account: str, missing: Iterable[str], section: Mapping[str, Any]) -> CredentialsError:
        """Return the error that an account is there and not all of it."""
        if not self.variables:
            known = self.names.environment
            listed, hint = ", ".join(missing), _nearest((str(name) for name in section if name not in known), known)
            return CredentialsError(f"the values of account {account!r} in {self.title} lack {listed}{hint}")
        ending = "" if account == DEFAULT else f"_{account}"
        listed = ", ".join(self.names.environment[name] + ending for name in missing)
        return CredentialsError(f"the variables of {self.title} lack {listed}; two places are never mixed")

    def __str__(self) -> str:
        names = sorted(self.accounts)
        if not names:
            return f"{self.title} {self.empty}"
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        return f"{self.title} has {', '.join(names[:_LISTED])}{more}"


def _places(environ: Mapping[str, str], wanted: Iterable[str], again: bool, names: Names) -> Iterator[_Place]:
    """Go through the places; none is opened before the one above it had nothing."""
    yield _Place("the environment", _by_account(environ, wanted, names), names)
    if names.secret is not None:
        title = "AWS Secrets Manager"
        if secret_id := environ.get(names.secret):
            if again:
                _fetch_secret.cache_clear()
            yield _Place(title, _by_account(_secret(secret_id, names), wanted, names), names)
        else:
            yield _Place(title, {}, names, f"was not asked ({names.secret} names no secret)")
    for path in files(environ, names=names):
        yield _read_file(path, names)


def _by_account(variables: Mapping[str, Any], wanted: Iterable[str], names: Names) -> dict[str, dict[str, Any]]:
    """Sort variables by the account that they end in; an account without an application has the common one."""
    accounts: dict[str, dict[str, Any]] = {}
    starts = {start: name for name, start in names.variables().items()}
    for variable in variables:
        start = next((one for one in starts if variable.startswith(one)), None)
        if start is None or not (value := variables[variable]):
            continue
        if variable == start:
            accounts.setdefault(DEFAULT, {}).setdefault(starts[start], value)
        elif variable[len(start)] == "_":
            accounts.setdefault(variable[len(start) + 1 :], {})[starts[start]] = value
    common = {name: value for name, value in accounts.get(DEFAULT, {}).items() if name in names.application}
    for section in accounts.values():
        if not section.keys() & set(names.application):
            section.update(common)
    return {account: section for account, section in accounts.items() if section.keys() & set(wanted)}


def _secret(secret_id: str, names: Names) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_fetch_secret(secret_id), type=dict[str, Any])
    except UNREADABLE:
        found = {}
    variables = tuple(names.environment.values())
    if not any(name.startswith(variables) for name in found):
        listed = ", ".join(variables)
        raise CredentialsError(f"the secret {secret_id!r} ({names.secret}) is no JSON object with {listed}")
    return found


@cache
def _fetch_secret(secret_id: str) -> str:
    """Ask AWS for a secret, with the region and rights that AWS's own settings say."""
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  # an extra, and large
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise CredentialsError(
            "SP_API_AWS_SECRET_ID is set, and reading it needs boto3: pip install 'sellerport[aws]'"
        ) from None
    patience = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    try:
        client = boto3.Session().client("secretsmanager", config=patience)
        answer = client.get_secret_value(SecretId=secret_id)
    except ClientError as error:
        said = error.response.get("Error", {}).get("Code", "an error")
        raise CredentialsError(
            f"AWS Secrets Manager answered {said} for {secret_id!r} (SP_API_AWS_SECRET_ID)"
        ) from error
    except BotoCoreError as error:
        raise CredentialsError(f"AWS Secrets Manager was not reached for {secret_id!r}: {error}") from error
    return str(answer.get("SecretString", ""))


def _read_file(path: Path, names: Names) -> _Place:
    try:
        found = path.stat()
        accounts = _parse(path, found.st_mtime_ns, found.st_size)
    except (FileNotFoundError, NotADirectoryError):
        return _Place(str(path), {}, names, "does not exist", variables=False)
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from error
    if accounts.keys() & names.environment.keys():
        raise _without_account(path)
    if found.st_mode & stat.S_IROTH and os.name == "posix":
        _warn_of_readers(path)
    return _Place(str(path), accounts, names, variables=False)


@cache
def _warn_of_readers(path: Path) -> None:
    """Say so, once."""
    log.warning("%s can be read by every user of this machine; chmod 600 makes it private", path)


@lru_cache(maxsize=8)
def _parse(path: Path, _changed_ns: int, _size: int) -> dict[str, Mapping[str, Any]]:
    """Read a file, once for every change of it: a client that is made for one call reads nothing."""
    import yaml  # noqa: PLC0415  # takes longer than all of this package, and few need it

    try:
        found = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        # YAML's own message repeats the line, which may hold a secret
        raise CredentialsError(f"{path} is no YAML{where}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _without_account(path)
    return {str(name): section if isinstance(section, dict) else {} for name, section in found.items()}


def _without_account(path: Path) -> CredentialsError:
    return CredentialsError(f"{path} must have the name of an account, such as 'default:', above its credentials")


def _nowhere(named: str | None, wanted: Iterable[str], places: Iterable[_Place], names: Names) -> CredentialsError:
    """Return the one error for everything missing: what was looked for, where, and what to do."""
    looked = "; ".join(map(str, places))
    if named is not None:
        known = {account for place in places for account in place.accounts}
        return CredentialsError(f"no account {named!r}{_nearest([str(named)], known)}: {looked}")
    variables = ", ".join(names.environment[name] for name in wanted)
    return CredentialsError(
        f"no credentials: pass {', '.join(wanted)}, set {variables} in the environment, or write them below "
        f"'default:' in credentials.yml; another account is named by account or SELLERPORT_ACCOUNT. Looked in: {looked}"
    )
