"""JavaScript and TypeScript, by npm's ``componentize-qjs``: a component with QuickJS in it.

The component that QuickJS is built into imports ``wasmhost:javascript`` in place of some of
``wasmhost:observer``, and is wrapped in another that makes one of the other; see the SDK's ``component/``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.toolchains.base import BuildError, Built, run
from wasmhost.authoring.toolchains.node import find_node, npm_tools
from wasmhost.authoring.toolchains.wrapping import WORLD, wrap, write_wit
from wasmhost.contract.hooks import HOOKS, interface_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.authoring.toolchains.base import Job

TOOLS: Final = {"componentize-qjs": "0.4.5", "esbuild": "0.28.2"}
"""What is taken from npm. The first is what ``jco componentize --backend quickjs`` runs."""

_EXPORTS: Final = tuple(dict.fromkeys(interface_id(hook.interface) for hook in HOOKS))


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
        wit = write_wit(job.sdk, folder / "wit", told["imports"], _EXPORTS)
        world = ("--world", WORLD, "--wit", wit)
        # No event loop: the component is to run where there is no asynchronous ABI.
        options = ("--sync", "--stub-wasi", "--js", bundle, "--output", inner)
        try:
            run([*node, program, *world, *options], cwd=folder)
        except BuildError as error:
            raise BuildError(f"QuickJS refuses {job.source.name}", error.output) from error
        job.out.write_bytes(wrap(job.sdk, inner.read_bytes(), told["imports"], _EXPORTS))
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
