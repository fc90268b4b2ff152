"""JavaScript and TypeScript, by npm's ``componentize-qjs``: a component with QuickJS in it.

The component that QuickJS is built into imports ``wasmhost:javascript`` in place of some of
``wasmhost:observer``, and is wrapped in another that makes one of the other; see the SDK's ``component/``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmtime import WasmtimeError, wat2wasm

from wasmhost.authoring.resources import wit_folder
from wasmhost.authoring.toolchains.base import BuildError, Built, run
from wasmhost.authoring.toolchains.node import find_node, npm_tools
from wasmhost.sandbox.sections import HEADER_BYTES, Section, join, sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.authoring.toolchains.base import Job

TOOLS: Final = {"componentize-qjs": "0.4.5", "esbuild": "0.28.2"}
"""What is taken from npm. The first is what ``jco componentize --backend quickjs`` runs."""

_EXPORTS: Final = ("lifecycle", "signaling", "websocket", "webrtc", "credential", "mailbox")
_ALWAYS: Final = ("types", "room")
_COMPONENT_SECTION: Final = 4


def build(job: Job) -> Built:
    """Compile an observer. The source is its module, which may import others."""
    if not job.source.is_file():
        raise BuildError(f"{job.source.name} is no file: name the observer's module as the source")
    node = find_node().node
    modules = npm_tools(job.cache, TOOLS, project=job.project)
    with tempfile.TemporaryDirectory(prefix="wasmhost-") as made:
        folder = Path(made)
        bundle, inner = folder / "bundle.js", folder / "inner.wasm"
        told = _bundle(job, node, modules, bundle)
        program = modules / "componentize-qjs" / "bin" / "componentize-qjs"
        world = ("--world", "observer", "--wit", _write_wit(job.sdk, folder / "wit", told["imports"]))
        # No event loop: the component is to run where there is no asynchronous ABI.
        options = ("--sync", "--stub-wasi", "--js", bundle, "--output", inner)
        try:
            run([*node, program, *world, *options], cwd=folder)
        except BuildError as error:
            raise BuildError(f"QuickJS refuses {job.source.name}", error.output) from error
        job.out.write_bytes(_wrap(job.sdk, inner.read_bytes(), told["imports"]))
    return Built(hooks=tuple(told["hooks"]))


def _bundle(job: Job, node: Sequence[str], modules: Path, out: Path) -> dict[str, list[str]]:
    """Make one module of the author's and the SDK's; gives its ``hooks``, and the ``imports`` it needs."""
    bundler = job.sdk / "tools" / "bundle.mjs"
    try:
        said = run([*node, bundler, modules, job.relative(job.source), out], cwd=job.project)
    except BuildError as error:
        raise BuildError(f"{job.source.name} cannot be bundled", error.output) from error
    told: dict[str, list[str]] = json.loads(said)
    return told


def _write_wit(sdk: Path, folder: Path, imports: Sequence[str]) -> Path:
    """Write the world of this observer, which imports only what it uses."""
    shutil.copytree(wit_folder(), folder / "deps" / "observer")
    (folder / "deps" / "javascript").mkdir()
    shutil.copy(sdk / "component" / "javascript.wit", folder / "deps" / "javascript")
    wanted = [f"  import {name};" for name in imports]
    offered = [f"  export wasmhost:observer/{name}@0.1.0;" for name in _EXPORTS]
    world = ["package wasmhost:component@0.1.0;", "world observer {", *wanted, *offered, "}", ""]
    (folder / "world.wit").write_text("\n".join(world), encoding="utf-8")
    return folder


def _wrap(sdk: Path, inner: bytes, imports: Sequence[str]) -> bytes:
    """Put QuickJS's component into the one that the host sees."""
    try:
        wrapper = wat2wasm(_wrapper_text(sdk, imports))
    except WasmtimeError as error:
        raise BuildError("the SDK cannot wrap the component", str(error)) from error
    parts = [
        Section(_COMPONENT_SECTION, inner) if part.kind == _COMPONENT_SECTION else part
        for part in sections(bytes(wrapper))
    ]
    return join(bytes(wrapper[:HEADER_BYTES]), parts)


def _wrapper_text(sdk: Path, imports: Sequence[str]) -> str:
    """A fragment for each import, which defines the instance that QuickJS's component is given for it.

    That component is an empty one here, and the only one.
    """
    given = {"wasmhost:observer/types@0.1.0": "types"}
    given |= {name: name.split("/")[1].split("@")[0] for name in imports}
    fragments = [*_ALWAYS, *given.values()]
    texts = [(sdk / "component" / f"{name}.wat").read_text("utf-8") for name in dict.fromkeys(fragments)]
    instances = [f'(with "{name}" (instance ${fragment}))' for name, fragment in given.items()]
    exports = [
        f'(export "wasmhost:observer/{name}@0.1.0" (instance $observer "wasmhost:observer/{name}@0.1.0"))'
        for name in _EXPORTS
    ]
    inner = ["(component $quickjs)", "(instance $observer (instantiate $quickjs", *instances, "))"]
    return "\n".join(["(component", *texts, *inner, *exports, ")"])
