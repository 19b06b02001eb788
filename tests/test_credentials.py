"""Where credentials come from, and what is said when they do not.

The numbers in names are those of what was proved of python-amazon-sp-api's credentials, and of users' wishes
(reference/peer-sdks.md §1.3 and §5).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sellerport.credentials import ADS, SELLING_PARTNER, Credentials, ask, files, find
from sellerport.errors import CredentialsError
from sellerport.wire import run
from tests.conftest import Clients

WHOLE = {"refresh_token": "Atzr|given", "lwa_app_id": "app-given", "lwa_client_secret": "secret-given"}
SECRET_ID = "SP_API_AWS_SECRET_ID"


def variables(mark: str, account: str = "") -> dict[str, str]:
    """Return the environment of one account, each value of which says where it is from."""
    return {
        f"SP_API_REFRESH_TOKEN{account}": f"Atzr|{mark}",
        f"LWA_APP_ID{account}": f"app-{mark}",
        f"LWA_CLIENT_SECRET{account}": f"secret-{mark}",
    }


def of(mark: str) -> Credentials:
    return Credentials(f"Atzr|{mark}", f"app-{mark}", f"secret-{mark}")


def section(mark: str) -> str:
    return f"\n  refresh_token: Atzr|{mark}\n  lwa_app_id: app-{mark}\n  lwa_client_secret: secret-{mark}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder that python-amazon-sp-api's users have."""
    folder = tmp_path / ".config" / "python-sp-api"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def write(home: Path) -> Callable[..., dict[str, str]]:
    """Write credentials.yml, and return the environment that leads to it."""

    def written(text: str = "", **accounts: str) -> dict[str, str]:
        text += "".join(f"{name}:{section(mark)}" for name, mark in accounts.items())
        path = home / "credentials.yml"
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        return {"HOME": str(home.parent.parent)}

    return written


@pytest.fixture
def store(aws: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Keep a secret in AWS Secrets Manager, and return the environment that leads to it."""
    import boto3

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-nobody")
    client = boto3.Session().client("secretsmanager")

    def stored(secret: Mapping[str, Any] | str | bytes, secret_id: str = "") -> dict[str, str]:
        kind = "SecretBinary" if isinstance(secret, bytes) else "SecretString"
        value = {kind: json.dumps(secret) if isinstance(secret, Mapping) else secret}
        if secret_id:
            client.put_secret_value(SecretId=secret_id, **value)
        else:
            client.create_secret(Name=(secret_id := f"sellerport/{uuid.uuid4()}"), **value)
        return {SECRET_ID: secret_id}

    return stored


def refused(given: Mapping[str, Any], environ: Mapping[str, str], **options: Any) -> str:
    """Return the error's message, once it is sure that no value is in it."""
    with pytest.raises(CredentialsError) as caught:
        find(given, environ, **options)
    shown = f"{caught.value!r} {caught.value.facts()} {''.join(traceback.format_exception(caught.value))}"
    assert not any(value in shown for value in ("Atzr|", "Atza|", "secret-", "app-"))
    return caught.value.message


# The places


def test_the_places_come_in_order_and_each_as_a_whole(
    write: Callable[..., dict[str, str]], store: Callable[..., dict[str, str]]
) -> None:
    everywhere = variables("environment") | store(variables("secret")) | write(default="file")
    assert find(WHOLE, everywhere) == of("given")
    assert find({}, everywhere) == of("environment")
    everywhere = {name: value for name, value in everywhere.items() if name in (SECRET_ID, "HOME")}
    assert find({}, everywhere) == of("secret")
    del everywhere[SECRET_ID]
    assert find({}, everywhere) == of("file")


def test_credentials_do_not_show_in_a_repr() -> None:
    shown = f"{find(WHOLE, {})!r} {find({'access_token': 'Atza|brought'}, {})!r}"
    assert "app-given" in shown
    assert not any(secret in shown for secret in ("Atzr", "Atza", "secret-given"))


def test_proved_4_a_dictionary_that_is_incomplete_is_never_skipped() -> None:
    """python-amazon-sp-api called with the environment's account instead."""
    half = {"refresh_token": "Atzr|given", "lwa_app_id": "app-given"}
    assert refused(half, variables("environment")).startswith("the arguments lack lwa_client_secret")
    for empty in ("", " ", None):
        given = {"refresh_token": "Atzr|given", "lwa_app_id": empty, "lwa_client_secret": empty}
        assert "the arguments lack lwa_app_id, lwa_client_secret" in refused(given, variables("environment"))
        assert "the arguments lack refresh_token" in refused({"refresh_token": empty}, variables("environment"))
        assert "the arguments lack access_token" in refused({"access_token": empty}, variables("environment"))
    assert "lack refresh_token" in refused({"lwa_app_id": "a", "lwa_client_secret": "s"}, variables("environment"))


def test_no_place_is_filled_up_from_another(
    write: Callable[..., dict[str, str]], store: Callable[..., dict[str, str]]
) -> None:
    below = write(default="file")
    half = {"SP_API_REFRESH_TOKEN": "Atzr|x", "LWA_CLIENT_SECRET": "secret-x"}
    assert "variables of the environment lack LWA_APP_ID" in refused({}, half | below)
    assert "variables of AWS Secrets Manager lack LWA_APP_ID" in refused({}, store(half) | below)
    found = write("default:\n  refresh_token: Atzr|x\n  lws_app_id: app-x\n  lwa_client_secret:\n")
    message = refused({}, found)
    assert "account 'default' in" in message
    assert message.endswith("credentials.yml lack lwa_app_id, lwa_client_secret; did you mean 'lwa_app_id'?")


def test_a_name_that_is_unknown_is_answered_with_the_nearest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = {**WHOLE, "lws_app_id": "app-x"}
    assert refused(given, {}).startswith("unknown credentials lws_app_id; did you mean 'lwa_app_id'?; known are")
    assert caplog.messages == []
    legacy = {"aws_access_key": "k", "aws_secret_key": "secret-k", "role_arn": "arn"}
    assert find({**WHOLE, **legacy}, {}) == of("given")
    assert caplog.messages == ["aws_access_key, aws_secret_key, role_arn are not needed any more, and ignored"]
    assert find(legacy, variables("environment")) == of("environment")


def test_what_no_credential_can_be_is_refused_before_it_is_sent(write: Callable[..., dict[str, str]]) -> None:
    for value in (5, b"Atzr|x", "Atzr|a\nb", "Atzr|é", "Atzr|\ud800"):
        assert "the arguments: refresh_token must be text" in refused({**WHOLE, "refresh_token": value}, {})
    assert find({**WHOLE, "refresh_token": " Atzr|given\n"}, {}) == of("given")
    environ = write("default:\n  refresh_token: Atzr|x\n  lwa_app_id: 12345\n  lwa_client_secret: secret-x\n")
    assert "lwa_app_id must be text of printable ASCII characters, in quotes" in refused({}, environ)


def test_wish_18_one_error_says_what_was_looked_for_and_where(home: Path) -> None:
    environ = {"HOME": str(home.parent.parent), "XDG_CONFIG_DIRS": "/none-such"} | variables("other", "_shop")
    assert refused({}, environ) == (
        "no credentials: pass refresh_token, lwa_app_id, lwa_client_secret, set SP_API_REFRESH_TOKEN, LWA_APP_ID, "
        "LWA_CLIENT_SECRET in the environment, or write them below 'default:' in credentials.yml; another account is "
        "named by account or SELLERPORT_ACCOUNT. Looked in: the environment has shop; AWS Secrets Manager was not "
        f"asked (SP_API_AWS_SECRET_ID names no secret); {home}/credentials.yml does not exist; "
        "/none-such/python-sp-api/credentials.yml does not exist; /etc/python-sp-api/credentials.yml does not exist"
    )


# Accounts


def test_wish_17_an_account_is_selected_by_its_name(
    write: Callable[..., dict[str, str]], store: Callable[..., dict[str, str]]
) -> None:
    environ = variables("env") | variables("env-eu", "_eu") | write(default="file", eu="file-eu", na="file-na")
    environ |= store(variables("aws") | variables("aws-jp", "_jp"))
    marks = {account: find({}, environ, account=account) for account in ("default", "eu", "jp", "na")}
    assert marks == {"default": of("env"), "eu": of("env-eu"), "jp": of("aws-jp"), "na": of("file-na")}


def test_wish_17_a_variable_names_the_account_and_the_argument_comes_before_it() -> None:
    environ = {"SELLERPORT_ACCOUNT": "eu", **variables("na", "_na"), **variables("eu", "_eu")}
    assert find({}, environ) == of("eu")
    assert find({}, environ, account="na") == of("na")
    assert find(WHOLE, environ) == of("given")
    for both in (variables("x", "_default") | variables("env"), variables("env") | variables("x", "_default")):
        assert find({}, {**both, "SELLERPORT_ACCOUNT": ""}) == of("x")


def test_proved_6_an_account_that_is_nowhere_is_never_the_one_without_a_name(
    write: Callable[..., dict[str, str]], store: Callable[..., dict[str, str]]
) -> None:
    """python-amazon-sp-api used the variables without an ending."""
    environ = variables("env") | write(default="file", europe="file-eu") | store(variables("aws", "_eu"))
    environ["XDG_CONFIG_DIRS"] = "/none-such"
    for message in (
        refused({}, environ, account="EUROPE"),
        refused({}, {**environ, "SELLERPORT_ACCOUNT": "EUROPE"}),
        refused({"refresh_token": "Atzr|x"}, environ, account="EUROPE"),
    ):
        assert message.startswith("no account 'EUROPE': the environment has default; AWS Secrets Manager has eu; ")
        assert ".config/python-sp-api/credentials.yml has default, europe; " in message
    assert "; did you mean 'europe'?" in refused({}, environ, account="eurpe")
    assert "no account ''" in refused({}, environ, account="")


def test_an_account_and_credentials_are_one_or_the_other() -> None:
    assert "pass one or the other" in refused(WHOLE, variables("eu", "_eu"), account="eu")
    assert "pass one or the other" in refused({"access_token": "Atza|x"}, variables("eu", "_eu"), account="eu")


def test_accounts_of_the_environment_may_share_its_application() -> None:
    environ = {"LWA_APP_ID": "app-one", "LWA_CLIENT_SECRET": "secret-one", "SP_API_REFRESH_TOKEN_eu": "Atzr|eu"}
    assert find({}, environ, account="eu") == Credentials("Atzr|eu", "app-one", "secret-one")
    assert "lack LWA_CLIENT_SECRET_eu" in refused({}, {**environ, "LWA_APP_ID_eu": "app-eu"}, account="eu")
    assert "lack SP_API_REFRESH_TOKEN" in refused({}, environ)


def test_wish_17_a_refresh_token_in_code_is_used_with_the_application_of_the_next_place(
    write: Callable[..., dict[str, str]], store: Callable[..., dict[str, str]]
) -> None:
    token, application = {"refresh_token": "Atzr|seller"}, {"LWA_APP_ID": "app-x", "LWA_CLIENT_SECRET": "secret-x"}
    assert find(token, application) == Credentials("Atzr|seller", "app-x", "secret-x")
    assert find(token, variables("env")) == Credentials("Atzr|seller", "app-env", "secret-env")
    assert find(token, store(application)) == Credentials("Atzr|seller", "app-x", "secret-x")
    below = write("default:\n  lwa_app_id: app-file\n  lwa_client_secret: secret-file\n")
    assert find(token, below) == Credentials("Atzr|seller", "app-file", "secret-file")
    # a refresh token that is not wanted is no reason to stop there
    stray = {"SP_API_REFRESH_TOKEN": "Atzr|stray"}
    assert find(token, stray | below) == Credentials("Atzr|seller", "app-file", "secret-file")
    assert "the environment lack LWA_CLIENT_SECRET" in refused(token, {"LWA_APP_ID": "app-x"} | below)


def test_wish_16_an_access_token_stands_alone() -> None:
    assert find({"access_token": "Atza|brought"}, variables("environment")) == Credentials(access_token="Atza|brought")
    assert "the arguments hold access_token and more" in refused({**WHOLE, "access_token": "Atza|brought"}, {})
    assert find({**WHOLE, "access_token": None}, {}) == of("given")


# The file


def test_the_folders_are_those_of_python_amazon_sp_api() -> None:
    environ = {"HOME": "/home/x", "XDG_CONFIG_HOME": "/xdg", "APPDATA": "/roaming", "USERPROFILE": "/users/x"}
    names = {
        platform: [str(path.parent.parent) for path in files(environ, platform)]
        for platform in ("linux", "darwin", "win32")
    }
    assert names == {
        "linux": ["/home/x/.config", "/xdg", "/etc/xdg", "/etc"],
        "darwin": ["/home/x/.config", "/home/x/Library/Application Support", "/xdg", "/etc/xdg", "/etc"],
        "win32": ["/users/x/AppData/Roaming", "/roaming"],
    }
    assert {path.parts[-2:] for path in files(environ)} == {("python-sp-api", "credentials.yml")}
    environ |= {"XDG_CONFIG_DIRS": "/a:/b", "XDG_CONFIG_HOME": "/home/x/.config"}
    assert [str(path.parent.parent) for path in files(environ, "linux")] == ["/home/x/.config", "/a", "/b", "/etc"]
    assert files({**environ, "PYTHON-SP-APIDIR": "/dir"}) == [Path("/dir/credentials.yml")]
    assert files({**environ, "SELLERPORT_CREDENTIALS": "/a/b.yml", "PYTHON-SP-APIDIR": "/dir"}) == [Path("/a/b.yml")]
    assert files({}, "linux") == [Path(f"/etc{xdg}/python-sp-api/credentials.yml") for xdg in ("/xdg", "")]


def test_a_file_may_be_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    environ = {"SELLERPORT_CREDENTIALS": str(path)}
    assert f"{path} does not exist" in refused({}, environ)
    path.write_text(f"\ufeffdefault:{section('mine')}", "utf-8")
    path.chmod(0o600)
    assert find({}, environ) == of("mine")


def test_proved_14_nothing_is_created_by_looking(tmp_path: Path) -> None:
    """python-amazon-sp-api made the folder."""
    refused({}, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_read_again_when_it_changed_and_not_before(
    write: Callable[..., dict[str, str]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    really = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), really(path))[1])
    environ = write(default="one")
    assert [find({}, environ) for _ in range(3)] == [of("one")] * 3
    write(default="second")
    assert find({}, environ) == of("second")
    assert read == [home / "credentials.yml"] * 2


def test_accounts_of_a_file_may_share_its_application(write: Callable[..., dict[str, str]]) -> None:
    text = "default: &mine\n  refresh_token: Atzr|one\n  lwa_app_id: app-x\n  lwa_client_secret: secret-x\n"
    environ = write(f"{text}two:\n  <<: *mine\n  refresh_token: Atzr|two\n")
    assert find({}, environ, account="two") == Credentials("Atzr|two", "app-x", "secret-x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default:\n  refresh_token: 'Atzr|x\n", "is no YAML (line "),
        ("default:\n  lwa_client_secret: secret-x: y\n", "is no YAML (line 2)"),
        ("default: 2026-99-99\n", "is no YAML"),
        ("default: !!python/object/apply:os.system ['true']\n", "is no YAML (line 1)"),
        ("a: " + "[" * 1000, "is no YAML"),
        ("refresh_token: Atzr|x\nlwa_app_id: app-x\n", "must have the name of an account, such as 'default:'"),
        ("- Atzr|x\n", "must have the name of an account, such as 'default:'"),
        ("Atzr|x\n", "must have the name of an account, such as 'default:'"),
        ("default: Atzr|x\n", "lack refresh_token, lwa_app_id, lwa_client_secret"),
        ("default:\n", "lack refresh_token, lwa_app_id, lwa_client_secret"),
        ("", "credentials.yml has none; "),
        ("\n".join(f"a{number:02}:" for number in range(25)), "has a00, a01, "),
        ("\n".join(f"a{number:02}:" for number in range(25)), ", a19 and 5 more; "),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_shows_nothing_of_it(
    text: str, said: str, write: Callable[..., dict[str, str]]
) -> None:
    assert said in refused({}, write(text))


def test_a_file_that_cannot_be_read_is_an_error_and_not_an_absent_one(home: Path) -> None:
    (home / "credentials.yml").mkdir()
    assert "credentials.yml cannot be read: Is a directory" in refused({}, {"HOME": str(home.parent.parent)})


def test_a_file_that_everybody_may_read_is_warned_of_once(
    write: Callable[..., dict[str, str]], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    environ = write(default="file")
    find({}, environ)
    assert caplog.messages == []
    (home / "credentials.yml").chmod(0o644)
    for _ in range(3):
        find({}, environ)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message.startswith(f"{home}/credentials.yml can be read by every user")


# AWS Secrets Manager


def test_a_secret_is_fetched_once_and_again_when_it_was_refused(store: Callable[..., dict[str, str]]) -> None:
    environ = store(variables("old"))
    assert find({}, environ) == of("old")
    store(variables("new"), environ[SECRET_ID])
    assert find({}, environ) == of("old")
    assert find({}, environ, again=True) == of("new")
    assert find({}, environ) == of("new")


@pytest.mark.parametrize("secret", ["Atzr|x", "[1]", '{"other": 1}', b"Atzr|x", "[" * 5000])
def test_a_secret_of_another_kind_is_an_error(
    secret: str | bytes, store: Callable[..., dict[str, str]], write: Callable[..., dict[str, str]]
) -> None:
    assert "(SP_API_AWS_SECRET_ID) is no JSON object with SP_API_" in refused({}, store(secret) | write(default="file"))


def test_a_secret_that_cannot_be_had_is_an_error_and_no_reason_to_look_further(
    store: Callable[..., dict[str, str]], write: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store(variables("x"))
    environ = write(default="file") | {SECRET_ID: "none-such"}
    assert "answered ResourceNotFoundException for 'none-such' (SP_API_AWS_SECRET_ID)" in refused({}, environ)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "was not reached for 'none-such': You must specify a region" in refused({}, environ)
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert "pip install 'sellerport[aws]'" in refused({}, environ)


def test_a_secret_rotated_in_aws_is_found_without_a_restart(
    clients: Clients, store: Callable[..., dict[str, str]]
) -> None:
    def spelled(given: Mapping[str, str]) -> dict[str, str]:
        return {variable: given[name] for name, variable in SELLING_PARTNER.environment.items()}

    world = clients.amazon.world
    environ = store(spelled(clients.amazon.credentials()))
    sp = clients.make(None, environ=environ)
    old = world.application()
    world.applications[old.client_id] = msgspec.structs.replace(old, client_secret="secret-rotated")
    store(spelled(clients.amazon.credentials()), environ[SECRET_ID])
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    assert clients.amazon.token_requests == 2


# Those of the Ads API, which have names of their own

ADS_WHOLE = {"refresh_token": "Atzr|given", "client_id": "app-given", "client_secret": "secret-given"}


def ads_variables(mark: str, account: str = "", **more: str) -> dict[str, str]:
    """Return the environment of one account of the Ads API."""
    return {
        f"AD_API_REFRESH_TOKEN{account}": f"Atzr|{mark}",
        f"AD_API_CLIENT_ID{account}": f"app-{mark}",
        f"AD_API_CLIENT_SECRET{account}": f"secret-{mark}",
    } | {f"AD_API_{name.upper()}{account}": value for name, value in more.items()}


def ads_file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "ads.yml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return {"SELLERPORT_ADS_CREDENTIALS": str(path)}


def test_the_ads_api_has_names_of_its_own_in_the_same_places(tmp_path: Path) -> None:
    text = (
        "default:\n  refresh_token: Atzr|file\n  client_id: app-file\n  client_secret: secret-file\n  profile_id: 12\n"
    )
    below = ads_file(tmp_path, text)
    everywhere = variables("sp") | below | ads_variables("env", profile_id="1") | ads_variables("eu", "_eu")
    assert find(ADS_WHOLE, everywhere, names=ADS) == of("given")
    assert find({}, everywhere, names=ADS) == Credentials("Atzr|env", "app-env", "secret-env", profile_id="1")
    assert find({}, everywhere, names=ADS, account="eu") == of("eu")
    assert find({}, {**everywhere, "SELLERPORT_ACCOUNT": "eu"}, names=ADS) == of("eu")
    file = Credentials("Atzr|file", "app-file", "secret-file", profile_id="12")
    assert find({}, below | variables("sp") | {"AD_API_PROFILE_ID": "1"}, names=ADS) == file
    assert find({"profile_id": "2"}, below, names=ADS) == Credentials(
        "Atzr|file", "app-file", "secret-file", profile_id="2"
    )
    assert find({}, everywhere) == of("sp")


def test_a_profile_that_is_kept_with_one_grant_is_not_used_with_another() -> None:
    environ = ads_variables("env", profile_id="1")
    assert find({"refresh_token": "Atzr|other"}, environ, names=ADS) == Credentials(
        "Atzr|other", "app-env", "secret-env"
    )


def test_what_is_missing_is_told_in_the_names_of_the_ads_api(tmp_path: Path) -> None:
    half = {"refresh_token": "Atzr|given", "client_id": "app-given"}
    assert "the arguments lack client_secret; all of refresh_token, client_id" in refused(half, {}, names=ADS)
    assert "unknown credentials lwa_app_id, lwa_client_secret; did you mean" in refused(WHOLE, {}, names=ADS)
    lacks = refused({}, {"AD_API_REFRESH_TOKEN_eu": "Atzr|eu"}, names=ADS, account="eu")
    assert "the variables of the environment lack AD_API_CLIENT_ID_eu, AD_API_CLIENT_SECRET_eu" in lacks
    nowhere = refused({}, {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": "/none-such"}, names=ADS)
    assert nowhere.startswith("no credentials: pass refresh_token, client_id, client_secret, set AD_API_REFRESH_TOKEN,")
    assert f"{tmp_path}/.config/python-ad-api/credentials.yml does not exist" in nowhere
    assert "Secrets Manager" not in nowhere
    assert files({"PYTHON-AD-APIDIR": "/dir"}, names=ADS) == [Path("/dir/credentials.yml")]
    assert "must have the name of an account" in refused({}, ads_file(tmp_path, "client_id: app-x\n"), names=ADS)


def test_an_access_token_of_the_ads_api_needs_the_client_id_and_nothing_else() -> None:
    brought = {"access_token": "Atza|brought", "client_id": "app-given"}
    assert find(brought, {}, names=ADS) == Credentials(access_token="Atza|brought", client_id="app-given")
    assert find({**brought, "profile_id": "1"}, {}, names=ADS).profile_id == "1"
    alone = refused({"access_token": "Atza|brought"}, ads_variables("env"), names=ADS)
    assert "lack client_id; all of access_token, client_id are needed" in alone
    more = refused({**brought, "refresh_token": "Atzr|x"}, {}, names=ADS)
    assert "hold access_token and more; give access_token and client_id alone" in more


def test_a_function_has_the_names_of_the_ads_api_and_no_profile() -> None:
    assert run(ask(lambda: ADS_WHOLE, {}, ADS)) == of("given")
    with pytest.raises(CredentialsError, match="unknown credentials profile_id; known are refresh_token"):
        run(ask(lambda: {**ADS_WHOLE, "profile_id": "1"}, {}, ADS))
