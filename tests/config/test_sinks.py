"""``[[sink]]`` and ``[outbox]``: what can be said, and that mistakes name their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasmhost.config import load_config
from wasmhost.config.sink import NatsSinkConfig, NdjsonSinkConfig, OutboxConfig, WebhookSinkConfig
from wasmhost.errors import ConfigError

HOOK = '[[sink]]\nkind = "webhook"\nname = "a"\nsecret_env = "S"\nurl = '
NATS = '[[sink]]\nkind = "nats"\nname = "a"\nurl = "nats://h"\n'
FILE = '[[sink]]\nkind = "ndjson"\nname = "a"\npath = "p"\n'


def loaded(folder: Path, text: str) -> Path:
    """Write a configuration."""
    path = folder / "wasmhost.toml"
    path.write_text(text)
    return path


def test_the_page_about_sinks_is_a_configuration(tmp_path: Path) -> None:
    """Its example loads; secrets are beside the file, what is written is where the host is started."""
    page = (Path(__file__).parents[2] / "docs" / "sinks.md").read_text()
    config = load_config(loaded(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    hook, fleet, archive = config.sinks
    assert isinstance(hook, WebhookSinkConfig)
    assert hook.secret_file == tmp_path / "pager.secret"
    assert hook.what == {"panics"}
    assert isinstance(fleet, NatsSinkConfig)
    assert fleet.credentials == tmp_path / "fleet.creds"
    assert isinstance(archive, NdjsonSinkConfig)
    assert (archive.topics, archive.batch) == (("relay.*",), 1000)
    assert config.outbox == OutboxConfig()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[sink]\nkind = "ndjson"', "1: [sink] must be [[sink]], with two brackets"),
        ("[[sink]]\n", '1: [[sink]] 1 has no "kind"'),
        ('[[sink]]\nkind = "mail"', '2: kind in [[sink]] 1 must be "ndjson" or "webhook" or "nats"'),
        ('[[sink]]\nkind = "ndjson"\nname = "a"', '1: [[sink]] "a" has no "path"'),
        ('[[sink]]\nkind = "ndjson"\npath = "p"', '1: [[sink]] 1 has no "name"'),
        (FILE + FILE, 'has the name "a", as another sink has already'),
        (FILE + 'url = "x"', '5: unknown key "url" in [[sink]] "a"'),
        (FILE + "what = []", '5: what in [[sink]] "a" is empty'),
        (FILE + 'what = ["report"]', '5: what in [[sink]] "a" must be "reports" or "panics"'),
        (FILE + "backoff_ms = [5, 1]", "5: backoff_ms"),
        (HOOK + '"http://example.com/x"', '5: url in [[sink]] "a" must begin with https://'),
        (HOOK + '"ftp://example.com/x"', '5: url in [[sink]] "a" must be a URL that begins with https://'),
        (HOOK + '"https://user:hunter2@example.com/x"', "must not hold a password"),
        (HOOK + '"https://[::1"', "must be a URL"),
        (HOOK + '"https://h:99999/"', "must be a URL"),
        (HOOK + '"https://h/"\nsecret_file = "f"', 'needs one of "secret_file" and "secret_env"'),
        (
            HOOK.replace('secret_env = "S"', 'secret_env = "whsec_/+"') + '"https://h/"',
            "must be the name of an env",
        ),
        (NATS + 'subject = "{topic}.x"', "the first of them fixed"),
        (NATS + 'subject = "a.*"', "must be words of letters"),
        (NATS + 'subject = "a.{observr}"', 'did you mean "observer"?'),
        (NATS + 'user = "u"', '5: user in [[sink]] "a" needs password_file, too'),
        ("[outbox]\nrow = 5", '2: unknown key "row" in [outbox]; did you mean "rows"?'),
        ("[outbox]\nrows = 1", "2: rows in [outbox] must be a whole number from 100"),
    ],
)
def test_mistakes_name_their_line(tmp_path: Path, text: str, complaint: str) -> None:
    """One line each."""
    with pytest.raises(ConfigError) as raised:
        load_config(loaded(tmp_path, text))
    assert complaint in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_plain_http_is_for_this_machine(tmp_path: Path) -> None:
    """By its name or an address."""
    for host in ("localhost:8080", "127.0.0.1", "127.9.9.9", "[::1]:80"):
        (sink,) = load_config(loaded(tmp_path, f'{HOOK}"http://{host}/x"')).sinks
        assert isinstance(sink, WebhookSinkConfig)
