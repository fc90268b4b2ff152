"""The emitters of the nodes of one process: made by name, closed together, counted at the end."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from pynode.hooks import Hooks, Nobody
from wasmhost.emitter import Emitter

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from wasmhost.emitter import Counts


class Outlets:
    """Gives each node its way to the host at ``to``, or to nobody where that is None.

    Every node has an emitter of its own, so that to the host each is a source with its own numbers. ``say``
    is given a node's name and a line about it.
    """

    def __init__(self, to: str | None, say: Callable[[str, str], None]) -> None:
        self._to = to
        self._say = say
        self._open = ExitStack()
        self._emitters: list[tuple[str, Emitter]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def hooks(self, name: str) -> Hooks:
        """Make the hooks of one node. Raises ConfigError where ``to`` is no place."""
        say = partial(self._say, name)
        if self._to is None:
            return Hooks(Nobody(), say)
        emitter = self._open.enter_context(Emitter(self._to, on_trouble=lambda line: say(f"emitter: {line}")))
        self._emitters.append((name, emitter))
        return Hooks(emitter, say)

    def counts(self) -> list[tuple[str, str, Counts]]:
        """Say what became of the events of each: the node's name, its source's, the counts."""
        return [(name, emitter.src, emitter.counts) for name, emitter in self._emitters]
