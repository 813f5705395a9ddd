"""What builds and publishes the package is pinned, and may do no more than it has to."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import openstoq
from openstoq.commands import app

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_what_builds_the_package_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z-]+)==\S+.* \\\n    --hash=sha256:", pins, re.MULTILINE)
    assert set(project["build-system"]["requires"]) | {"build"} <= set(pinned)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_a_workflow_has_no_permission_but_what_a_job_takes(workflow):
    text = workflow.read_text(encoding="utf-8")
    assert "\npermissions: {}\n" in text
    jobs = re.findall(r"^  [a-z]+:\n", text.partition("\njobs:\n")[2], re.MULTILINE)
    assert jobs
    assert text.count("\n    permissions:\n") == len(jobs)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_actions_are_pinned_by_commit(workflow):
    used = re.findall(r"uses: (?!\./)(.+)", workflow.read_text(encoding="utf-8"))
    assert used
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [action for action in used if not pinned.fullmatch(action)] == []


def test_one_job_alone_may_publish_and_it_runs_no_code_of_ours():
    text = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
    before, _, publish = text.partition("\n  publish:\n")
    assert "id-token: write" in publish
    assert "id-token" not in before
    assert "run:" not in publish
    assert "actions/checkout" not in publish


def test_the_command_prints_the_version():
    printed = CliRunner().invoke(app, ["--version"])
    assert (printed.exit_code, printed.stdout) == (0, f"openstoq {openstoq.__version__}\n")
