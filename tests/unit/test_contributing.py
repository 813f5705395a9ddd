"""CONTRIBUTING's tables agree with the Makefile and with the marks of tests."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_target_of_the_makefile_has_a_row():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    assert targets >= {"setup", "test", "check"}
    assert set(re.findall(r"^\| `make ([a-z-]+)` \|", PAGE, re.MULTILINE)) == targets


def test_every_mark_has_a_row_and_says_what_it_is_declared_to_say():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = dict(
        marker.split(": ") for marker in project["tool"]["pytest"]["ini_options"]["markers"]
    )
    rows = dict(re.findall(r"^\| `([a-z0-9]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows == declared


def test_every_mark_is_a_job_of_the_workflow():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    marks = re.findall(r"^\| `([a-z0-9]+)` \|", PAGE, re.MULTILINE)
    assert f"cost: [{', '.join(marks)}]" in workflow
