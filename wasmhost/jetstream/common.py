"""What all partitions of one host have in common, and how an observer host is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from wasmhost.host.host import ObserverHost
from wasmhost.host.services import Services
from wasmhost.jetstream.membership import Pulse
from wasmhost.jetstream.totals import Totals

if TYPE_CHECKING:
    from wasmhost.config import HostConfig, ObserverConfig
    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.grants.profiles import Profiles
    from wasmhost.grants.usage import UsageLog
    from wasmhost.jetstream.harvest import Panics, Reports, States
    from wasmhost.jetstream.link import Link
    from wasmhost.jetstream.names import Names
    from wasmhost.panics.store import PanicLog
    from wasmhost.wall.zygote import Zygote

_NO_BOUND: Final = 1e12


class Watcher(Protocol):
    """Who tells of the hosts that there are; `wasmhost.telemetry.telemetry.Telemetry` is one."""

    def watch(self, host: ObserverHost) -> None:
        """Tell of a host, too."""
        ...

    def forget(self, host: ObserverHost) -> None:
        """Tell of it no more, but for what it has counted."""
        ...


@dataclass(frozen=True, slots=True)
class Common:
    """Opened once by the pool, and closed by it. ``watcher``: is told of each partition's host."""

    config: JetStreamConfig
    names: Names
    link: Link
    panics: PanicLog
    profiles: Profiles
    usage: UsageLog
    zygote: Zygote | None
    watcher: Watcher | None = None
    totals: Totals = field(default_factory=Totals)
    pulse: Pulse = field(default_factory=Pulse)

    def host(self, config: HostConfig, states: States, reports: Reports, panics: Panics) -> ObserverHost:
        """Make the host of one partition, not open yet.

        It is lossless: events wait in the stream, so no pace is too slow, and the same events make the same
        reports wherever they are served. Its guests are in one process, unless the configuration has more.
        """
        services = Services(
            panics,
            states,
            reports,
            lossless=True,
            profiles=self.profiles,
            usage=self.usage,
            zygote=self.zygote,
        )
        return ObserverHost(fitted(config), lossless=True, services=services)


def fitted(config: HostConfig) -> HostConfig:
    """A configuration as the host of one partition is given it."""
    observers = tuple(_saving_at_once(observer) for observer in config.observers)
    return replace(config, observers=observers, shards=config.shards or 1)


def _saving_at_once(observer: ObserverConfig) -> ObserverConfig:
    """Let an observer's state be saved whenever it asks for it, whatever its rates.

    Here it is only noted, and written once a checkpoint; and one that were held back would be missing from
    the checkpoint of the events it is made of.
    """
    if observer.rates is None:
        return observer
    return replace(observer, rates=replace(observer.rates, state=_NO_BOUND, state_kib=_NO_BOUND))
