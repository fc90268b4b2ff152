"""What each example observer reports, on both traces and at its edges."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.guests.helpers import REAL, SYNTHETIC, read_trace
from tests.guests.languages import LANGUAGES
from wasmhost import PeerStatus
from wasmhost.panics.record import PanicKind
from wasmhost.testing import events
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wasmhost.testing import Desk, Event, Observer

    Prebuilt = Callable[[str], bytes]

SECOND = 1_000_000_000
ONE_MIB = replace(PATIENT, memory_mib=1)
MAKE = {
    "on_webrtc_disconnected": events.on_webrtc_disconnected,
    "on_websocket_disconnected": events.on_websocket_disconnected,
}


def bodies(run: Observer) -> list[Any]:
    """The bodies of all reports."""
    return [report.body for report in run.reports]


def assert_deterministic(run: Observer) -> None:
    """Each body is what canonical encoding of its own content gives."""
    assert run.reports
    assert [report.data for report in run.reports] == [
        cbor2.dumps(body, canonical=True) for body in bodies(run)
    ]


def credential(hook: str, at: int, expiry: int, serial: int = 1) -> Event:
    """Make a credential event of a node."""
    make = {
        "on_credential_renewed": events.on_credential_renewed,
        "on_credential_expiring": events.on_credential_expiring,
    }
    return make[hook](expiry, at=at, ctx=events.node(serial))


class TestRelayWatch:
    def test_reports_each_crossing_of_the_synthetic_trace(
        self, observer_host: Desk, relay_watch: bytes
    ) -> None:
        """Realms 7 and 8 cross the default threshold up and down, with the share at that moment."""
        run = observer_host(relay_watch)
        run.replay(SYNTHETIC)
        assert not run.panics
        assert {report.topic for report in run.reports} == {"relay-share"}
        assert [tuple(body.values()) for body in bodies(run)] == [
            (7, 19, "above", 6, 315),
            (8, 10, "above", 10, 1000),
            (7, 34, "below", 10, 294),
            (8, 47, "below", 14, 297),
            (7, 63, "above", 19, 301),
        ]

    def test_reports_are_deterministic_cbor(self, observer_host: Desk, relay_watch: bytes) -> None:
        """A body is what canonical encoding of its own content gives."""
        run = observer_host(relay_watch)
        run.replay(SYNTHETIC)
        assert_deterministic(run)

    @pytest.mark.parametrize(
        "config",
        [{}, {"threshold": "0.05", "min-connections": "1"}, {"threshold": "1"}, {"threshold": "0"}],
    )
    def test_reports_the_same_bytes_in_every_language(
        self, observer_host: Desk, prebuilt: Prebuilt, relay_watch: bytes, config: dict[str, str]
    ) -> None:
        """Both traces, several thresholds: the bodies are those of the one that the demo carries, in Zig."""
        runs = [observer_host(wasm, config=config) for wasm in (prebuilt("relay-watch"), relay_watch)]
        for run in runs:
            run.replay(REAL)
            run.replay(SYNTHETIC)
        assert runs[0].reports == runs[1].reports

    def test_waits_for_enough_connections(self, observer_host: Desk, relay_watch: bytes) -> None:
        """Nothing is reported before min-connections, and then at once."""
        run = observer_host(relay_watch, config={"min-connections": "3"})
        for total in (1, 2, 3):
            run.deliver(events.on_webrtc_connected(relayed=True))
            assert len(run.reports) == (total == 3)

    def test_a_share_at_the_threshold_is_above_it(self, observer_host: Desk, relay_watch: bytes) -> None:
        """One of two relayed is above 0.5."""
        run = observer_host(relay_watch, config={"threshold": "0.5", "min-connections": "2"})
        for relayed in (True, False):
            run.deliver(events.on_webrtc_connected(relayed=relayed))
        assert [body["crossed"] for body in bodies(run)] == ["above"]

    def test_connections_that_say_nothing_are_not_counted(
        self, observer_host: Desk, relay_watch: bytes
    ) -> None:
        """An absent `relayed` is neither relayed nor direct."""
        run = observer_host(relay_watch, config={"min-connections": "1"})
        run.deliver(events.on_webrtc_connected(relayed=None))
        run.deliver(events.on_webrtc_connected(relayed=True))
        assert [body["total"] for body in bodies(run)] == [1]

    def test_forgets_the_realm_that_was_quiet_for_longest(
        self, observer_host: Desk, relay_watch: bytes
    ) -> None:
        """With 64 realms known, a 65th takes the place of the quietest, here realm 1."""
        run = observer_host(relay_watch, config={"min-connections": "2"})
        for realm in [*range(64), 0, 64]:
            run.deliver(events.on_webrtc_connected(relayed=True, ctx=events.node(realm=realm)))
        assert [body["realm"] for body in bodies(run)] == [0]
        for realm in (2, 1):
            run.deliver(events.on_webrtc_connected(relayed=True, ctx=events.node(realm=realm)))
        assert [body["realm"] for body in bodies(run)] == [0, 2]

    def test_ten_thousand_realms_fit_into_a_mebibyte(
        self, observer_host: Desk, relay_watch: bytes, language: str
    ) -> None:
        """A node that makes up realms costs no memory; a runtime may have some of its own."""
        run = observer_host(relay_watch, limits=replace(PATIENT, memory_mib=LANGUAGES[language].memory_mib))
        for realm in range(10_000):
            run.deliver(events.on_webrtc_connected(relayed=True, ctx=events.node(realm=realm)))
        assert not run.panics

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
        self, observer_host: Desk, relay_watch: bytes, config: dict[str, str], words: str
    ) -> None:
        """The operator reads the key, what is wanted, and what was there."""
        run = observer_host(relay_watch, config=config)
        run.attempt(events.on_webrtc_connected(relayed=True))
        assert run.panics[0].message.startswith(words)


class TestCredentialPager:
    def test_pages_once_for_each_expiry_and_again_when_it_is_renewed(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """A page opens, is not repeated, moves with the expiry, and closes once."""
        run = observer_host(prebuilt("credential-pager"), config={"window-s": "60"})
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
            run.deliver(credential(hook, at * SECOND, expiry * SECOND))
            assert [report.topic for report in run.reports[before:]] == ([topic] if topic else [])
        node = {"name": "node", "realm": 7, "serial-number": 1}
        assert bodies(run)[0] == {"node": node, "expiry": 100 * SECOND, "remaining-s": 60}

    def test_the_window_ends_where_it_says(self, observer_host: Desk, prebuilt: Prebuilt) -> None:
        """Exactly window-s ahead is inside, a nanosecond more is not; the past is inside."""
        run = observer_host(prebuilt("credential-pager"), config={"window-s": "60"})
        for serial, expiry in enumerate((0, SECOND, 61 * SECOND, 61 * SECOND + 1, 2**64 - 1)):
            run.deliver(credential("on_credential_expiring", SECOND, expiry, serial))
        assert [body["remaining-s"] for body in bodies(run)] == [0, 0, 60]

    def test_reports_on_both_traces_are_deterministic_cbor(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """The real trace has one page and its renewal, the synthetic one four and two."""
        run = observer_host(prebuilt("credential-pager"))
        run.replay(REAL)
        run.replay(SYNTHETIC)
        topics = [report.topic for report in run.reports]
        assert (topics.count("credential-expiring"), topics.count("credential-renewed")) == (5, 3)
        assert_deterministic(run)

    def test_remembers_sixty_four_nodes_and_forgets_the_oldest_page(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """The 65th page makes the first be forgotten, so that node is paged for again."""
        run = observer_host(prebuilt("credential-pager"))
        for serial in [*range(65), 64, 1, 0]:
            run.deliver(credential("on_credential_expiring", 1, 2, serial))
        paged = [body["node"]["serial-number"] for body in bodies(run)]
        assert paged == [*range(65), 0]

    @pytest.mark.parametrize("window", ["0", "x", "18446744074"])
    def test_a_window_that_makes_no_sense_is_a_panic(
        self, observer_host: Desk, prebuilt: Prebuilt, window: str
    ) -> None:
        """Zero, no number, and more nanoseconds than there are."""
        run = observer_host(prebuilt("credential-pager"), config={"window-s": window})
        run.attempt(credential("on_credential_expiring", 1, 2))
        assert "window-s" in run.panics[0].message or "seconds" in run.panics[0].message


class TestFlapDetector:
    def flaps(
        self, run: Observer, *seconds: int, hook: str = "on_webrtc_disconnected", peer: int = 2
    ) -> None:
        """Disconnect a peer at these seconds."""
        for second in seconds:
            run.attempt(MAKE[hook](events.actor(peer, name="peer"), at=second * SECOND))

    def test_reports_the_third_disconnect_in_a_minute(self, observer_host: Desk, prebuilt: Prebuilt) -> None:
        """Both transports count together; the body says how many of each."""
        run = observer_host(prebuilt("flap-detector"))
        self.flaps(run, 100, 130)
        assert not run.reports
        self.flaps(run, 160, hook="on_websocket_disconnected")
        run.assert_report(
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

    def test_disconnects_further_apart_are_none_of_its_business(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """One every 31 seconds is never three in 60."""
        run = observer_host(prebuilt("flap-detector"))
        self.flaps(run, *range(100, 1000, 31))
        assert not run.reports

    def test_a_connection_that_recovers_is_not_a_disconnect(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Status recovering leaves no trace at all."""
        run = observer_host(prebuilt("flap-detector"))
        for second in range(10):
            run.deliver(events.on_webrtc_disconnected(at=second * SECOND, status=PeerStatus.RECOVERING))
        assert not run.reports
        assert not run.metrics

    def test_a_peer_that_goes_on_is_reported_again_after_as_many(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Seven disconnects at two a report are three reports."""
        run = observer_host(prebuilt("flap-detector"), config={"disconnects": "2", "window-s": "10"})
        self.flaps(run, *range(100, 107))
        assert len(run.reports) == 3

    def test_peers_are_told_apart(self, observer_host: Desk, prebuilt: Prebuilt) -> None:
        """Disconnects of different peers do not add up."""
        run = observer_host(prebuilt("flap-detector"), config={"disconnects": "2"})
        for peer in (2, 3, 4):
            self.flaps(run, 100, peer=peer)
        assert not run.reports
        self.flaps(run, 101, peer=3)
        assert [body["peer"]["serial-number"] for body in bodies(run)] == [3]

    def test_time_that_goes_back_does_no_harm(self, observer_host: Desk, prebuilt: Prebuilt) -> None:
        """An event older than the newest counts as if it had come with it."""
        run = observer_host(prebuilt("flap-detector"))
        self.flaps(run, 1000, 10, 0)
        assert [body["span-ms"] for body in bodies(run)] == [0]

    def test_ten_thousand_peers_fit_into_a_mebibyte_and_the_quietest_is_forgotten(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """64 links are watched; the 65th newest is gone, the newest is there."""
        run = observer_host(
            prebuilt("flap-detector"), config={"disconnects": "2", "window-s": "99999"}, limits=ONE_MIB
        )
        for peer in range(10_000):
            self.flaps(run, peer, peer=peer)
        assert set(run.gauges.values()) == {64}
        self.flaps(run, 10_000, peer=9_935)
        assert not run.reports
        self.flaps(run, 10_000, peer=9_999)
        assert len(run.reports) == 1

    def test_reports_the_flapping_peers_of_the_synthetic_trace(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Three peers flap; one that only recovers and one that is slow do not."""
        run = observer_host(prebuilt("flap-detector"))
        run.replay(SYNTHETIC)
        assert [body["peer"]["serial-number"] for body in bodies(run)] == [106, 101, 103]
        assert_deterministic(run)

    @pytest.mark.parametrize("disconnects", ["1", "17", "many"])
    def test_a_number_that_makes_no_sense_is_a_panic(
        self, observer_host: Desk, prebuilt: Prebuilt, disconnects: str
    ) -> None:
        """The number of disconnects has limits, which the panic names."""
        run = observer_host(prebuilt("flap-detector"), config={"disconnects": disconnects})
        self.flaps(run, 1)
        assert run.panics[0].message.startswith("config disconnects: ")


class TestEventCounter:
    def test_counts_every_hook_and_reports_every_so_many(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """The one report after 65 events has every hook with its true count."""
        run = observer_host(prebuilt("event-counter"), config={"every": "65"})
        run.replay(REAL)
        counts: dict[str, int] = {}
        for event, _ in read_trace(REAL):
            counts[event["hook"]] = counts.get(event["hook"], 0) + 1
        assert run.bodies("event-counts") == [{"total": 65, "events": counts}]
        assert_deterministic(run)

    def test_goes_on_where_an_earlier_sandbox_stopped(self, observer_host: Desk, prebuilt: Prebuilt) -> None:
        """The counts come back from the state."""
        run = observer_host(prebuilt("event-counter"), config={"every": "130"})
        run.replay(REAL)
        assert not run.reports
        run.restart()
        run.replay(REAL)
        assert [body["total"] for body in bodies(run)] == [130]

    def test_numbers_of_every_size_are_written_in_their_shortest_form(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Around every width of a CBOR head."""
        for count in (23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63):
            state = (count - 1).to_bytes(8, "little") + bytes(120)
            run = observer_host(prebuilt("event-counter"), config={"every": "1"}, state=state)
            run.deliver_bytes("on_stop", b"\xa0")
            assert bodies(run) == [{"total": count, "events": {"on_stop": count}}]
            assert_deterministic(run)

    def test_a_state_of_somebody_else_is_not_overwritten(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """A blob of another size is a panic, and stays."""
        run = observer_host(prebuilt("event-counter"), state=b"not mine")
        run.deliver_bytes("on_start", b"\xa0")
        assert run.panics[0].message == "state: the saved blob is not of this observer"
        assert run.state == b"not mine"

    @pytest.mark.parametrize("every", ["", "0", "000", "1x", "-1", "1234567890"])
    def test_an_interval_that_makes_no_sense_is_a_panic(
        self, observer_host: Desk, prebuilt: Prebuilt, every: str
    ) -> None:
        """Anything but one to nine digits that are not all zero."""
        run = observer_host(prebuilt("event-counter"), config={"every": every})
        run.deliver_bytes("on_start", b"\xa0")
        assert run.panics[0].message == "config every: a whole number from 1 to 999999999 is wanted"

    def test_a_hundred_thousand_events_of_any_size_fit_into_a_mebibyte(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Small, the largest there are, and empty ones."""
        run = observer_host(prebuilt("event-counter"), limits=ONE_MIB)
        for size in (300, 65_536, 0):
            event = bytes(size)
            for _ in range(1_000 if size == 65_536 else 50_000):
                run.deliver_bytes("on_webrtc_connected", event)
        assert not run.panics


class TestBadOnes:
    def test_trapper_panics_with_its_own_words_and_a_telling_backtrace(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Six connections, six panics, each with message and function names."""
        run = observer_host(prebuilt("trapper"))
        for event in events.read_events(REAL):
            if event.hook in run.hooks:
                run.attempt(event)
        assert [trap.kind for trap in run.panics] == [PanicKind.UNREACHABLE] * 6
        assert run.panics[0].message == "trapper: stepped on by Caller #2"
        functions = [frame.split(" ")[0] for frame in run.panics[0].backtrace]
        assert functions[:3] == ["wh_panic", "spring_the_trap", "wh_on_webrtc_connected"]
        assert run.logs[0] == ("warn", "about to panic, as always")

    def test_spinner_spins_until_its_fuel_is_spent_and_leaves_one_line(
        self, observer_host: Desk, prebuilt: Prebuilt
    ) -> None:
        """Out of fuel, in the function that spins; what it wrote before is there."""
        run = observer_host(prebuilt("spinner"), limits=replace(PATIENT, fuel=100_000))
        run.attempt(events.on_websocket_connecting())
        assert run.panics[0].kind is PanicKind.OUT_OF_FUEL
        assert run.panics[0].backtrace[0].startswith("spin_forever")
        assert run.logs == [("warn", "about to spin, as always")]


@pytest.mark.parametrize(
    ("name", "most"),
    [("credential-pager", 6_000), ("flap-detector", 6_000), ("event-counter", 1_000)],
)
def test_a_call_costs_little_fuel_on_the_real_trace(
    observer_host: Desk, prebuilt: Prebuilt, name: str, most: int
) -> None:
    """The median of all its calls, airlock included."""
    run = observer_host(prebuilt(name))
    run.replay(REAL)
    assert statistics.median(run.fuel) < most
