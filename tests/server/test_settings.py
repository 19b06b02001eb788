"""Settings: where they come from, and what is said about bad ones."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sellerport.errors import SettingsError
from sellerport.server.settings import CLIENT_NAMES, LIBRARY_NAMES, Secret, Settings, table


def test_nothing_set_means_defaults():
    assert Settings.read({}) == Settings()
    assert Settings().url() == "http://127.0.0.1:8080"


def test_everything_can_be_set_from_the_environment():
    read = Settings.read(
        {
            "SELLERPORT_DATABASE": "sqlite:////var/lib/s.db",
            "SELLERPORT_VAULT_KEY_FILE": "/etc/key",
            "SELLERPORT_AMAZON": "http://127.0.0.1:8099/",
            "SELLERPORT_PUBLIC_URL": "HTTPS://connect.example.test/",
            "SELLERPORT_HOST": "0.0.0.0",
            "SELLERPORT_PORT": "9000",
            "SELLERPORT_LOG_LEVEL": "DEBUG",
        }
    )
    assert read == Settings(
        database=Path("/var/lib/s.db"),
        vault_key_file=Path("/etc/key"),
        amazon="http://127.0.0.1:8099",
        public_url="https://connect.example.test",
        host="0.0.0.0",
        port=9000,
        log_level="debug",
    )


def test_what_is_given_comes_before_the_environment():
    assert Settings.read({"SELLERPORT_PORT": "1"}, {"port": "2"}).port == 2


def test_an_empty_value_counts_as_absent():
    assert Settings.read({"SELLERPORT_PORT": "", "SELLERPORT_AMAZON": ""}) == Settings()


def test_an_unknown_name_is_refused_and_the_nearest_suggested():
    with pytest.raises(SettingsError, match=r"no setting SELLERPORT_DATBASE; did you mean SELLERPORT_DATABASE\?"):
        Settings.read({"SELLERPORT_DATBASE": "x"})


def test_names_of_the_command_line_and_of_others_are_passed_over():
    named = dict.fromkeys(CLIENT_NAMES | LIBRARY_NAMES, "x")
    assert Settings.read(named | {"PATH": "/bin", "SELLER": "x"}) == Settings()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_address_of_a_postgresql_database_is_a_secret(scheme):
    settings = Settings.read({"SELLERPORT_DATABASE": f"{scheme}://u:hunter2@db/x"})
    assert settings.database == "postgresql://u:hunter2@db/x"
    assert "hunter2" not in repr(settings)


def test_the_address_of_a_redis_is_a_secret():
    settings = Settings.read({"SELLERPORT_REDIS": "rediss://:hunter2@cache/0", "SELLERPORT_PROCESSES": "3"})
    assert (settings.redis, settings.processes) == ("rediss://:hunter2@cache/0", 3)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DATABASE", "mysql://u:hunter2@db/x", "must be a path"),
        ("DATABASE", "postgresql://u:hunter2@db", "must name a database"),
        ("DATABASE", "postgresql://u:hun@hunter2@db/x", "must have %40 for @"),
        ("DATABASE", "postgresql://u:hunter2/@db/x", "must have %40 for @"),
        ("DATABASE", "postgresql://u:hunter2:1/hunter2@db/x", "must have %40 for @"),
        ("DATABASE", "sqlite://", "must be a path"),
        ("DATABASE", "sqlite:///", "would lose every grant"),
        ("DATABASE", ":memory:", "would lose every grant"),
        ("AMAZON", "127.0.0.1:8099", "must be an address"),
        ("AMAZON", "http://", "must be an address"),
        ("AMAZON", "http://a:hunter2@b/", "must be an address"),
        ("AMAZON", "http://a b/", "must be an address"),
        ("PUBLIC_URL", "ftp://x/", "must be an address"),
        ("PUBLIC_URL", "https://x/?a=b", "no query"),
        ("PUBLIC_URL", "https://x/#a", "no query and no fragment"),
        ("PUBLIC_URL", "https://x:99999/", "must have a port from 1 to 65535"),
        ("PORT", "http", "from 0 to 65535"),
        ("PORT", "65536", "from 0 to 65535"),
        ("PORT", "-1", "from 0 to 65535"),
        ("PORT", "²", "from 0 to 65535"),
        ("REDIS", "http://:hunter2@cache:6379", "must be an address such as redis://"),
        ("PROCESSES", "0", "from 1 to 1000"),
        ("PROCESSES", "a few", "from 1 to 1000"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
    ],
)
def test_an_unreadable_value_names_the_setting_and_is_not_shown(name, text, said):
    with pytest.raises(SettingsError, match=f"^SELLERPORT_{name} .*{said}") as caught:
        Settings.read({f"SELLERPORT_{name}": text})
    assert "hunter2" not in str(caught.value)


def test_http_is_for_this_machine_or_a_local_amazon():
    with pytest.raises(SettingsError, match="SELLERPORT_PUBLIC_URL must start with https://"):
        Settings.read({"SELLERPORT_PUBLIC_URL": "http://connect.example.test"})
    Settings.read({"SELLERPORT_PUBLIC_URL": "http://localhost:8080"})
    Settings.read({"SELLERPORT_PUBLIC_URL": "http://server:8080", "SELLERPORT_AMAZON": "http://amazon:8099"})


def test_a_key_and_a_key_file_are_not_given_together():
    with pytest.raises(SettingsError, match="give one of them"):
        Settings.read({"SELLERPORT_VAULT_KEY": "a", "SELLERPORT_VAULT_KEY_FILE": "b"})


def test_no_secret_is_in_the_repr():
    assert "hunter2" not in repr(Settings(vault_key=Secret("hunter2")))


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(host="0.0.0.0"), "http://127.0.0.1:8080"),
        (Settings(host="::1", port=1), "http://[::1]:1"),
        (Settings(host="::"), "http://[::1]:8080"),
        (Settings(public_url="https://connect.example.test/x", port=1), "https://connect.example.test/x"),
    ],
)
def test_the_address_for_browsers(settings, url):
    assert settings.url() == url


def test_the_address_for_browsers_follows_a_free_port():
    assert Settings(port=0).url(4711) == "http://127.0.0.1:4711"


def test_every_setting_is_in_the_table_with_help():
    rows = table()
    assert [name for name, _, _ in rows] == [f"SELLERPORT_{setting.name.upper()}" for setting in fields(Settings)]
    assert all(help.endswith(".") for _, _, help in rows)
