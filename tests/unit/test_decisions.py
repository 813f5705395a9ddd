"""The decisions are numbered, dated, laid out alike, and all in their index."""

import re
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
TEMPLATE = FOLDER / "0000-template.md"
DECISIONS = sorted(set(FOLDER.glob("*.md")) - {FOLDER / "README.md", TEMPLATE})

HEAD = re.compile(
    r"# (?P<number>\d{4}): (?P<title>.+)\n\n- Date: (?P<date>.+)\n- Status: (?P<status>.+)\n\n"
)
STATUS = re.compile(r"accepted|superseded by \[(?P<number>\d{4})\]\((?P<successor>[^)]+)\)")
LAYOUT = ["Context", "Decision", "Consequences", "Alternatives"]


def test_numbers_have_no_gap():
    assert [page.name[:5] for page in DECISIONS] == [
        f"{number:04d}-" for number in range(1, len(DECISIONS) + 1)
    ]
    assert len(DECISIONS) >= 24


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_number_date_and_status(page):
    head = _head(page)
    assert head["number"] == page.name[:4]
    assert date.fromisoformat(head["date"]) >= date(2026, 11, 21)
    status = STATUS.fullmatch(head["status"])
    assert status
    if status["successor"]:
        assert (FOLDER / status["successor"]).exists()
        assert status["successor"].startswith(status["number"])
        assert int(status["number"]) > int(head["number"])


@pytest.mark.parametrize("page", [TEMPLATE, *DECISIONS], ids=lambda page: page.stem)
def test_a_decision_has_the_same_parts_as_all(page):
    assert re.findall(r"^#+ (.+)", page.read_text(encoding="utf-8"), re.MULTILINE)[1:] == LAYOUT


def test_decisions_are_in_the_order_of_their_dates():
    dates = [_head(page)["date"] for page in DECISIONS]
    assert dates == sorted(dates)


def test_the_index_has_a_row_for_each():
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [line for line in index.splitlines() if re.match(r"\| \d", line)]
    heads = [(page, _head(page)) for page in DECISIONS]
    assert rows == [
        f"| {head['number']} | [{head['title']}]({page.name}) | {head['date']} | {head['status']} |"
        for page, head in heads
    ]


def _head(page):
    head = HEAD.match(page.read_text(encoding="utf-8"))
    assert head, f"{page.name} does not start as the template does"
    return head
