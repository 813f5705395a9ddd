"""The documents agree with the code and with each other."""

import re
from pathlib import Path

import pytest

from openstoq.commands.docs import pages
from openstoq.config import Settings, variable

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_pages_are_current(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name]


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
    assert named - known - {"OPENSTOQ_TEST_DATABASE_URL"} == set()
    assert known <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in folder.glob("*.md") if f"({page.name})" not in index]
    assert missing == ["README.md"]
