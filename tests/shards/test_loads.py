"""What a shard is told before events come: every setting comes over."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.config import Limits, ObserverConfig, Quarantine, Rates
from wasmhost.config.model import GRANTABLE, GRANTABLE_FIELDS
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.compiling import Artifact
from wasmhost.shards.loads import Load, Setup, read_load, read_setup, write_load, write_setup

COUNTS = st.integers(0, 2**63)
REALS = st.floats(0, allow_nan=False, allow_infinity=False)
HOOK_NAMES = st.sampled_from([hook.name for hook in HOOKS])
OBSERVERS = st.builds(
    ObserverConfig,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    module=st.sampled_from([Path("x.wasm"), Path("/a/b.wasm"), Path("ü/é.wasm")]),
    hooks=st.none() | st.frozensets(HOOK_NAMES),
    grant=st.frozensets(st.sampled_from(sorted(GRANTABLE | GRANTABLE_FIELDS))),
    profile=st.none() | st.text("abc", min_size=1),
    config=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3),
    limits=st.builds(Limits, **{item.name: COUNTS for item in fields(Limits)}),
    mailbox=COUNTS,
    overflow=st.sampled_from(["drop-oldest", "drop-newest"]),
    backoff_ms=st.tuples(REALS, REALS),
    quarantine=st.none() | st.builds(Quarantine, COUNTS, REALS, REALS),
    rates=st.none() | st.builds(Rates, **{item.name: REALS for item in fields(Rates)}),
    trusted_timeout_s=REALS,
)
LOADS = st.builds(
    Load,
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**64 - 1),
    OBSERVERS,
    st.binary(max_size=20),
    st.builds(Artifact, st.sampled_from(["core", "component"]), st.binary(max_size=20)),
    st.none() | st.binary(max_size=20),
    st.lists(st.tuples(HOOK_NAMES, REALS), max_size=3),
)


@given(LOADS)
def test_a_load_comes_back_as_it_was(load: Load) -> None:
    """With every setting of its observer, whether it is on or off, and of the types it had."""
    found = read_load(write_load(load))
    assert found == load
    for item in fields(ObserverConfig):
        assert type(getattr(found.observer, item.name)) is type(getattr(load.observer, item.name)), item.name


def test_an_observer_as_it_is_by_default_comes_back() -> None:
    """A setting that is new must not be forgotten here."""
    load = Load(0, 1, ObserverConfig(name="a", module=Path("a.wasm")), b"", Artifact("core", b""), None, [])
    assert read_load(write_load(load)) == load


@given(st.builds(Setup, st.booleans(), st.integers(0, 50)))
def test_a_setup_comes_back_as_it_was(setup: Setup) -> None:
    """Stacks, losslessness and the level of lines."""
    assert read_setup(write_setup(setup)) == setup
