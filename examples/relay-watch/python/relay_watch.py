"""relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold.

See ../README.md for its configuration and its report, which is the same, byte for byte, in every language.
"""

from __future__ import annotations

from dataclasses import dataclass

from wasmhost_observer import Context, Observer, PeerEvent, config, observer, report

MOST_REALMS = 64
"""Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten."""

WANTED = "a share from 0 to 1 with at most three decimals is wanted"


@dataclass(slots=True)
class Realm:
    """The connections of a realm; ``above``: its share is at or over the threshold, as reported last."""

    total: int = 0
    relayed: int = 0
    above: bool = False

    def count(self, threshold: int, min_connections: int, *, relayed: bool) -> bool:
        """Count a connection; whether the share has crossed the threshold by it."""
        self.total += 1
        self.relayed += relayed
        above = self.relayed * 1000 >= threshold * self.total
        crossed = self.total >= min_connections and above != self.above
        if crossed:
            self.above = above
        return crossed


@observer
class RelayWatch(Observer):
    """Counts connections, and reports crossings."""

    def __init__(self) -> None:
        share = config.get("threshold")
        threshold = permille("0.3" if share is None else share)
        if threshold is None:
            config.refuse("threshold", share or "", WANTED)
        self._threshold = threshold
        self._min_connections = config.number("min-connections", 10)
        # The one that was quiet for longest comes first.
        self._realms: dict[int, Realm] = {}

    def on_webrtc_connected(self, ctx: Context, event: PeerEvent) -> None:
        """Count the connection."""
        # A node that does not say whether a connection is relayed is no evidence either way.
        if event.relayed is None:
            return
        number = ctx.self_id.realm.realm_id
        realm = self._find(number)
        if realm.count(self._threshold, self._min_connections, relayed=event.relayed):
            _report(number, realm)

    def _find(self, number: int) -> Realm:
        realm = self._realms.pop(number, None)
        if realm is None:
            realm = Realm()
            if len(self._realms) == MOST_REALMS:
                del self._realms[next(iter(self._realms))]
        self._realms[number] = realm
        return realm


def _report(number: int, realm: Realm) -> None:
    report.send(
        "relay-share",
        {
            "realm": number,
            "total": realm.total,
            "crossed": "above" if realm.above else "below",
            "relayed": realm.relayed,
            "share-permille": realm.relayed * 1000 // realm.total,
        },
    )


def permille(text: str) -> int | None:
    """Return a share from 0 to 1, written with at most three decimals, in thousandths; None for another."""
    whole, point, decimals = text.partition(".")
    is_number = text.isascii() and whole.isdigit() and (decimals.isdigit() or not point)
    if not is_number or len(whole) > 1 or len(decimals) > 3:
        return None
    value = int(whole + decimals.ljust(3, "0"))
    return value if value <= 1000 else None
