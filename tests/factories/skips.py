"""Failures in the place of skips, where nothing may be skipped.

A machine that lacks something, a browser perhaps, skips what needs it. CI lacks nothing: there a
skip means that a test no longer runs, and nobody would see it.
"""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

VARIABLE = "OPENSTOQ_TEST_NO_SKIPS"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped.

    A test that failed as expected is reported as skipped too, and stays so.
    """
    report = yield
    return report if hasattr(report, "wasxfail") else _without_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips all of its tests."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    if report.skipped and os.environ.get(VARIABLE) == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}. {VARIABLE} is set, so nothing may be skipped."
    return report
