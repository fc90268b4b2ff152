"""The records of a configuration, and what the command line adds to them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.config import HostConfig, Limits, ObserverConfig, ObserverDefaults, is_safe_name, name_observers
from wasmhost.errors import ConfigError


def test_defaults_are_the_contracts() -> None:
    """A configuration of nothing is the one the contract prints."""
    observer = ObserverConfig("a", Path("a.wasm"))
    assert observer.limits == Limits(10_000_000, 100_000_000, 100, 5_000, 64, 10_000, 256, 32, 64)
    assert observer.grant == {"config", "metrics", "report"}
    assert (observer.mailbox, observer.overflow, observer.backoff_ms) == (1024, "drop-oldest", (10, 10_000))
    assert observer.quarantine is not None
    assert (observer.quarantine.panics, observer.quarantine.within, observer.quarantine.probe) == (5, 60, 30)
    host = HostConfig()
    assert (host.db, host.reports, host.drain_s, host.trusted_timeout_s) == (Path("wasmhost.db"), "-", 5, 5)


def test_records_are_frozen() -> None:
    """A configuration cannot change under a running host."""
    with pytest.raises(FrozenInstanceError):
        HostConfig().drain_s = 1.0  # type: ignore[misc]


def test_modules_of_the_command_line_have_the_configured_defaults_and_their_own_grants() -> None:
    """--observer uses [defaults], --grant adds to it, and the file's own observers stay as they are."""
    configured = ObserverConfig("a", Path("x.wasm"))
    host = HostConfig((configured,), defaults=ObserverDefaults(mailbox=7))
    both = host.with_observers([Path("a.wasm"), Path("b.wasm")], ["state", "log"])
    assert both.observers[0] is configured
    assert [observer.name for observer in both.observers] == ["a", "a-2", "b"]
    assert all(observer.mailbox == 7 for observer in both.observers[1:])
    assert all(observer.grant == {"config", "metrics", "report", "state"} for observer in both.observers[1:])


def test_unknown_grant_is_refused() -> None:
    """A capability that does not exist is named, with those that do."""
    with pytest.raises(ConfigError, match=r'capability or field "network"; .* state, and of fields cred'):
        HostConfig().with_observers([Path("a.wasm")], ["state", "network"])


@pytest.mark.parametrize(
    ("modules", "taken", "names"),
    [
        (["a.wasm", "x/a.wasm", "a.wat"], [], ["a", "a-2", "a-3"]),
        (["a.wasm", "a-2.wasm", "a.wasm"], [], ["a", "a-2", "a-3"]),
        (["a.wasm"], ["a", "a-2"], ["a-3"]),
        (
            ["with space.wasm", "é.wasm", ".hidden.wasm", "\x1b[2J.wasm"],
            [],
            ["with-space", "observer", "hidden", "2J"],
        ),
        (["n" * 200 + ".wasm"], [], ["n" * 56]),
    ],
)
def test_names_of_modules(modules: list[str], taken: list[str], names: list[str]) -> None:
    """The stem names an observer, numbered where it is taken, without what is unsafe to print."""
    assert name_observers([Path(module) for module in modules], taken) == names


@given(stems=st.lists(st.text(alphabet="aA-_.2 \x1bé/", min_size=1, max_size=80), max_size=20))
def test_given_names_are_safe_and_unique(stems: list[str]) -> None:
    """Whatever files are called, their observers' names can be told apart and printed."""
    names = name_observers([Path(stem) for stem in stems])
    assert len(set(names)) == len(stems)
    assert all(is_safe_name(name) for name in names)


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "é", "a\n", "a" * 65, ".a"])
def test_unsafe_names(name: str) -> None:
    """Names that could be taken for an option, a path or a terminal's command are not safe."""
    assert not is_safe_name(name)
