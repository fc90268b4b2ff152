"""``wasmhost new``: a folder with an observer that builds and passes its test."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.languages import LANGUAGES
from wasmhost.authoring.resources import LEFT_OVER, common_folder, copy_sdk, template_folder
from wasmhost.authoring.sdk_version import write_sdk_version
from wasmhost.config.model import is_safe_name
from wasmhost.config.nodes import suggestion
from wasmhost.errors import UserError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN: Final = 200
# What every language and its packages allow; dots, which an observer's name may have, Cargo refuses.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

# Names that a template's source has from its SDK or its language: an observer's own type cannot be called
# so as well.
_TAKEN: Final = frozenset({"Context", "Observer", "PeerEvent", "Self", "Writer"})


def scaffold(name: str, language: str, folder: Path) -> None:
    """Make the project of an observer. All of the folder is there in the end, or nothing.

    Raises UserError: the name or the language cannot be used, or something is there already.
    """
    _check_name(name)
    _check_language(language)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{escape_untrusted(str(folder), _SHOWN)} is there already: nothing is overwritten")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    try:
        _fill(made, name, language)
        _move(made, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _check_name(name: str) -> None:
    if not is_safe_name(name) or _NAME.fullmatch(name) is None:
        rule = "up to 64 letters, digits, '_' and '-', beginning with a letter"
        raise UserError(f'NAME must be {rule}, not "{escape_untrusted(name, _SHOWN)}"')


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        shown = escape_untrusted(language, _SHOWN)
        guess = suggestion(language.lower(), LANGUAGES) or f"; there are {', '.join(LANGUAGES)}"
        raise UserError(f'--lang: "{shown}" is no language wasmhost builds{guess}')


def _fill(made: Path, name: str, language: str) -> None:
    words = _words(name)
    for source in (template_folder(language), common_folder()):
        for path in _files(source):
            _copy(path, made / _filled(str(path.relative_to(source)), words), words)
    if copy_sdk(language, made / "sdk"):
        write_sdk_version(made / "sdk")
    made.chmod(0o777 & ~_umask())  # a temporary folder is for its owner alone


def _words(name: str) -> dict[str, str]:
    """What the placeholders of a template stand for."""
    parts = [part for part in re.split(r"[_-]+", name) if part]
    camel = "".join(part[:1].upper() + part[1:] for part in parts)
    if camel in _TAKEN:
        camel = f"My{camel}"
    return {"{{name}}": name, "{{snake}}": name.replace("-", "_").lower(), "{{camel}}": camel}


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not LEFT_OVER.intersection(path.relative_to(folder).parts):
            yield path


def _copy(source: Path, target: Path, words: dict[str, str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    data = source.read_bytes()
    with suppress(UnicodeDecodeError):  # it is no text, so nobody left a word out in it
        data = _filled(data.decode("utf-8"), words).encode()
    target.write_bytes(data)


def _filled(text: str, words: dict[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text


def _move(made: Path, folder: Path) -> None:
    if folder.is_dir():  # an empty one, perhaps the one we stand in: it stays the same folder
        for path in made.iterdir():
            path.rename(folder / path.name)
    else:
        made.rename(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(folder: Path, error: OSError) -> UserError:
    reason = (error.strerror or str(error)).lower()
    return UserError(f"cannot write {escape_untrusted(str(folder), _SHOWN)}: {reason}")
