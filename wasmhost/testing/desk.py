"""Where a test gets its observers: from a module, or from a project, which is built where that is due."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from wasmhost.authoring.build import build_project
from wasmhost.authoring.freshness import is_stale
from wasmhost.authoring.project import FILE, Project, load_project
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.authoring.tryout import PATIENT, granted
from wasmhost.config import GRANTABLE
from wasmhost.config.model import GRANTABLE_FIELDS
from wasmhost.errors import ConfigError
from wasmhost.host.loading import read_module
from wasmhost.sandbox.guest import compile_guest, let_in, read_manifest
from wasmhost.testing.observer import Observer
from wasmhost.wall.workshop import sandbox_engine

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType
    from typing import Self

    from wasmhost.config import Limits
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Compiled

__all__ = ["PATIENT", "Desk", "Workshop"]


class Workshop:
    """An engine, the modules it compiled, and the projects that were looked after: each once a run."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self.engine = self._open.enter_context(sandbox_engine(PATIENT.stack_kib))
        self._compiled: dict[bytes, Compiled] = {}
        self._built: dict[Path, Project] = {}

    def compiled(self, wasm: bytes) -> Compiled:
        """Compile a module.

        :raises GuestRefused: it does not compile.
        """
        digest = hashlib.sha256(wasm).digest()
        if digest not in self._compiled:
            self._compiled[digest] = compile_guest(self.engine, wasm, PATIENT)
        return self._compiled[digest]

    def project(self, folder: Path) -> Project:
        """Read a project, and build it where its module is older than its sources.

        :raises ConfigError: there is none.
        :raises BuildError: it cannot be built.
        """
        folder = folder.resolve()
        if folder not in self._built:
            project = load_project(folder)
            if is_stale(project):
                _build(project)
            self._built[folder] = project
        return self._built[folder]

    def close(self) -> None:
        """Stop the engine. Observers must be closed before."""
        self._compiled.clear()
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Desk:
    """What the fixture ``observer_host`` is: call it, and there is an observer, running in the sandbox."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._workshop = workshop
        self._folder = folder
        self._observers: list[Observer] = []

    @property
    def engine(self) -> SandboxEngine:
        """The engine that its observers run on."""
        return self._workshop.engine

    def __call__(
        self,
        module: bytes | str | Path | None = None,
        *,
        config: Mapping[str, str] | None = None,
        grant: Collection[str] | None = None,
        hooks: Collection[str] | None = None,
        limits: Limits = PATIENT,
        state: bytes | None = None,
    ) -> Observer:
        """Make an observer.

        ``module``: its bytes, its file, or a project's folder; by default the project that the test's
        file is in. ``config`` is added to what the project's ``[test]`` says. ``grant`` and ``hooks``
        are as an operator's; by default it is given all it may ask for. ``state`` is what an earlier
        life of it saved.

        :raises GuestRefused: a host would refuse it, too.
        """
        project: Project | None = None
        if not isinstance(module, bytes):
            place = self._home() if module is None else Path(module)
            if place.is_dir():
                project = self._workshop.project(place)
                place = project.module
            module = read_module(place, PATIENT.module_mib)
        settings = {**(project.config if project else {}), **(config or {})}
        if hooks is None and project is not None and read_manifest(module) is None:
            hooks = project.hooks
        compiled = self._workshop.compiled(module)
        if grant is None:
            grant = GRANTABLE | GRANTABLE_FIELDS if project is None else granted(project)
        guest = let_in(self.engine, compiled, module, limits, grant=grant, hooks=hooks)
        observer = Observer(self.engine, guest, limits, config=settings, state=state)
        self._observers.append(observer)
        return observer

    def _home(self) -> Path:
        """The project that the test is in."""
        for folder in (self._folder, *self._folder.parents):
            if (folder / FILE).is_file():
                return folder
        raise ConfigError(f"no {FILE} in the test's folder or above it: say which module it is about")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for observer in self._observers:
            observer.close()


def _build(project: Project) -> None:
    try:
        build_project(project)
    except BuildError as error:
        if error.output:
            error.add_note(error.output)  # pytest shows it with the error
        raise
