"""The documents agree with the code and with each other."""

import re
from pathlib import Path

import pytest
import typer
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from openstoq.commands import app
from openstoq.commands.docs import pages
from openstoq.config import Settings, variable
from openstoq.kernel import metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/**/*.md")])


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_pages_are_current(name):
    assert (ROOT / name).read_text(encoding="utf-8") == pages()[name]


def test_every_setting_that_a_page_names_exists():
    known = {
        variable(group, name)
        for group, field in Settings.model_fields.items()
        for name in field.annotation.model_fields
    }
    named = {
        setting
        for page in PAGES
        for setting in re.findall(r"OPENSTOQ_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8"))
    }
    assert named - known - {"OPENSTOQ_TEST_DATABASE_URL", "OPENSTOQ_TEST_NO_SKIPS"} == set()
    assert known <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_that_a_page_names_exists():
    command = typer.main.get_command(app)
    known = set(command.commands) | {
        f"shop {name}" for name in command.commands["shop"].command.commands
    }
    named = {
        name
        for page in PAGES
        for name in re.findall(
            r"(?:[`/ ]|^)openstoq ((?:shop )?[a-z]+)(?=[ `]|$)",
            "\n".join(_code(page.read_text(encoding="utf-8"))),
            re.MULTILINE,
        )
    }
    assert {"serve", "shop add"} <= named
    assert named - known == set()


def test_every_make_target_that_a_page_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for code in _code(page.read_text(encoding="utf-8"))
        for target in re.findall(r"^(?:\$ )?make ([a-z]+)", code, re.MULTILINE)
    }
    assert {"demo", "test"} <= named
    assert named - known == set()


def test_every_metric_is_explained():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = [
        metric.describe()[0].name + ("_total" if isinstance(metric, Counter) else "")
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
    ]
    assert names
    assert [name for name in names if f"`{name}`" not in page] == []


def _code(text):
    """Return what stands in backticks, in lines of their own or within a sentence."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", text)]


def test_every_rule_that_a_page_names_exists():
    rules = "".join(
        path.read_text(encoding="utf-8") for path in ROOT.glob("src/openstoq/**/rules.py")
    )
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`rules\.([a-z_]+)`", page.read_text(encoding="utf-8"))
        if name != "py"
    }
    assert named
    assert named <= set(re.findall(r"^def ([a-z_]+)", rules, re.MULTILINE))
