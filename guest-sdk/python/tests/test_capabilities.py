"""The capabilities check what they are given: what does not fit would end a delivery without words."""
# ruff: noqa: S101 - tests assert

from __future__ import annotations

import pytest
from wasmhost_observer import config, delivery, log, metrics, report, state
from wasmhost_observer.panic import Panic
from wasmhost_observer.testing import Host, encode


def test_all_of_them(host: Host) -> None:
    """Everything arrives as it was given."""
    host.now, host.sequence, host.lost, host.random = 1, 2, 3, 2**64 - 1
    host.config = {"key": "größer 🛰"}
    assert (delivery.now(), delivery.sequence(), delivery.lost(), delivery.random()) == (1, 2, 3, 2**64 - 1)
    assert (config.get("key"), config.get("other")) == ("größer 🛰", None)
    assert state.load() is None
    for blob in (bytearray(b"blob"), bytes(range(256)), memoryview(b"backwards")[::-1]):
        state.save(blob)
        assert state.load() == bytes(blob)
    log.warn("half a \ud83d pair")
    log.write(log.Level.TRACE, "✓")
    assert host.logs == [("warn", "half a ? pair"), ("trace", "✓")]
    metrics.counter_add("a")
    metrics.counter_add("b", 2**64 - 1)
    metrics.gauge_set("c", 1)
    assert host.metrics == [("a", 1), ("b", 2**64 - 1), ("c", 1.0)]
    report.send("topic", {"b": b"\xff", "a": 2})
    assert host.reports == [("topic", encode({"a": 2, "b": b"\xff"}))]


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_counter_takes_what_fits(host: Host, number: int) -> None:
    """Nothing below zero, nothing beyond 64 bits."""
    with pytest.raises(ValueError, match="counter a"):
        metrics.counter_add("a", number)
    assert not host.metrics


@pytest.mark.parametrize("text", ["0", "00", "7", "0" * 30 + "7", str(2**64 - 1)])
def test_a_number_of_the_config(host: Host, text: str) -> None:
    """In decimal, of up to 64 bits."""
    host.config["key"] = text
    assert config.number("key", 1) == int(text)
    assert config.number("other", 1) == 1


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1_0", "1.0", "0x1", str(2**64), "9" * 5000, "\uff11", "²"]
)
def test_a_number_that_is_none_is_a_panic_that_names_the_key(host: Host, text: str) -> None:
    """In exactly these words."""
    host.config["key"] = text
    with pytest.raises(Panic) as caught:
        config.number("key", 1)
    assert str(caught.value) == f'config key: a whole number is wanted, not "{text}"'


def test_without_a_host_there_is_a_telling_error() -> None:
    """As where a module asks for its config while it is imported."""
    with pytest.raises(RuntimeError, match=r"config\.get: there is no host here"):
        config.get("key")
