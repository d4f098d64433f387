"""``[services]`` and the sections of registered services."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from bureaucrat.config import Config, Hosts, Service, load
from bureaucrat.errors import ConfigurationError


def read(path: Path, text: str) -> Config:
    file = path / "config.ini"
    file.write_text(text, encoding="utf-8")
    return load(file, {}, is_root=True)


def problems(path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(path, text)
    return [one.replace(f"{path}/", "") for one in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", Hosts()),
        ("*", Hosts(("*",))),
        ("API.example.com, *.example.org localhost", Hosts(("api.example.com", "*.example.org", "localhost"))),
        ("10.1.0.0/16, ::1", Hosts((), (ip_network("10.1.0.0/16"), ip_network("::1/128")))),
    ],
)
def test_hosts_are_names_patterns_and_networks(tmp_path: Path, text: str, hosts: Hosts) -> None:
    assert read(tmp_path, f"[services]\nallow = {text}\n").services.allow == hosts


@pytest.mark.parametrize("text", ["a*b", "https://a", "10.1.2.3/16", "127.1", "*.*", "a:80"])
def test_what_is_no_host_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = problems(tmp_path, f"[services]\nallow = {text}\n")

    assert problem == (
        f"config.ini:2  [services] allow = {text}: must be names of hosts, *.DOMAIN, * or networks: "
        "api.example.com, *.example.org, 10.1.0.0/16; for example: allow = api.example.com"
    )


def test_a_service_is_registered_by_its_section(tmp_path: Path) -> None:
    """Its headers are lines of a file that only its user can read, and are never shown."""
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer 5f\nX-Shop:a b\n", encoding="utf-8")
    headers.chmod(0o600)

    config = read(
        tmp_path,
        f"[service:a]\nurl = http://10.0.0.1:80/x\nheaders = file:{headers}\ntimeout = 2s\n[service:b]\nurl = https://b\n",
    )

    place, told = f"{tmp_path}/config.ini", (("Authorization", "Bearer 5f"), ("X-Shop", "a b"))
    assert config.registered == (
        Service("a", f"{place}:1  [service:a]", "http://10.0.0.1:80/x", told, 2.0),
        Service("b", f"{place}:5  [service:b]", "https://b"),
    )
    assert "5f" not in repr(config)
    assert [one.shown for one in config.settings if one.key.name == "headers"] == ["***", "***"]


def test_what_is_wrong_with_a_service_is_told_with_the_remedy(tmp_path: Path) -> None:
    text = (
        "[service:]\nurl = https://a\n[service:b]\n[service:c]\nurl = ftp://c\n[service:d]\nurl = https://u:p@d\n"
        "[service:e]\nurl = https://e\nheaders = Host: x\n[service:f]\nurl = https://f:0\n"
    )
    url = "must be http://HOST/PATH or https://HOST/PATH, without a user and password; for example: "
    url += "url = https://api.example.com/charge"

    assert problems(tmp_path, text) == [
        "config.ini:1  [service:] names no service; write its name right after the colon: [service:charge]",
        "config.ini:3  [service:b] has no url; add url = https://api.example.com/charge",
        f"config.ini:5  [service:c] url = ftp://c: {url}",
        f"config.ini:7  [service:d] url = https://u:***@d: {url}",
        "config.ini:10  [service:e] headers: must be a line NAME: VALUE for each header; Host, Content-… and those of "
        "the engine are its own; for example: headers = file:/etc/bureaucrat/charge.headers",
        f"config.ini:12  [service:f] url = https://f:0: {url}",
    ]
