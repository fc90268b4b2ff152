"""What may come of a stranger's binary: a clear refusal, or a contained run. Nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import cbor2

from tests.contract.strategies import plain_actr, plain_event
from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.config import Limits
from wasmhost.contract.manifest import FIELDS
from wasmhost.errors import GuestRefused
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.instance import Outcome, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest

GRANT: Final = frozenset({"config", "metrics", "report", "state", *FIELDS})
LIMITS: Final = Limits(
    fuel=1_000_000,
    init_fuel=5_000_000,
    deadline_ms=50,
    init_deadline_ms=200,
    memory_mib=16,
    table_elements=10_000,
)
_PAYLOAD: Final[dict[str, object]] = {
    "peer": plain_actr(),
    "source": {"kind": "internal", "message": "no"},
    "category": "handler-error",
    "context": "here",
    "at": 5,
    "new-expiry": 6,
    "queue-len": 7,
    "threshold": 8,
}
_CALM: Final = replace(LIMITS, deadline_ms=10_000, init_deadline_ms=10_000)
"""For neighbours: a deadline is the one thing that depends on how busy the machine is."""
EVENT: Final = cbor2.dumps(plain_event(event=_PAYLOAD), canonical=True)
"""Good for every hook, as there may be more in a map than a hook has use for."""
_LONGEST: Final = 1_000  # characters of a reason
_HOOKS: Final = 3  # of a guest's, called in turn
_CONFIG: Final = {"threshold": "0.5"}

_PARSER: Final = (
    r"unexpected|malformed|magic|LEB|leb128|invalid (leading|utf|var_|mut)|UTF-8|size mismatch|out of order"
    r"|unknown section|section (size|out)|trailing|extends past|zero byte|length out of bounds|version"
    r"|integer (too|repr)|exceeds"
)
# The words of a refusal, and at which of the doors it was spoken; the first that fits.
_DOORS: Final = (
    ("no binary", r"it is empty|no WebAssembly binary|it is cut short|module_mib"),
    ("manifest", r"its manifest"),
    ("parser", f"does not compile: .*({_PARSER})"),
    ("validator", r"does not compile"),
    ("unreadable", r"cannot be read"),
    ("too much", r"more than [\d,]+|at most [\d,]+|too many|too large|takes too long"),
    ("imports", r"it imports|imports, more"),
    ("grants", r"not granted"),
    ("exports", r"it exports"),
    ("start", r"its start function"),
    ("instantiation", r"does not instantiate"),
)


class Verdict(NamedTuple):
    """``what`` came of it, in one of few words; ``detail`` in the host's."""

    what: str
    detail: str


def judge(engine: SandboxEngine, wasm: bytes) -> Verdict:
    """Let a binary in, as a host would, and give its hooks an event each.

    :raises AssertionError: what came of it is none of what may. So is every other exception.
    """
    try:
        guest = load_guest(engine, wasm, LIMITS, grant=GRANT)
        return _run(engine, guest)
    except GuestRefused as refusal:
        reason = str(refusal)
    assert reason, "refused without a reason"
    assert len(reason) <= _LONGEST, f"a reason of {len(reason):,} characters"
    assert reason.isprintable(), f"a reason that is not one printable line: {reason!r}"
    return Verdict(f"refused: {door(reason)}", reason)


def door(reason: str) -> str:
    """At which door a binary was refused."""
    return next((name for name, words in _DOORS if re.search(words, reason)), "another")


def _run(engine: SandboxEngine, guest: Guest) -> Verdict:
    last = Verdict("ran: nothing", "")
    for hook in range(min(len(guest.hooks), _HOOKS)):
        with Sandbox(engine, guest, LIMITS, config=_CONFIG, seed=1) as sandbox:
            outcomes = [sandbox.init]
            for turn in range(2):
                if outcomes[-1].trap is None:
                    outcomes.append(sandbox.deliver(hook, EVENT, at=10**18, seq=turn, seed=turn))
        for outcome in outcomes:
            sound(outcome)
        last = _told(outcomes)
    return last


def _told(outcomes: list[Outcome]) -> Verdict:
    final = outcomes[-1]
    if final.trap is not None:
        when = "init" if len(outcomes) == 1 else "hook"
        return Verdict(f"ran: {when} trapped, {final.trap.kind.value}", final.trap.message)
    return Verdict("ran: returned" if final.error is None else "ran: returned an error", final.error or "")


def sound(outcome: Outcome) -> None:
    """What holds of any outcome of any guest: bounded, printable, and after a trap only logs."""
    effects = outcome.effects
    assert outcome.fuel >= 0
    assert effects.state is None or len(effects.state) <= abi.AREA_BYTES
    assert sum(len(report.body) for report in effects.reports) <= abi.AREA_BYTES
    assert sum(len(line.text) for line in effects.logs) <= 4 * abi.AREA_BYTES
    if outcome.trap is not None:
        assert isinstance(outcome.trap.kind, PanicKind)
        assert (effects.reports, effects.metrics, effects.state, outcome.error) == ((), (), None, None)
    for text in _texts(outcome):
        assert len(text) <= abi.TEXT_BYTES, f"a text of {len(text):,} characters"
        assert text.isprintable(), f"a text that is not printable: {text[:80]!r}"


def _texts(outcome: Outcome) -> Iterator[str]:
    yield from (line.text for line in outcome.effects.logs)
    yield from (report.topic for report in outcome.effects.reports)
    yield from (metric.name for metric in outcome.effects.metrics)
    if outcome.error is not None:
        yield outcome.error
    if outcome.trap is not None:
        yield from (outcome.trap.message, *outcome.trap.backtrace)


class Neighbours:
    """Healthy guests beside all that: one alive all the while, and new ones now and then.

    They remember nothing, so that each delivery has the same outcome, to the unit of fuel.
    """

    def __init__(self, engine: SandboxEngine) -> None:
        self._engine = engine
        self._alive = [self._new(wasm) for wasm in _healthy()]
        self._normal = [sandbox.deliver(0, EVENT) for sandbox in self._alive]
        for outcome in self._normal:
            assert outcome.trap is None
            assert [report.body for report in outcome.effects.reports] == [EVENT]

    def check(self) -> None:
        """Deliver to those that are alive.

        :raises AssertionError: something is not as it was.
        """
        for sandbox, normal in zip(self._alive, self._normal, strict=True):
            _same(sandbox.deliver(0, EVENT), normal, "a neighbour was disturbed")

    def check_new(self) -> None:
        """Deliver to newly made ones too."""
        self.check()
        for wasm, normal in zip(_healthy(), self._normal, strict=True):
            with self._new(wasm) as sandbox:
                _same(sandbox.deliver(0, EVENT), normal, "a new guest is not as the first was")

    def close(self) -> None:
        """Let them go."""
        for sandbox in self._alive:
            sandbox.close()

    def _new(self, wasm: bytes) -> Sandbox:
        return Sandbox(self._engine, load_guest(self._engine, wasm, _CALM, grant=GRANT), _CALM)


def _same(found: Outcome, normal: Outcome, complaint: str) -> None:
    assert found == normal, (
        f"{complaint}: fuel {found.fuel} and not {normal.fuel}, {found.trap}, {found.error}"
    )


def _healthy() -> tuple[bytes, bytes]:
    """One for the airlock, and one that is a component."""
    tells = "(call $report.send (local.get $p) (i32.const 0) (local.get $p) (local.get $n))"
    use = ("report.send",)
    return wat.guest(tells, use=use, realloc=_SAME_PLACE), wc.guest(tells, use=use, realloc=_SAME_PLACE)


_SAME_PLACE: Final = """(func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (i32.const 65536))"""
