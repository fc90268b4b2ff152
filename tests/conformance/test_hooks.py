"""Every language, every hook, every capability: when all is well, and in each way that it is not.

A hook of the probe, told a config key ``mode``, uses every capability and then ends as the key says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from wasmhost.authoring.samples import SAMPLES
from wasmhost.config import GRANTABLE
from wasmhost.contract.hooks import HOOKS
from wasmhost.errors import GuestRefused
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock.abi import ALWAYS_GRANTED
from wasmhost.sandbox.outbox import CounterAdd, GaugeSet
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.guests.languages import Language
    from wasmhost.testing import Delivery, Desk

CONFIG = {"value": "größer 🛰", "number": str(2**64 - 1)}
LOST = 3
LINES = [("trace", "trace"), ("debug", "debug"), ("info", "info"), ("warn", "warn"), ("error", "error ✓")]
REFUSED = 'config number: a whole number is wanted, not "+1"'


@dataclass(frozen=True, slots=True)
class Ending:
    """How a hook ends: what brings it about, and the panic it is, if it is one.

    ``says``: the panic's message. ``fuel``: the budget of a call.
    """

    mode: str
    kind: PanicKind | None = None
    says: str = ""
    config: dict[str, str] = field(default_factory=dict[str, str])
    fuel: int = 10_000_000


ENDINGS = {
    "ok": Ending("ok"),
    "panic": Ending("panic", PanicKind.UNREACHABLE, "as told"),
    "out of fuel": Ending("loop", PanicKind.OUT_OF_FUEL, "the guest used up its fuel"),
    # What it says is the language's row: few allocators have words for it.
    "out of memory": Ending("grow", PanicKind.UNREACHABLE, fuel=1_000_000_000),
    "bad config": Ending("ok", PanicKind.UNREACHABLE, REFUSED, {"number": "+1"}),
}


def body(delivery: Delivery, topic: str) -> Any:
    """The body of the report of a topic; None where there is none."""
    return next((report.body for report in delivery.reports if report.topic == topic), None)


def told(delivery: Delivery) -> dict[str, Any]:
    """What it says it was told of the delivery, but for the random number."""
    said = dict(body(delivery, "delivery"))
    assert 0 <= said.pop("random") < 2**64
    return said


USED: dict[str, Callable[[Delivery], object]] = {
    "log": lambda delivery: [tuple(line) for line in delivery.logs] == LINES,
    "panic": lambda delivery: delivery.panic is None,
    "delivery": lambda delivery: told(delivery) == {"now": 5, "lost": LOST, "source": "", "sequence": 2**63},
    "config": lambda delivery: body(delivery, "config") == {"value": "größer 🛰", "number": 2**64 - 1},
    "metrics": lambda delivery: (
        list(delivery.metrics) == [CounterAdd("ready", 2**64 - 1), GaugeSet("half", 0.5)]
    ),
    "report": lambda delivery: [report.topic for report in delivery.reports][:2] == ["delivery", "config"],
    "state": lambda delivery: delivery.state == b"before!",
}
"""What each capability has brought about when all is well."""

TAKEN_BACK: dict[str, Callable[[Delivery], object]] = {
    # What was written before remains: it helps to find out. A runtime may add to it.
    "log": lambda delivery: [tuple(line) for line in delivery.logs[:5]] == LINES,
    "panic": lambda delivery: delivery.panic,
    "delivery": lambda delivery: body(delivery, "delivery") is None,
    "config": lambda delivery: body(delivery, "config") is None,
    "metrics": lambda delivery: not delivery.metrics,
    "report": lambda delivery: not delivery.reports,
    "state": lambda delivery: delivery.state is None,
}
"""What is left of each capability's use after a panic."""


def test_the_tables_have_every_capability() -> None:
    """Those of the contract, and no other."""
    assert USED.keys() == TAKEN_BACK.keys() == {*GRANTABLE, *ALWAYS_GRANTED} - {"wasi"}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("hook", [hook.name for hook in HOOKS])
def test_each_capability_in_each_hook(
    observer_host: Desk, language: Language, probe: bytes, hook: str, ending: Ending
) -> None:
    """It does what it should; and after a panic the observer goes on as if nothing had been."""
    limits = replace(PATIENT, fuel=ending.fuel, memory_mib=language.memory_mib + 1)
    config = {**CONFIG, "mode": ending.mode, **ending.config}
    observer = observer_host(probe, config=config, limits=limits, state=b"before")
    event = SAMPLES[hook]._replace(at=5, seq=2**63)
    delivery = observer.attempt(event, lost=LOST)
    table = TAKEN_BACK if ending.kind else USED
    assert [name for name, holds in table.items() if not holds(delivery)] == []
    if delivery.panic is not None:
        assert delivery.panic.kind is ending.kind
        assert re.fullmatch(_message(ending, language), delivery.panic.message)
        assert observer.state == b"before"
        assert delivery.fuel == ending.fuel


def _message(ending: Ending, language: Language) -> str:
    """A pattern of what the panic says: the words, and behind an author's own, the place."""
    if ending.mode == "grow":
        return re.escape(language.out_of_memory) + ".*"
    places = {"as told": language.place, REFUSED: language.sdk_place}
    return re.escape(ending.says) + places.get(ending.says, "")


def test_a_panic_harms_nobody_but_its_own_event(observer_host: Desk, probe: bytes) -> None:
    """The next event finds the state that was saved before."""
    observer = observer_host(probe, config={"panic": "as told"}, state=b"before")
    for _ in range(3):
        observer.attempt(SAMPLES["on_start"])
        observer.deliver(SAMPLES["on_ready"])
    assert len(observer.panics) == 3
    observer.assert_state(b"before!!!")


@pytest.mark.parametrize("capability", sorted(GRANTABLE))
def test_a_capability_that_is_not_granted_is_refused_by_name(
    observer_host: Desk, probe: bytes, capability: str
) -> None:
    """Before anything of it runs."""
    with pytest.raises(GuestRefused, match=f'asks for "{capability}", which is not granted'):
        observer_host(probe, grant=GRANTABLE - {capability})
