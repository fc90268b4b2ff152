"""Files of cases: what they may say, and that a mistake is told with the file and the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.audit.helpers import head, module, read, written
from wasmhost.audit.case import CaseError
from wasmhost.audit.corpus import case_files, read_cases
from wasmhost.errors import UserError
from wasmhost.panics import PanicKind

if TYPE_CHECKING:
    from pathlib import Path


def test_a_head_says_everything(tmp_path: Path) -> None:
    """What is not said has a default; what an isolation says of itself goes for it alone."""
    more = {
        "kind": '"deadline"',
        "panics": "2",
        "events": "7",
        "hook": '"on_ready"',
        "alone": "true",
        "within": "3.5",
        "observer": '{ grant = ["state"], fuel = 99, config = { key = "value" } }',
        "process": '{ expect = "refused", reason = "never" }',
    }
    case = read(tmp_path, head("trapped", **more) + module())
    assert (case.name, case.group, case.kind, case.hook) == ("mine/case", "mine", "guest", "on_ready")
    assert (case.events, case.alone, case.within) == (7, True, 3.5)
    assert (case.settings.limits.fuel, case.settings.config) == (99, {"key": "value"})
    assert case.settings.grant == {"state"}
    thread, process = case.expected["thread"], case.expected["process"]
    assert (thread.word, thread.kind, thread.panics) == ("trapped", PanicKind.DEADLINE, 2)
    assert (process.word, process.kind) == ("refused", None)
    assert str(process) == "refused: saying /never/"


def test_a_case_may_be_for_one_isolation_only(tmp_path: Path) -> None:
    """As those are that kill their process."""
    case = read(tmp_path, head("died", thread="false") + module())
    assert list(case.expected) == ["process"]


MISTAKES = {
    "no title": (';;! expect = "harmless"\n', 1, 'has no "title"'),
    "an unknown key": (head("harmless") + ";;! evenst = 3\n", 3, 'did you mean "events"'),
    "no TOML": (head("harmless") + ";;! events =\n", 3, "not valid TOML"),
    "an unknown word": (head("destroyed"), 2, "expect in the head of the case"),
    "a word of streams": (head("ended", at="3"), 2, "nothing that a guest can come to"),
    "a kind that there is not": (head("trapped", kind='"boredom"'), 3, "must be"),
    "a kind is missing": (head("trapped"), 2, 'needs "kind" too'),
    "a key of another word": (head("harmless", kind='"exit"'), 3, "says nothing"),
    "no pattern": (head("refused", reason='"("'), 3, "is no pattern"),
    "an unknown count": (head("bounded", counts="{ lies = 1 }"), 3, "lies"),
    "a span upside down": (head("bounded", counts="{ logs = [3, 1] }"), 3, "[least, most]"),
    "an unknown grant": (head("harmless", observer='{ grant = ["root"] }'), 3, "root"),
    "an unknown limit": (head("harmless", observer="{ fule = 3 }"), 3, 'did you mean "fuel"'),
    "an unknown hook": (head("harmless", hook='"on_doomsday"'), 3, "must be"),
}


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_head_names_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    """In one printable line."""
    with pytest.raises(CaseError) as caught:
        read(tmp_path, text + "\n" + module())
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/mine/case.wat:{line}: ")
    assert words in message
    assert message.isprintable()


BROKEN = {
    "text that is none": ("case.wat", "(module\n  (func (i32.fly)))", 4, "unknown operator"),
    "a repetition that does not end": ("case.wat", "(module\n(;repeat 3;)(func))", 4, "without an (;end;)"),
    "an end of nothing": ("case.wat", "(module)\n(;end;)", 4, "without a (;repeat"),
    "a bomb": ("case.wat", "\n\n(;repeat 99999999;)(func)(;end;)", 5, "64"),
    "four in each other": ("case.wat", "(;repeat 1;)" * 4 + "(;end;)" * 4, 3, "more than 3"),
    "no hex": ("case.hex", "00 11\n0g", 4, "neither hex digits"),
    "a brace too many": ("case.hex", "00 { 00\n} }", 4, "without a {"),
    "a brace too few": ("case.hex", "00 {\n 00", 3, "{ without a }"),
    "an unknown escape": ("case.hex", '"\\q"', 3, "an escape that there is not"),
    "very many bytes": ("case.hex", "00*99999999999", 3, "more than"),
    "no statement": ("case.cbor", "good\nfine 3", 4, "good, item or bytes"),
    "very many events": ("case.cbor", "good 99999999", 3, "as many as 1 to"),
    "no JSON": ("case.cbor", "good\nitem {", 4, "no item"),
    "no bytes": ("case.cbor", "good\nbytes 00\n  zz", 5, "neither hex digits"),
}


@pytest.mark.parametrize(("name", "text", "line", "words"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_in_the_content_names_its_line(
    tmp_path: Path, name: str, text: str, line: int, words: str
) -> None:
    """Of each kind of file."""
    with pytest.raises(CaseError) as caught:
        read(tmp_path, head("harmless") + text, f"mine/{name}")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/mine/{name}:{line}: ")
    assert words in message
    assert message.isprintable()


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder that is none, one without cases, a name that is no label, bytes that are no text."""
    with pytest.raises(UserError, match="is no folder"):
        case_files(tmp_path / "gone")
    with pytest.raises(UserError, match="there is no case"):
        case_files(tmp_path)
    with pytest.raises(CaseError, match="lower-case"):
        read(tmp_path, head("harmless"), "other/Spaces and so.wat")
    path = tmp_path / "mine" / "case.wat"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b";; fine\n\xff")
    with pytest.raises(CaseError, match=r"case.wat:2: not UTF-8"):
        read_cases([tmp_path / "mine"])
    path.write_bytes(bytes(2_000_000))
    with pytest.raises(CaseError, match="no text to review"):
        read_cases([tmp_path / "mine"])


def test_a_class_is_a_folder(tmp_path: Path) -> None:
    """A folder of folders, or one of files; and those asked for only."""
    written(tmp_path, head("harmless") + module(), "one/a.wat")
    written(tmp_path, head("harmless") + "good", "two/b.cbor")
    assert [case.name for case in read_cases([tmp_path])] == ["one/a", "two/b"]
    assert [case.name for case in read_cases([tmp_path / "two"])] == ["two/b"]
    assert [case.name for case in read_cases([tmp_path], ["one"])] == ["one/a"]
    with pytest.raises(UserError, match='no class "three"; there are one, two'):
        read_cases([tmp_path], ["three"])
