"""What is fuzzed: each target is a function that takes any bytes and raises where a promise is broken.

The same functions serve Hypothesis (in the tests), which draws what is nearly right, and atheris
(`make fuzz`), which looks for new ways through the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tests.fuzz.targets import config, events, framing, manifest, module, wire

if TYPE_CHECKING:
    from collections.abc import Callable


class Target(NamedTuple):
    """``check`` any bytes, from a ``corpus`` on; ``mutated`` changes what bytes alone would only break."""

    check: Callable[[bytes], None]
    corpus: Callable[[], list[bytes]]
    mutated: Callable[[bytes, int], bytes] | None = None


TARGETS: Final = {
    "events": Target(events.check, events.corpus),
    "manifest": Target(manifest.check, manifest.corpus),
    "config": Target(config.check, config.corpus),
    "framing": Target(framing.check, framing.corpus),
    "wire": Target(wire.check, wire.corpus),
    "module": Target(module.check, module.corpus, module.mutated),
}
