"""The README's Python does what it says, in the words that stand there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.patience import PATIENCE

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def examples(tmp_path):
    text = README.read_text(encoding="utf-8")
    files = dict(BLOCK.findall(text))
    assert len(files) == text.count("```python")
    for name, code in files.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_every_example_of_the_readme_passes(examples):
    played = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(examples)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert played.returncode == 0, played.stdout
    assert "11 passed" in played.stdout
