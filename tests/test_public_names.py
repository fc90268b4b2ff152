"""Public names, ``__all__``, what is imported lazily and what type checkers see: all the same."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import wasmhost

SOURCE = Path(wasmhost.__file__).read_text("utf-8")


def seen_by_checkers() -> dict[str, str]:
    """Read the imports under TYPE_CHECKING: each name, and the module it is imported from."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wasmhost.")
        for alias in node.names
    }


def found_at_run_time() -> dict[str, str]:
    """Read the table that lazy imports go by."""
    return {name: home for home, names in wasmhost._HOMES.items() for name in names.split()}


def test_type_checkers_see_what_is_found_at_run_time_and_in_all() -> None:
    """Each name from the same module."""
    assert seen_by_checkers() == found_at_run_time()
    assert set(wasmhost.__all__) == set(seen_by_checkers())


def test_all_is_sorted_and_says_each_name_once() -> None:
    """So that a change is one line."""
    assert sorted(set(wasmhost.__all__)) == sorted(wasmhost.__all__)


@pytest.mark.parametrize("name", wasmhost.__all__)
def test_a_public_name_is_what_its_module_calls_so_and_has_words_of_its_own(name: str) -> None:
    """It can be imported, is listed by dir(), and says what it is for."""
    value = getattr(wasmhost, name)
    assert value is getattr(import_module(found_at_run_time()[name]), name)
    assert name in dir(wasmhost)
    if callable(value):
        assert (value.__doc__ or "").strip()


def test_what_the_issue_and_the_contract_promise_is_there() -> None:
    """Under the names they give."""
    promised = """
    ObserverHost WorkloadHookObserver HookEvent RuntimeContext ActrId ActrType Realm ActrError
    spawn_hook call_lifecycle_hook build_hook_callback log_hook_event
    PeerEvent ErrorEvent CredentialEvent BackpressureEvent
    SignalingConnectStart SignalingConnected SignalingDisconnected
    WebRtcConnectStart WebRtcConnected WebRtcDisconnected DataStreamDeliveryUncertain
    WebSocketConnectStart WebSocketConnected WebSocketDisconnected
    CredentialRenewed CredentialExpiring MailboxBackpressure
    """
    assert set(promised.split()) <= set(wasmhost.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = wasmhost.no_such_name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_the_package_does_not_load_the_engine() -> None:
    """It takes long, and not all who import us need it."""
    program = """
import sys, wasmhost
assert "wasmtime" not in sys.modules
wasmhost.WebRtcConnected
assert "wasmtime" not in sys.modules
from wasmhost import *
assert "wasmtime" in sys.modules and ObserverHost
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_it_says_to_type_checkers_that_it_is_typed() -> None:
    """The marker is in the package."""
    assert (Path(wasmhost.__file__).parent / "py.typed").is_file()
