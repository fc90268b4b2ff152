"""``wasmhost build``: from a project to a module that a host lets in, with its manifest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import Module

from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.component import as_component
from wasmhost.authoring.interrupting import scratch_folder
from wasmhost.authoring.languages import LANGUAGES, toolchain
from wasmhost.authoring.project import FILE, Project
from wasmhost.authoring.samples import SAMPLES
from wasmhost.authoring.sdk_version import sdk_version
from wasmhost.authoring.sections import with_custom_section
from wasmhost.authoring.toolchains.base import BuildError, Job, SourceRefused
from wasmhost.authoring.tryout import PATIENT, Tryout, engine
from wasmhost.config import GRANTABLE
from wasmhost.config.nodes import suggestion
from wasmhost.contract.hooks import HOOK_BY_EXPORT, PACKAGE
from wasmhost.contract.manifest import SECTION, Manifest, encode_manifest, in_order
from wasmhost.errors import GuestRefused
from wasmhost.grants.given import asked_of
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.guest import compile_guest, let_in, module_kind, surface
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wasmhost.sandbox.compiling import ModuleKind
    from wasmhost.sandbox.guest import Compiled

_SHOWN: Final = 400
_NEEDS_SDK: Final = frozenset({"c", "zig", "assemblyscript", "javascript", "python"})
"""Languages whose build takes files from the SDK. In others a source can do without, or names it."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import, and what an observer must be granted for it; None for what wasmhost does not offer."""

    module: str
    name: str
    capability: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of a hook costs, with a typical event. ``panic``: what it said instead of returning."""

    hook: str
    fuel: int
    panic: str | None


@dataclass(frozen=True, slots=True)
class Build:
    """A module that was built, and what there is to say of it."""

    path: Path
    size: int
    sha256: str
    kind: ModuleKind
    imports: tuple[Import, ...]
    manifest: Manifest
    calls: tuple[Call, ...]


def build_project(
    project: Project,
    *,
    out: Path | None = None,
    component: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Build:
    """Build a project into ``out``, by default where `Project.module` says.

    Nothing is there before it is whole; what was there before stays until then. ``component``: make a
    component of a core module. ``tell`` is told what is being done, a few words each time.

    :raises BuildError: it cannot be built; with ``output`` where the compiler refused the source.
    :raises GuestRefused: it was built, and no host would let it in.
    """
    out = (out or project.module).absolute()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(out.parent) as scratch:
            made = scratch / out.name
            tell(f"compiling {LANGUAGES[project.language].title}")
            hooks = compile_into(project, made)
            wasm = made.read_bytes()
            if component:
                tell("making a component of it")
                wasm, hooks = as_component(wasm, hooks)
            tell("trying it out")
            build, finished = _finish(project, wasm, hooks, out)
            made.write_bytes(finished)
            made.replace(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    return build


def compile_into(project: Project, out: Path) -> tuple[str, ...] | None:
    """Have the language's toolchain make the module; the hooks it knows of, where exports cannot tell.

    :raises BuildError: it cannot be made.
    """
    if not project.source.exists():
        shown = escape_untrusted(str(project.source), _SHOWN)
        raise BuildError(f"the source is not there: {shown}; source in {FILE} says where it is")
    if project.language in _NEEDS_SDK and not project.sdk.is_dir():
        shown = escape_untrusted(str(project.sdk), _SHOWN)
        raise BuildError(f"the SDK is not there: {shown}; sdk in {FILE} says where it is")
    job = Job(project.source, project.folder, project.sdk, cache_folder(project.language), out)
    try:
        return toolchain(project.language).build(job).hooks
    except OSError as error:  # of a file on the way there, which is not the one that was asked for
        place = escape_untrusted(str(error.filename or project.sdk), _SHOWN)
        raise BuildError(f"cannot build: {(error.strerror or str(error)).lower()}: {place}") from error


def _finish(project: Project, wasm: bytes, hooks: tuple[str, ...] | None, out: Path) -> tuple[Build, bytes]:
    """Check the module, write its manifest into it, and call each hook once."""
    with engine() as made:
        compiled = compile_guest(made, wasm, PATIENT)
        shown = surface(made, compiled, wasm)
        _check_exports(compiled)
        imports = tuple(_import(*names) for names in dict.fromkeys(shown.imports))
        manifest = Manifest(
            name=project.name,
            version=project.version,
            hooks=_hooks(project, {hook.name for hook in shown.hooks} if hooks is None else set(hooks)),
            capabilities=_capabilities(project, imports),
            optional=project.optional,
            fields=project.fields,
            language=project.language,
            sdk=sdk_version(project.sdk),
        )
        wasm = with_custom_section(wasm, SECTION, encode_manifest(manifest))
        guest = let_in(made, compiled, wasm, PATIENT, grant=asked_of(manifest))
        with Tryout(made, guest, config=project.config) as tryout:
            calls = tuple(_call(tryout, hook) for hook in manifest.hooks)
    sha256 = hashlib.sha256(wasm).hexdigest()
    kind = module_kind(wasm, PATIENT.module_mib)
    return Build(out, len(wasm), sha256, kind, imports, manifest, calls), wasm


def _check_exports(compiled: Compiled) -> None:
    """A host passes over an export that is none of its hooks. In a source, that is a slip of the pen.

    SDKs of languages that make components look at the names themselves.
    """
    for export in compiled.exports if isinstance(compiled, Module) else ():
        if export.name.startswith(f"{PACKAGE}/") and export.name not in HOOK_BY_EXPORT:
            shown = escape_untrusted(export.name, _SHOWN)
            raise SourceRefused(
                f"it exports {shown}, which is no hook{suggestion(export.name, HOOK_BY_EXPORT)}"
            )


def _import(module: str, name: str) -> Import:
    known = abi.IMPORTS.get((module, name))
    return Import(module, name, None if known is None else known.capability)


def _hooks(project: Project, has: set[str]) -> tuple[str, ...]:
    if not has:
        raise GuestRefused("it exports no hook")
    for hook in project.hooks or ():
        if hook not in has:
            what = f'hooks in {FILE} names "{hook}", which the module does not have'
            raise BuildError(f"{what}; it has {', '.join(in_order(has))}")
    return in_order(has if project.hooks is None else set(project.hooks))


def _capabilities(project: Project, imports: tuple[Import, ...]) -> tuple[str, ...]:
    needed = [entry for entry in imports if entry.capability in GRANTABLE]
    if project.capabilities is None:
        optional = GRANTABLE.intersection(project.optional)
        return tuple(sorted({*(str(entry.capability) for entry in needed), *optional}))
    for entry in needed:
        if entry.capability not in project.capabilities:
            what = f"the module imports {entry.module}#{entry.name}"
            raise BuildError(f'{what}, and capabilities in {FILE} lacks "{entry.capability}"')
    return project.capabilities


def _call(tryout: Tryout, hook: str) -> Call:
    tryout.reset()
    outcome = tryout.deliver(SAMPLES[hook])
    return Call(hook, outcome.fuel, None if outcome.trap is None else outcome.trap.message)


def _unwritable(out: Path, error: OSError) -> BuildError:
    reason = (error.strerror or str(error)).lower()
    return BuildError(f"cannot write {escape_untrusted(str(out), _SHOWN)}: {reason}")
