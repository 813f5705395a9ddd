"""A skipped test fails where nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPING = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no browser")

def test_passes():
    assert True

@pytest.mark.skip(reason="for later")
def test_marked():
    assert True

@pytest.mark.skipif(True, reason="no server")
def test_marked_on_a_condition():
    assert True

def test_calls_skip():
    pytest.skip("no file")

def test_has_a_fixture_that_skips(browser):
    assert browser

@pytest.mark.xfail(reason="a known fault")
def test_fails_as_expected():
    assert False
"""


def run_pytest(folder: Path, no_skips: str) -> str:
    settings = {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "OPENSTOQ_TEST_NO_SKIPS": no_skips}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.factories.skips",
        "-p",
        "no:cacheprovider",
    ]
    run = subprocess.run(
        [*command, "--continue-on-collection-errors", str(folder)],
        check=False,
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    return run.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    (tmp_path / "test_module.py").write_text('import pytest\npytest.importorskip("no_module")\n')
    return tmp_path


def test_a_skip_fails_and_says_why(folder):
    output = run_pytest(folder, no_skips="1")
    assert "1 failed, 1 passed, 1 xfailed, 4 errors" in output
    for reason in ("for later", "no server", "no file", "no browser", "no_module"):
        assert reason in output
    assert "OPENSTOQ_TEST_NO_SKIPS is set, so nothing may be skipped." in output


def test_elsewhere_it_stays_a_skip(folder):
    assert "1 passed, 5 skipped, 1 xfailed" in run_pytest(folder, no_skips="")
