"""What each example observer reports, on both traces and at its edges."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.guests.helpers import REAL, SYNTHETIC, Run, credential_event, peer_event, read_trace
from wasmhost.config import Limits
from wasmhost.panics.record import PanicKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.sandbox.engine import SandboxEngine

    Prebuilt = Callable[[str], bytes]

SECOND = 1_000_000_000
ONE_MIB = Limits(memory_mib=1)


@pytest.fixture(params=["zig", "rust"])
def relay_watch(request: pytest.FixtureRequest, prebuilt: Prebuilt) -> bytes:
    """Give relay-watch in each of its languages."""
    if request.param == "zig":
        return prebuilt("relay-watch")
    module: bytes = request.getfixturevalue("relay_watch_rust")
    return module


class TestRelayWatch:
    def test_reports_each_crossing_of_the_synthetic_trace(
        self, engine: SandboxEngine, relay_watch: bytes
    ) -> None:
        """Realms 7 and 8 cross the default threshold up and down, with the share at that moment."""
        run = Run(engine, relay_watch)
        run.replay(SYNTHETIC)
        assert not run.traps
        assert {topic for topic, _ in run.reports} == {"relay-share"}
        assert [tuple(body.values()) for _, body in run.reports] == [
            (7, 19, "above", 6, 315),
            (8, 10, "above", 10, 1000),
            (7, 34, "below", 10, 294),
            (8, 47, "below", 14, 297),
            (7, 63, "above", 19, 301),
        ]

    def test_reports_are_deterministic_cbor(self, engine: SandboxEngine, relay_watch: bytes) -> None:
        """A body is what canonical encoding of its own content gives."""
        run = Run(engine, relay_watch)
        run.replay(SYNTHETIC)
        assert run.bodies == [cbor2.dumps(body, canonical=True) for _, body in run.reports]

    @pytest.mark.parametrize(
        "config",
        [{}, {"threshold": "0.05", "min-connections": "1"}, {"threshold": "1"}, {"threshold": "0"}],
    )
    def test_reports_the_same_bytes_in_every_language(
        self, engine: SandboxEngine, prebuilt: Prebuilt, relay_watch_rust: bytes, config: dict[str, str]
    ) -> None:
        """Both traces, several thresholds: the bodies of Zig and Rust are equal."""
        zig, rust = (Run(engine, wasm, config) for wasm in (prebuilt("relay-watch"), relay_watch_rust))
        for run in (zig, rust):
            run.replay(REAL)
            run.replay(SYNTHETIC)
        assert zig.bodies == rust.bodies

    def test_waits_for_enough_connections(self, engine: SandboxEngine, relay_watch: bytes) -> None:
        """Nothing is reported before min-connections, and then at once."""
        run = Run(engine, relay_watch, {"min-connections": "3"})
        for total in (1, 2, 3):
            run.deliver(peer_event("on_webrtc_connected", relayed=True))
            assert len(run.reports) == (total == 3)

    def test_a_share_at_the_threshold_is_above_it(self, engine: SandboxEngine, relay_watch: bytes) -> None:
        """One of two relayed is above 0.5."""
        run = Run(engine, relay_watch, {"threshold": "0.5", "min-connections": "2"})
        for relayed in (True, False):
            run.deliver(peer_event("on_webrtc_connected", relayed=relayed))
        assert [body["crossed"] for _, body in run.reports] == ["above"]

    def test_connections_that_say_nothing_are_not_counted(
        self, engine: SandboxEngine, relay_watch: bytes
    ) -> None:
        """An absent `relayed` is neither relayed nor direct."""
        run = Run(engine, relay_watch, {"min-connections": "1"})
        run.deliver(peer_event("on_webrtc_connected"))
        run.deliver(peer_event("on_webrtc_connected", relayed=True))
        assert [body["total"] for _, body in run.reports] == [1]

    def test_forgets_the_realm_that_was_quiet_for_longest(
        self, engine: SandboxEngine, relay_watch: bytes
    ) -> None:
        """With 64 realms known, a 65th takes the place of the quietest, here realm 1."""
        run = Run(engine, relay_watch, {"min-connections": "2"})
        for realm in [*range(64), 0, 64]:
            run.deliver(peer_event("on_webrtc_connected", node=(realm, 1), relayed=True))
        assert [body["realm"] for _, body in run.reports] == [0]
        for realm in (2, 1):
            run.deliver(peer_event("on_webrtc_connected", node=(realm, 1), relayed=True))
        assert [body["realm"] for _, body in run.reports] == [0, 2]

    def test_ten_thousand_realms_fit_into_a_mebibyte(self, engine: SandboxEngine, relay_watch: bytes) -> None:
        """A node that makes up realms costs no memory."""
        run = Run(engine, relay_watch, limits=ONE_MIB)
        for realm in range(10_000):
            run.deliver(peer_event("on_webrtc_connected", node=(realm, 1), relayed=True))
        assert not run.traps

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            (
                {"threshold": "30%"},
                'config threshold: a share from 0 to 1 with at most three decimals is wanted, not "30%"',
            ),
            ({"threshold": "1.001"}, "config threshold: "),
            ({"threshold": ""}, "config threshold: "),
            ({"threshold": "0."}, "config threshold: "),
            ({"threshold": ".5"}, "config threshold: "),
            ({"threshold": "0.1234"}, "config threshold: "),
            ({"threshold": "\uff12"}, "config threshold: "),
            ({"min-connections": "-1"}, 'config min-connections: a whole number is wanted, not "-1"'),
            ({"min-connections": "+1"}, "config min-connections: "),
            ({"min-connections": ""}, "config min-connections: "),
            ({"min-connections": "18446744073709551616"}, "config min-connections: "),
        ],
    )
    def test_config_that_makes_no_sense_is_a_panic_that_names_it(
        self, engine: SandboxEngine, relay_watch: bytes, config: dict[str, str], words: str
    ) -> None:
        """The operator reads the key, what is wanted, and what was there."""
        run = Run(engine, relay_watch, config)
        run.deliver(peer_event("on_webrtc_connected", relayed=True))
        assert run.traps[0].message.startswith(words)


class TestCredentialPager:
    def test_pages_once_for_each_expiry_and_again_when_it_is_renewed(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """A page opens, is not repeated, moves with the expiry, and closes once."""
        run = Run(engine, prebuilt("credential-pager"), {"window-s": "60"})
        steps = [
            ("on_credential_expiring", 40, 100, "credential-expiring"),
            ("on_credential_expiring", 45, 100, None),
            ("on_credential_expiring", 50, 110, "credential-expiring"),
            ("on_credential_renewed", 60, 500, "credential-renewed"),
            ("on_credential_renewed", 61, 501, None),
            ("on_credential_expiring", 62, 110, "credential-expiring"),
        ]
        for hook, at, expiry, topic in steps:
            before = len(run.reports)
            run.deliver(credential_event(hook, at=at * SECOND, expiry=expiry * SECOND))
            assert [topic for topic, _ in run.reports[before:]] == ([topic] if topic else [])
        node = {"name": "node", "realm": 7, "serial-number": 1}
        assert run.reports[0][1] == {"node": node, "expiry": 100 * SECOND, "remaining-s": 60}

    def test_the_window_ends_where_it_says(self, engine: SandboxEngine, prebuilt: Prebuilt) -> None:
        """Exactly window-s ahead is inside, a nanosecond more is not; the past is inside."""
        run = Run(engine, prebuilt("credential-pager"), {"window-s": "60"})
        for serial, expiry in enumerate((0, SECOND, 61 * SECOND, 61 * SECOND + 1, 2**64 - 1)):
            run.deliver(credential_event("on_credential_expiring", at=SECOND, expiry=expiry, serial=serial))
        assert [body["remaining-s"] for _, body in run.reports] == [0, 0, 60]

    def test_reports_on_both_traces_are_deterministic_cbor(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """The real trace has one page and its renewal, the synthetic one four and two."""
        run = Run(engine, prebuilt("credential-pager"))
        run.replay(REAL)
        run.replay(SYNTHETIC)
        topics = [topic for topic, _ in run.reports]
        assert (topics.count("credential-expiring"), topics.count("credential-renewed")) == (5, 3)
        assert run.bodies == [cbor2.dumps(body, canonical=True) for _, body in run.reports]

    def test_remembers_sixty_four_nodes_and_forgets_the_oldest_page(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """The 65th page makes the first be forgotten, so that node is paged for again."""
        run = Run(engine, prebuilt("credential-pager"))
        for serial in [*range(65), 64, 1, 0]:
            run.deliver(credential_event("on_credential_expiring", at=1, expiry=2, serial=serial))
        paged = [body["node"]["serial-number"] for _, body in run.reports]
        assert paged == [*range(65), 0]

    @pytest.mark.parametrize("window", ["0", "x", "18446744074"])
    def test_a_window_that_makes_no_sense_is_a_panic(
        self, engine: SandboxEngine, prebuilt: Prebuilt, window: str
    ) -> None:
        """Zero, no number, and more nanoseconds than there are."""
        run = Run(engine, prebuilt("credential-pager"), {"window-s": window})
        run.deliver(credential_event("on_credential_expiring", at=1, expiry=2))
        assert "window-s" in run.traps[0].message or "seconds" in run.traps[0].message


class TestFlapDetector:
    def flaps(self, run: Run, *seconds: int, hook: str = "on_webrtc_disconnected", peer: int = 2) -> None:
        """Disconnect a peer at these seconds."""
        for second in seconds:
            run.deliver(peer_event(hook, at=second * SECOND, peer=(7, peer)))

    def test_reports_the_third_disconnect_in_a_minute(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Both transports count together; the body says how many of each."""
        run = Run(engine, prebuilt("flap-detector"))
        self.flaps(run, 100, 130)
        assert not run.reports
        self.flaps(run, 160, hook="on_websocket_disconnected")
        assert run.reports == [
            (
                "flapping-peer",
                {
                    "node": {"name": "node", "realm": 7, "serial-number": 1},
                    "peer": {"name": "peer", "realm": 7, "serial-number": 2},
                    "webrtc": 2,
                    "span-ms": 60_000,
                    "window-s": 60,
                    "websocket": 1,
                },
            )
        ]

    def test_disconnects_further_apart_are_none_of_its_business(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """One every 31 seconds is never three in 60."""
        run = Run(engine, prebuilt("flap-detector"))
        self.flaps(run, *range(100, 1000, 31))
        assert not run.reports

    def test_a_connection_that_recovers_is_not_a_disconnect(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Status recovering leaves no trace at all."""
        run = Run(engine, prebuilt("flap-detector"))
        for second in range(10):
            event = peer_event("on_webrtc_disconnected", at=second * SECOND, status="recovering")
            run.deliver(event)
        assert not run.reports
        assert not run.metrics

    def test_a_peer_that_goes_on_is_reported_again_after_as_many(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Seven disconnects at two a report are three reports."""
        run = Run(engine, prebuilt("flap-detector"), {"disconnects": "2", "window-s": "10"})
        self.flaps(run, *range(100, 107))
        assert len(run.reports) == 3

    def test_peers_are_told_apart(self, engine: SandboxEngine, prebuilt: Prebuilt) -> None:
        """Disconnects of different peers do not add up."""
        run = Run(engine, prebuilt("flap-detector"), {"disconnects": "2"})
        for peer in (2, 3, 4):
            self.flaps(run, 100, peer=peer)
        assert not run.reports
        self.flaps(run, 101, peer=3)
        assert [body["peer"]["serial-number"] for _, body in run.reports] == [3]

    def test_time_that_goes_back_does_no_harm(self, engine: SandboxEngine, prebuilt: Prebuilt) -> None:
        """An event older than the newest counts as if it had come with it."""
        run = Run(engine, prebuilt("flap-detector"))
        self.flaps(run, 1000, 10, 0)
        assert [body["span-ms"] for _, body in run.reports] == [0]

    def test_ten_thousand_peers_fit_into_a_mebibyte_and_the_quietest_is_forgotten(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """64 links are watched; the 65th newest is gone, the newest is there."""
        run = Run(engine, prebuilt("flap-detector"), {"disconnects": "2", "window-s": "99999"}, ONE_MIB)
        for peer in range(10_000):
            self.flaps(run, peer, peer=peer)
        assert run.metrics[-1].value == 64
        self.flaps(run, 10_000, peer=9_935)
        assert not run.reports
        self.flaps(run, 10_000, peer=9_999)
        assert len(run.reports) == 1

    def test_reports_the_flapping_peers_of_the_synthetic_trace(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Three peers flap; one that only recovers and one that is slow do not."""
        run = Run(engine, prebuilt("flap-detector"))
        run.replay(SYNTHETIC)
        assert [body["peer"]["serial-number"] for _, body in run.reports] == [106, 101, 103]
        assert run.bodies == [cbor2.dumps(body, canonical=True) for _, body in run.reports]

    @pytest.mark.parametrize("disconnects", ["1", "17", "many"])
    def test_a_number_that_makes_no_sense_is_a_panic(
        self, engine: SandboxEngine, prebuilt: Prebuilt, disconnects: str
    ) -> None:
        """The number of disconnects has limits, which the panic names."""
        run = Run(engine, prebuilt("flap-detector"), {"disconnects": disconnects})
        self.flaps(run, 1)
        assert run.traps[0].message.startswith("config disconnects: ")


class TestEventCounter:
    def test_counts_every_hook_and_reports_every_so_many(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """The one report after 65 events has every hook with its true count."""
        run = Run(engine, prebuilt("event-counter"), {"every": "65"})
        run.replay(REAL)
        counts: dict[str, int] = {}
        for event, _ in read_trace(REAL):
            counts[event["hook"]] = counts.get(event["hook"], 0) + 1
        assert run.reports == [("event-counts", {"total": 65, "events": counts})]
        assert run.bodies == [cbor2.dumps(run.reports[0][1], canonical=True)]

    def test_goes_on_where_an_earlier_sandbox_stopped(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """The counts come back from the state."""
        run = Run(engine, prebuilt("event-counter"), {"every": "130"})
        run.replay(REAL)
        assert not run.reports
        run.close()
        run.replay(REAL)
        assert [body["total"] for _, body in run.reports] == [130]

    def test_numbers_of_every_size_are_written_in_their_shortest_form(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Around every width of a CBOR head."""
        for count in (23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63):
            state = (count - 1).to_bytes(8, "little") + bytes(120)
            run = Run(engine, prebuilt("event-counter"), {"every": "1"}, state=state)
            run.raw("on_stop", b"\xa0")
            assert run.bodies == [cbor2.dumps({"total": count, "events": {"on_stop": count}}, canonical=True)]

    def test_a_state_of_somebody_else_is_not_overwritten(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """A blob of another size is a panic, and stays."""
        run = Run(engine, prebuilt("event-counter"), state=b"not mine")
        run.raw("on_start", b"\xa0")
        assert run.traps[0].message == "state: the saved blob is not of this observer"
        assert run.state == b"not mine"

    @pytest.mark.parametrize("every", ["", "0", "000", "1x", "-1", "1234567890"])
    def test_an_interval_that_makes_no_sense_is_a_panic(
        self, engine: SandboxEngine, prebuilt: Prebuilt, every: str
    ) -> None:
        """Anything but one to nine digits that are not all zero."""
        run = Run(engine, prebuilt("event-counter"), {"every": every})
        run.raw("on_start", b"\xa0")
        assert run.traps[0].message == "config every: a whole number from 1 to 999999999 is wanted"

    def test_a_hundred_thousand_events_of_any_size_fit_into_a_mebibyte(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Small, the largest there are, and empty ones."""
        run = Run(engine, prebuilt("event-counter"), limits=ONE_MIB)
        for size in (300, 65_536, 0):
            event = bytes(size)
            for _ in range(1_000 if size == 65_536 else 50_000):
                run.raw("on_webrtc_connected", event)
        assert not run.traps


class TestBadOnes:
    def test_trapper_panics_with_its_own_words_and_a_telling_backtrace(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Six connections, six panics, each with message and function names."""
        run = Run(engine, prebuilt("trapper"))
        run.replay(REAL)
        assert [trap.kind for trap in run.traps] == [PanicKind.UNREACHABLE] * 6
        assert run.traps[0].message == "trapper: stepped on by Caller #2"
        functions = [frame.split(" ")[0] for frame in run.traps[0].backtrace]
        assert functions[:3] == ["wh_panic", "spring_the_trap", "wh_on_webrtc_connected"]
        assert run.logs[0] == ("warn", "about to panic, as always")

    def test_spinner_spins_until_its_fuel_is_spent_and_leaves_one_line(
        self, engine: SandboxEngine, prebuilt: Prebuilt
    ) -> None:
        """Out of fuel, in the function that spins; what it wrote before is there."""
        run = Run(engine, prebuilt("spinner"), limits=Limits(fuel=100_000))
        run.deliver(peer_event("on_websocket_connecting"))
        assert run.traps[0].kind is PanicKind.OUT_OF_FUEL
        assert run.traps[0].backtrace[0].startswith("spin_forever")
        assert run.logs == [("warn", "about to spin, as always")]


@pytest.mark.parametrize(
    ("name", "most"),
    [("relay-watch", 6_000), ("credential-pager", 6_000), ("flap-detector", 6_000), ("event-counter", 1_000)],
)
def test_a_call_costs_little_fuel_on_the_real_trace(
    engine: SandboxEngine, prebuilt: Prebuilt, name: str, most: int
) -> None:
    """The median of all its calls, airlock included."""
    run = Run(engine, prebuilt(name))
    run.replay(REAL)
    assert statistics.median(run.fuel) < most


def test_a_call_in_rust_costs_little_fuel_on_the_real_trace(
    engine: SandboxEngine, relay_watch_rust: bytes
) -> None:
    """Rust is allowed twice as much."""
    run = Run(engine, relay_watch_rust)
    run.replay(REAL)
    assert statistics.median(run.fuel) < 12_000
