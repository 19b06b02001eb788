"""Where a Selling Partner client's credentials come from: arguments, environment, AWS Secrets Manager, or a file.

They are looked for in that order, under the names that python-amazon-sp-api made common:

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

ENVIRONMENT = {
    "refresh_token": "SP_API_REFRESH_TOKEN",
    "lwa_app_id": "LWA_APP_ID",
    "lwa_client_secret": "LWA_CLIENT_SECRET",
}
SETTINGS = ("SELLERPORT_ACCOUNT", "SELLERPORT_CREDENTIALS", "SP_API_AWS_SECRET_ID")
"""The other variables that are read here; they say where to look."""

DEFAULT = "default"
_APPLICATION = ("lwa_app_id", "lwa_client_secret")
_STARTS = tuple(ENVIRONMENT.values())
_KNOWN = (*ENVIRONMENT, "access_token")
_SIGNATURE = {"aws_access_key", "aws_secret_key", "role_arn"}  # Amazon stopped asking for AWS's signature in 2023
_LISTED = 20

Provider = Callable[[], "Mapping[str, str | None] | Awaitable[Mapping[str, str | None]]"]
"""A function that returns what the arguments would hold; a coroutine function for the async client."""


@dataclass(frozen=True)
class Credentials:
    """An application's Login with Amazon client and the grant of one account; or an access token, and nothing else."""

    refresh_token: str | None = field(default=None, repr=False)
    lwa_app_id: str = ""
    lwa_client_secret: str = field(default="", repr=False)
    access_token: str | None = field(default=None, repr=False)


def find(
    given: Mapping[str, str | None], environ: Mapping[str, str], *, account: str | None = None, again: bool = False
) -> Credentials:
    """Return the credentials, from the first place that has any; see the top of this module.

    Args:
        given: what the caller passed.
        environ: the process's environment.
        account: which account's, where a place has several.
        again: whether to ask AWS anew, because Login with Amazon refused what was found before.

    Raises:
        CredentialsError: none were found, or not all of them, or no such account; lists what was looked for and where.
    """
    own = _texts("the arguments", given, checked=True)
    if given.keys() & set(_KNOWN) - {"refresh_token"} or (own.keys() != given.keys() - _SIGNATURE):
        whole = _whole("the arguments", own, given)
        if account is not None:
            raise CredentialsError(f"account {account!r} was named, and credentials were given: pass one or the other")
        return whole
    named = account if account is not None else environ.get("SELLERPORT_ACCOUNT") or None
    name = DEFAULT if named is None else named
    wanted = _APPLICATION if own else tuple(ENVIRONMENT)
    places: list[_Place] = []
    for place in _places(environ, wanted, again):
        places.append(place)
        if (section := place.accounts.get(name)) is None:
            continue
        found = _texts(f"the values of account {name!r} in {place.title}", section)
        if missing := [one for one in wanted if one not in found]:
            raise place.lacks(name, missing, section)
        return Credentials(**{**found, **own})
    raise _nowhere(named, wanted, places)


async def ask(provider: Provider, given: Mapping[str, str | None]) -> Credentials:
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
    return _whole(what, _texts(what, merged, checked=True), merged)


def files(environ: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """Return where ``credentials.yml`` may be, in the order of python-amazon-sp-api; none of it need exist.

    ``SELLERPORT_CREDENTIALS`` (a file), or else ``PYTHON-SP-APIDIR`` (a folder), is the only place where it is set.
    """
    if named := environ.get("SELLERPORT_CREDENTIALS"):
        return [Path(named)]
    if folder := environ.get("PYTHON-SP-APIDIR"):
        return [Path(folder, "credentials.yml")]
    home = environ.get("USERPROFILE" if platform == "win32" else "HOME")
    if platform == "win32":
        folders = [home and Path(home, "AppData", "Roaming"), environ.get("APPDATA")]
    else:
        folders = [home and Path(home, ".config")]
        folders += [home and Path(home, "Library", "Application Support")] if platform == "darwin" else []
        folders += [environ.get("XDG_CONFIG_HOME")]
        folders += [*(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"), "/etc"]
    return [
        Path(path) for path in dict.fromkeys(str(Path(one, "python-sp-api/credentials.yml")) for one in folders if one)
    ]


def _whole(what: str, own: Mapping[str, str], given: Mapping[str, Any]) -> Credentials:
    """Return the credentials that were given in one piece."""
    if "access_token" in own:
        if len(own) > 1:
            raise CredentialsError(f"{what} hold access_token and more; give it alone, or let one be fetched")
        return Credentials(**own)
    needed = ["access_token"] if given.keys() == {"access_token"} else list(ENVIRONMENT)
    if missing := [one for one in needed if one not in own]:
        raise CredentialsError(f"{what} lack {', '.join(missing)}; all of {', '.join(needed)} are needed")
    return Credentials(**own)


def _texts(what: str, given: Mapping[str, Any], *, checked: bool = False) -> dict[str, str]:
    """Return the credentials in a mapping, without those that are empty; ``checked``: and refuse every other name."""
    if unknown := [str(name) for name in given if checked and name not in _KNOWN and name not in _SIGNATURE]:
        raise CredentialsError(
            f"unknown credentials {', '.join(unknown)}{_nearest(unknown)}; known are {', '.join(_KNOWN)}"
        )
    if checked and _SIGNATURE & given.keys():
        log.debug("%s are not needed any more, and ignored", ", ".join(sorted(_SIGNATURE & given.keys())))
    texts = {}
    for name in _KNOWN if checked else ENVIRONMENT:
        value = given.get(name)
        if value is None:
            continue
        # RFC 6749 appendix A: all of them are printable ASCII
        if not isinstance(value, str) or not (text := value.strip()).isascii() or not text.isprintable():
            raise CredentialsError(
                f"{what}: {name} must be text of printable ASCII characters, in quotes if all digits"
            )
        if text:
            texts[name] = text
    return texts


def _nearest(unknown: Iterable[str], known: Iterable[str] = _KNOWN) -> str:
    found = [near for name in unknown for near in difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)]
    return f"; did you mean {', '.join(map(repr, found))}?" if found else ""


@dataclass(frozen=True)
class _Place:
    """A place where credentials may be, and the accounts that it has."""

    title: str
    accounts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    empty: str = "has none"
    """What to say of it if it has no accounts."""
    variables: bool = True
    """Whether its names are those of the environment."""

    def lacks(self, account: str, missing: Iterable[str], section: Mapping[str, Any]) -> CredentialsError:
        """Return the error that an account is there and not all of it."""
        if not self.variables:
            listed, hint = ", ".join(missing), _nearest(str(name) for name in section if name not in ENVIRONMENT)
            return CredentialsError(f"the values of account {account!r} in {self.title} lack {listed}{hint}")
        ending = "" if account == DEFAULT else f"_{account}"
        listed = ", ".join(ENVIRONMENT[name] + ending for name in missing)
        return CredentialsError(f"the variables of {self.title} lack {listed}; two places are never mixed")

    def __str__(self) -> str:
        names = sorted(self.accounts)
        if not names:
            return f"{self.title} {self.empty}"
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        return f"{self.title} has {', '.join(names[:_LISTED])}{more}"


def _places(environ: Mapping[str, str], wanted: Iterable[str], again: bool) -> Iterator[_Place]:
    """Go through the places; none is opened before the one above it had nothing."""
    yield _Place("the environment", _by_account(environ, wanted))
    title = "AWS Secrets Manager"
    if secret_id := environ.get("SP_API_AWS_SECRET_ID"):
        if again:
            _fetch_secret.cache_clear()
        yield _Place(title, _by_account(_secret(secret_id), wanted))
    else:
        yield _Place(title, {}, "was not asked (SP_API_AWS_SECRET_ID names no secret)")
    for path in files(environ):
        yield _read_file(path)


def _by_account(variables: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Sort variables by the account that they end in; an account without an application has the common one."""
    accounts: dict[str, dict[str, Any]] = {}
    for variable in variables:
        if not variable.startswith(_STARTS) or not (value := variables[variable]):
            continue
        name, start = next((name, start) for name, start in ENVIRONMENT.items() if variable.startswith(start))
        if variable == start:
            accounts.setdefault(DEFAULT, {}).setdefault(name, value)
        elif variable[len(start)] == "_":
            accounts.setdefault(variable[len(start) + 1 :], {})[name] = value
    common = {name: value for name, value in accounts.get(DEFAULT, {}).items() if name in _APPLICATION}
    for section in accounts.values():
        if not section.keys() & set(_APPLICATION):
            section.update(common)
    return {account: section for account, section in accounts.items() if section.keys() & set(wanted)}


def _secret(secret_id: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_fetch_secret(secret_id), type=dict[str, Any])
    except UNREADABLE:
        found = {}
    if not any(name.startswith(_STARTS) for name in found):
        names = ", ".join(ENVIRONMENT.values())
        raise CredentialsError(f"the secret {secret_id!r} (SP_API_AWS_SECRET_ID) is no JSON object with {names}")
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


def _read_file(path: Path) -> _Place:
    try:
        found = path.stat()
        accounts = _parse(path, found.st_mtime_ns, found.st_size)
    except (FileNotFoundError, NotADirectoryError):
        return _Place(str(path), {}, "does not exist", variables=False)
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from error
    if found.st_mode & stat.S_IROTH and os.name == "posix":
        _warn_of_readers(path)
    return _Place(str(path), accounts, variables=False)


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
    if not isinstance(found, dict) or found.keys() & ENVIRONMENT.keys():
        raise CredentialsError(f"{path} must have the name of an account, such as 'default:', above its credentials")
    return {str(name): section if isinstance(section, dict) else {} for name, section in found.items()}


def _nowhere(named: str | None, wanted: Iterable[str], places: Iterable[_Place]) -> CredentialsError:
    """Return the one error for everything missing: what was looked for, where, and what to do."""
    looked = "; ".join(map(str, places))
    if named is not None:
        known = {account for place in places for account in place.accounts}
        return CredentialsError(f"no account {named!r}{_nearest([str(named)], known)}: {looked}")
    variables = ", ".join(ENVIRONMENT[name] for name in wanted)
    return CredentialsError(
        f"no credentials: pass {', '.join(wanted)}, set {variables} in the environment, or write them below "
        f"'default:' in credentials.yml; another account is named by account or SELLERPORT_ACCOUNT. Looked in: {looked}"
    )
