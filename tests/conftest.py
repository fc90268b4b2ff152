"""For all tests: interrupts are heard, and where nothing may be skipped, a skip is a failure."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

NO_SKIP = "WASMHOST_NO_SKIP"


def pytest_configure() -> None:
    """Hear of interrupts, and let children hear of them, also where a shell started us in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what was skipped, where the environment says that nothing may be."""
    report = yield
    if report.skipped and os.environ.get(NO_SKIP) == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, and {NO_SKIP}=1 allows none: {report.longrepr}"
    return report
