"""What a toolchain is asked, what it answers, and how its compilers are run."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from wasmhost.authoring.interrupting import run_in_group
from wasmhost.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STACK_BYTES: Final = 16384
"""The stack of a guest in C or Zig: what the compilers reserve by default is 16 to 64 times as much."""
_SHOWN_LINES: Final = 60


class BuildError(UserError):
    """An observer cannot be built; the message is for its author.

    ``output`` is what the compiler said of the author's source; "" where it did not come to that.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class SourceRefused(BuildError):
    """The author's source makes no observer: told in words of our own, not a compiler's."""


@dataclass(frozen=True, slots=True)
class Job:
    """One build.

    All paths are absolute. ``source`` is the entry file or folder; ``project`` the observer's folder,
    where commands are run, so that no absolute path gets into a module; ``sdk`` the folder of the
    language's SDK; ``cache`` a folder of this language's that outlives the build; ``out`` where the
    module goes.
    """

    source: Path
    project: Path
    sdk: Path
    cache: Path
    out: Path

    def relative(self, path: Path) -> str:
        """A path as seen from the project, for a command that would write it into a module."""
        return os.path.relpath(path, self.project)


@dataclass(frozen=True, slots=True)
class Built:
    """What a toolchain knows beside the module: ``hooks`` in snake_case; None where its exports say it."""

    hooks: tuple[str, ...] | None = None


class Toolchain(Protocol):
    """A language's compiler: the face of each module beside this one."""

    def build(self, job: Job) -> Built:
        """Make ``job.out``, a core module or a component.

        :raises BuildError: it cannot be made, or a tool is missing: then the message says what to install.
        """
        ...


def run(command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a compiler and return its standard output. ``environment`` is added to ours.

    :raises BuildError: it failed; the message names the tool, ``output`` is what it said.
    """
    words = [str(word) for word in command]
    try:
        done = run_in_group(words, cwd=cwd, environment={**os.environ, **(environment or {})})
    except OSError as error:
        raise BuildError(f"{words[0]} cannot be run: {(error.strerror or str(error)).lower()}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() + "\n" + done.stdout.strip()).strip()
        said = _tail(said) or "(it said nothing)"
        raise BuildError(f"{_tool_name(words)} failed (exit code {done.returncode})", said)
    return done.stdout


def find_module(name: str) -> list[str] | None:
    """How to run a Python package's command (``python -m name``) where it is installed beside us.

    With -P, as it is run in the project: a file in there called like one of Python's modules is none.
    """
    return [sys.executable, "-P", "-m", name] if find_spec(name) is not None else None


def find_program(name: str) -> str | None:
    """Where a program of the user's own is, by PATH."""
    return shutil.which(name)


def _tool_name(words: Sequence[str]) -> str:
    """``zig cc`` rather than the path of a Python and ``-P -m ziglang cc``."""
    if words[1:3] == ["-P", "-m"]:
        words = words[3:]
    return " ".join([Path(words[0]).name, *words[1:2]])


def _tail(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines[-_SHOWN_LINES:])
