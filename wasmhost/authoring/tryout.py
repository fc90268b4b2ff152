"""A module in the real sandbox, at its author's desk: the same checks and limits as in a host, no host.

It is granted what it asks for, and its random numbers do not depend on its own bytes: a build that
changes nothing in what an observer does changes nothing in what is seen here.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from wasmhost.config import GRANTABLE, Limits
from wasmhost.contract.hooks import EARLY_HOOKS
from wasmhost.grants.profiles import KEY_BYTES, Profiles
from wasmhost.grants.views import Views
from wasmhost.host.gaps import GapTracker
from wasmhost.host.loading import read_module
from wasmhost.sandbox.guest import compile_guest, let_in, read_manifest
from wasmhost.sandbox.instance import Sandbox, refused_start, stream_seed
from wasmhost.wall.workshop import sandbox_engine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wasmhost.authoring.project import Project
    from wasmhost.contract.codec import Frame
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest
    from wasmhost.sandbox.instance import Outcome

PATIENT: Final = Limits(deadline_ms=60_000, init_deadline_ms=60_000)
"""A host's limits but for its deadlines, which would be the one thing here that a busy machine changes.
Fuel is what bounds a call."""


class Tryout:
    """A module that was let in, and a sandbox of it whenever one is needed.

    A trap costs the sandbox; the next delivery goes to a fresh one, which is given the state that was
    saved last. As in a run of a file, but that nothing is ever put in quarantine.
    """

    def __init__(
        self,
        engine: SandboxEngine,
        guest: Guest,
        limits: Limits = PATIENT,
        *,
        config: Mapping[str, str] | None = None,
        state: bytes | None = None,
    ) -> None:
        """``state`` is what an earlier life of it saved."""
        self.guest = guest
        self.state = state
        self.sandbox: Sandbox | None = None
        self._engine = engine
        self._limits = limits
        self._config = dict(config or {})
        self._profiles = Profiles(bytes(KEY_BYTES))

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that can be delivered."""
        return tuple(hook.name for hook in self.guest.hooks)

    def reset(self) -> None:
        """Forget all: the next delivery is the first."""
        self.close()
        self.state = None

    def start(self) -> Outcome | None:
        """Have a sandbox; how its initialisation went, where there was none before.

        :raises GuestRefused: it does not start.
        """
        if self.sandbox is not None:
            return None
        seed = stream_seed("", "", "")
        sandbox = Sandbox(
            self._engine, self.guest, self._limits, config=self._config, state=self.state, seed=seed
        )
        if sandbox.init.trap is not None:
            sandbox.close()
            raise refused_start(sandbox.init.trap)
        self.sandbox = sandbox
        return sandbox.init

    def seen(self, frame: Frame) -> Frame:
        """An event as an operator shows it who grants what was asked for. Pseudonyms are always the same."""
        profile = self._profiles.of("", self.guest.given.fields)
        return frame if profile is None else Views(frame).of(profile)

    def deliver(self, frame: Frame, lost: int = 0) -> Outcome:
        """Give it one event, as it is.

        :raises GuestRefused: it does not start.
        """
        self.start()
        assert self.sandbox is not None  # noqa: S101 - started
        seed = stream_seed("", "", frame.src or "")
        index = self.guest.hook_index()[frame.hook]
        outcome = self.sandbox.deliver(index, frame.data, frame.at, frame.seq, lost, seed)
        if outcome.trap is not None:
            self.close()
        elif outcome.effects.state is not None:
            self.state = outcome.effects.state
        return outcome

    def close(self) -> None:
        """Free the sandbox."""
        if self.sandbox is not None:
            self.sandbox.close()
            self.sandbox = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def heard(frames: Iterable[Frame], hooks: Collection[str]) -> Iterator[tuple[Frame, int]]:
    """Those of a file's events that a host would deliver, and how many were lost since the one before."""
    gaps = GapTracker()
    lost = 0
    for frame in frames:
        lost += gaps.lost_before(frame.src or "", frame.seq)
        if frame.hook in hooks and (frame.has_ctx or frame.hook in EARLY_HOOKS):
            yield frame, lost
            lost = 0


def granted(project: Project) -> frozenset[str]:
    """What a project's module is granted at its author's desk: what it asks for, or may ask for."""
    capabilities = GRANTABLE if project.capabilities is None else project.capabilities
    return frozenset({*capabilities, *project.optional, *project.fields})


@contextmanager
def tryout_of(engine: SandboxEngine, project: Project, module: Path) -> Iterator[Tryout]:
    """A built module of a project, as the project's tests want it.

    :raises GuestRefused: it cannot be read, or a host would refuse it.
    """
    wasm = read_module(module, PATIENT.module_mib)
    manifest = read_manifest(wasm)
    hooks = project.hooks if manifest is None else None  # what the manifest names, let_in looks up
    compiled = compile_guest(engine, wasm, PATIENT)
    guest = let_in(engine, compiled, wasm, PATIENT, grant=granted(project), hooks=hooks)
    with Tryout(engine, guest, config=project.config) as made:
        yield made


@contextmanager
def engine() -> Iterator[SandboxEngine]:
    """An engine as a host's."""
    with sandbox_engine(PATIENT.stack_kib) as made:
        yield made
