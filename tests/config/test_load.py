"""wasmhost.toml: what it may say, and the one line that says what it may not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmhost.config import HostConfig, Limits, ObserverConfig, Quarantine, load_config
from wasmhost.errors import ConfigError

CONTRACT = """\
[host]
db = "wasmhost.db"            # panic log and observers' state
reports = "-"
drain_s = 5.0

[defaults]                    # the same keys as an observer's
[[observer]]
name = "relay-watch"
module = "relay-watch.wasm"
hooks = ["on_webrtc_connected"]
grant = ["config", "metrics", "report"]
config = { threshold = "0.3" }
fuel = 10_000_000
deadline_ms = 100
memory_mib = 64
mailbox = 1024
overflow = "drop-oldest"
backoff_ms = [10, 10_000]
quarantine = { panics = 5, within = 60, probe = 30 }
trusted_timeout_s = 5.0
"""


def load(folder: Path, toml: str | bytes) -> HostConfig:
    """Write ``toml`` to a file and load it."""
    path = folder / "wasmhost.toml"
    path.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return load_config(path)


def complaint(folder: Path, toml: str | bytes) -> str:
    """Return what loading ``toml`` says is wrong, from the file's name on."""
    with pytest.raises(ConfigError) as raised:
        load(folder, toml)
    message = str(raised.value)
    assert message.isprintable()
    assert message.startswith(f"{folder}/")
    return message.removeprefix(f"{folder}/")


def test_the_contracts_example(tmp_path: Path) -> None:
    """The file the contract prints loads, to the defaults it says they are."""
    host = load(tmp_path, CONTRACT)
    (observer,) = host.observers
    assert host == HostConfig(observers=(observer,))
    assert observer == ObserverConfig(
        "relay-watch",
        tmp_path / "relay-watch.wasm",
        hooks=frozenset({"on_webrtc_connected"}),
        config={"threshold": "0.3"},
    )


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    """Every key has a default."""
    assert load(tmp_path, "") == HostConfig()


def test_defaults_reach_every_observer_and_those_added_later(tmp_path: Path) -> None:
    """[defaults] applies to each [[observer]] that does not say otherwise, and to --observer."""
    host = load(
        tmp_path,
        """
        [defaults]
        fuel = 5
        quarantine = false
        trusted_timeout_s = 1
        config = { a = "1" }
        [[observer]]
        module = "one.wasm"
        [[observer]]
        module = "two.wasm"
        memory_mib = 1
        quarantine = true
        config = { b = "2" }
        """,
    ).with_observers([Path("three.wasm")])
    one, two, three = host.observers
    assert (one.limits, two.limits) == (Limits(fuel=5), Limits(fuel=5, memory_mib=1))
    assert (one.quarantine, two.quarantine, three.quarantine) == (None, Quarantine(), None)
    assert (one.config, two.config, three.config) == ({"a": "1"}, {"b": "2"}, {"a": "1"})
    assert host.trusted_timeout_s == 1


def test_paths(tmp_path: Path) -> None:
    """A module is beside the file, wherever the host starts; the database is where the host starts."""
    host = load(
        tmp_path, '[host]\ndb = "p.db"\n[[observer]]\nmodule = "m/a.wasm"\n[[observer]]\nmodule = "/b.wasm"'
    )
    assert host.db == Path("p.db")
    assert [observer.module for observer in host.observers] == [tmp_path / "m/a.wasm", Path("/b.wasm")]


def test_names(tmp_path: Path) -> None:
    """Given names come first, the others are made to fit around them."""
    host = load(
        tmp_path, "".join(f'[[observer]]\nmodule = "{m}"\n' for m in ("a.wasm", "a.wasm")) + 'name = "a"'
    )
    assert [observer.name for observer in host.observers] == ["a-2", "a"]


def test_forms_of_the_same_thing(tmp_path: Path) -> None:
    """Sub-tables and dotted keys are as good as inline tables; 0 backoff and always-granted names pass."""
    host = load(
        tmp_path,
        """
        [[observer]]
        module = "a.wasm"
        backoff_ms = [0, 0]
        grant = ["log", "state"]
        quarantine.panics = 1
        [observer.config]
        "a b" = "c"
        """,
    )
    (observer,) = host.observers
    assert observer.backoff_ms == (0, 0)
    assert observer.grant == {"state"}
    assert observer.quarantine == Quarantine(panics=1)
    assert observer.config == {"a b": "c"}


OBSERVER = '[[observer]]\nname = "relay-watch"\nmodule = "a.wasm"\n'
IN = 'in [[observer]] "relay-watch"'


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        # unknown keys
        (OBSERVER + "\nfule = 1", f'5: unknown key "fule" {IN}; did you mean "fuel"?'),
        ("[host]\nreprots = 1", '2: unknown key "reprots" in [host]; did you mean "reports"?'),
        ("[host]\nfuel = 1", '2: unknown key "fuel" in [host]; it belongs in [defaults] or [[observer]]'),
        ("[defaults]\nname = 'x'", '2: unknown key "name" in [defaults]; it belongs in [[observer]]'),
        (
            "\nmailbox = 1",
            '2: unknown key "mailbox" in the top level; it belongs in [defaults] or [[observer]]',
        ),
        ("[[observers]]", '1: unknown key "observers" in the top level; did you mean "observer"?'),
        ('"\\u001b\\n" = 1', '1: unknown key "\\x1b\\n" in the top level'),
        (OBSERVER + "quarantine = {\n  panics = 1, pannics = 2 }", None),
        (
            OBSERVER + "quarantine = { pannics = 2 }",
            f'4: unknown key "pannics" in quarantine {IN}; did you mean "panics"?',
        ),
        # tables
        ("host = 1", "1: [host] must be a table, not 1"),
        ("defaults = []", "1: [defaults] must be a table, not an array"),
        (
            "[observer]\nmodule = 'a'",
            "1: [observer] must be [[observer]], with two brackets: there can be several",
        ),
        ("observer = [1]", "1: [[observer]] 1 must be a table, not 1"),
        ("observer = 1", "1: observer must be an array, not 1"),
        # names and modules
        ("[[observer]]\nname = 'a'\n\n[[observer]]\n", '1: [[observer]] "a" has no "module"'),
        (OBSERVER + OBSERVER, f"5: name {IN} is the name of the observer on line 2 already"),
        (
            "[[observer]]\nmodule = 'a.wasm'\nname = 'a b'",
            "3: name in [[observer]] \"a b\" must be up to 64 letters, digits, '.', '_' and '-', "
            'beginning with a letter or digit, not "a b"',
        ),
        (
            "[[observer]]\nmodule = ''",
            '2: module in [[observer]] 1 must be a string that is not empty, not ""',
        ),
        ("[[observer]]\nmodule = 7", "2: module in [[observer]] 1 must be a string that is not empty, not 7"),
        # numbers
        (
            OBSERVER + "fuel = '10'",
            f'4: fuel {IN} must be a whole number from 1 to 1000000000000000, not "10"',
        ),
        (
            OBSERVER + "fuel = true",
            f"4: fuel {IN} must be a whole number from 1 to 1000000000000000, not true",
        ),
        (OBSERVER + "event_kib = 65", f"4: event_kib {IN} must be a whole number from 1 to 64, not 65"),
        (OBSERVER + "stack_kib = 63", f"4: stack_kib {IN} must be a whole number from 64 to 1024, not 63"),
        (OBSERVER + "memory_mib = 1.5", f"4: memory_mib {IN} must be a whole number from 1 to 4096, not 1.5"),
        (OBSERVER + "mailbox = 0", f"4: mailbox {IN} must be a whole number from 1 to 1000000, not 0"),
        ("[host]\ndrain_s = nan", "2: drain_s in [host] must be a number from 0 to 3600, not nan"),
        ("[host]\ndrain_s = -1", "2: drain_s in [host] must be a number from 0 to 3600, not -1"),
        (
            OBSERVER + "quarantine = { panics = 0 }",
            f"4: panics in quarantine {IN} must be a whole number from 1 to 1000000, not 0",
        ),
        # strings and choices
        ("[host]\ndb = ''", '2: db in [host] must be a string that is not empty, not ""'),
        (
            "[host]\nreports = 1979-05-27",
            "2: reports in [host] must be a string that is not empty, not 1979-05-27",
        ),
        (
            OBSERVER + "overflow = 'drop'",
            f'4: overflow {IN} must be "drop-oldest" or "drop-newest", not "drop"',
        ),
        # arrays
        (OBSERVER + "hooks = 'on_start'", f'4: hooks {IN} must be an array, not "on_start"'),
        (
            OBSERVER + "hooks = []",
            f"4: hooks {IN} is empty: the observer would never be called; leave it out for all hooks",
        ),
        (
            OBSERVER + "hooks = [\n  'on_start',\n  'on-stop',\n]",
            f'6: hooks {IN} names an unknown hook, "on-stop"; did you mean "on_stop"?',
        ),
        (
            OBSERVER + "grant = ['sate']",
            f'4: grant {IN} names an unknown capability or field, "sate"; did you mean "state"?',
        ),
        (
            OBSERVER + "grant = ['network']",
            f'4: grant {IN} names an unknown capability or field, "network"; '
            "those that can be granted are config, metrics, report, state, and of fields credential, peer, "
            "self, stream",
        ),
        (
            OBSERVER + "backoff_ms = [1]",
            f"4: backoff_ms {IN} must be two numbers, the first and the longest wait in milliseconds",
        ),
        (
            OBSERVER + "backoff_ms = [2, 1]",
            f"4: backoff_ms {IN} has a first wait longer than the longest, 2 > 1",
        ),
        (
            OBSERVER + "backoff_ms = [0, 1]",
            f"4: backoff_ms {IN} has a first wait of 0, which never grows; write [0, 0] for no wait at all",
        ),
        # config
        (
            OBSERVER + "[observer.config]\na = 'x'\nb = 0.3",
            f"6: b in config {IN} must be a string, not 0.3: quote it",
        ),
        (
            OBSERVER + "config.a.b = 'x'",
            f"4: a in config {IN} must be a string, not a table: guests get strings only",
        ),
        (
            OBSERVER + f"config = {{ a = '{'x' * 16_376}' }}",
            f"4: config {IN} takes more than 16384 bytes (8 bytes, the key and the value for each entry)",
        ),
        # syntax
        ("a = 1\nb = \n", "2: not valid TOML: invalid value"),
        ("a = 1\n\n[x", "3: not valid TOML: expected ']' at the end of a table declaration"),
        ("a = 1\na = 2", "2: not valid TOML: cannot overwrite a value"),
        ("a = 1\nb = '''\x0c\x0b\u2028x\n", "2: not valid TOML: expected \"'''\""),
        (b"a = 1\nb = '\xff'", "2: not UTF-8 text"),
        ("a = " + "[" * 50_000, "1: nested too deeply"),
    ],
)
def test_wrong_files_get_one_line(tmp_path: Path, toml: str | bytes, message: str | None) -> None:
    """Every mistake is told with its line, what is wrong and, where it can be guessed, what was meant."""
    said = complaint(tmp_path, toml)
    assert said.startswith("wasmhost.toml:")
    if message is not None:
        assert said == f"wasmhost.toml:{message}"


def test_config_of_just_the_limit_is_accepted(tmp_path: Path) -> None:
    """16 KiB with the cost of the entry fit."""
    host = load(tmp_path, OBSERVER + f"config = {{ a = '{'x' * (16_384 - 9)}' }}")
    assert len(host.observers[0].config["a"]) == 16_375


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a directory get one line too."""
    with pytest.raises(ConfigError, match=r"cannot read .*none\.toml: no such file"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"cannot read .*: is a directory"):
        load_config(tmp_path)


WORDS = [
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    '"',
    "'",
    "#",
    "\n",
    "1",
    "-1",
    "true",
    "nan",
    '"x"',
    "fuel",
    "[[observer]]",
]


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(CONTRACT)), st.integers(0, 12), st.sampled_from(WORDS)), max_size=4
    )
)
def test_any_damage_is_a_configuration_or_one_line(edits: list[tuple[int, int, str]]) -> None:
    """A mangled file loads, or is refused in one printable line that names one of its lines."""
    toml = CONTRACT
    for start, length, word in edits:
        toml = toml[:start] + word + toml[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        try:
            load(Path(folder), toml)
        except ConfigError as error:
            said = str(error).removeprefix(f"{folder}/wasmhost.toml:")
            assert said.isprintable()
            assert 1 <= int(said.partition(":")[0]) <= toml.count("\n") + 1
