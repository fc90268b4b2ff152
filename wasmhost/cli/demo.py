"""``wasmhost demo``: a real recording, six observers, two of them bad."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from wasmhost.cli.stopping import StopRequest
from wasmhost.cli.terminal import put, terminal


def demo() -> int:
    """Show it all on a real recording.

    Six observers hear it, one of which panics and one of which never returns. Ends with a
    table of who saw what and who was isolated. Leaves nothing behind.
    """
    from wasmhost.cli.logs import configure_logs
    from wasmhost.cli.performance import perform
    from wasmhost.cli.story import story
    from wasmhost.cli.verdict import verdict

    configure_logs(None)  # the story has it all
    with StopRequest() as stop, TemporaryDirectory(prefix="wasmhost-demo-") as folder:
        performance = perform(Path(folder), stop)
    put(story(performance, terminal(sys.stdout)))
    return verdict(performance.outcome)
