"""The documents' blocks, pasted into a shell one after the other, do what the pages say."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from openstoq.db import embedded
from openstoq.db.embedded.binaries import account_for, find_binaries
from tests.e2e.demos import five_free_ports
from tests.e2e.pages import BY_HAND, ROOT, Shell, blocks_of, ports_of

# Pages of which all that is for a shell is tried below, in an order in which a reader goes.
WALKS = {
    "README and quickstart": ["README.md", "docs/quickstart.md"],
    "quickstart alone": ["docs/quickstart.md"],
    "operations": ["docs/operations.md"],
    "real shop": ["docs/real-shop.md"],
    "sandbox": ["packages/shopify-sandbox/README.md", "packages/shopify-sandbox/docs/reference.md"],
}
PAGES = sorted({page for pages in WALKS.values() for page in pages})

OpenShell = Callable[..., Shell]


@pytest.fixture
def open_shell(tmp_path: Path) -> Iterator[OpenShell]:
    """Open shells in fresh folders, and end them with all that they started."""
    shells: list[Shell] = []

    def open_one(*programs: Path, **environment: str) -> Shell:
        folder = tmp_path / f"checkout-{len(shells)}"
        folder.mkdir()
        shells.append(Shell(folder, five_free_ports(), programs, environment))
        return shells[-1]

    yield open_one
    for shell in shells:
        shell.close()


def _walk(shell: Shell, walk: str) -> None:
    """Paste the blocks of all pages of a walk."""
    for page in WALKS[walk]:
        ports: dict[str, str] = {}
        for port in ports_of(page):
            first = five_free_ports()
            ports |= {str(int(port) + more): str(first + more) for more in range(5)}
        ran = 0
        for block in blocks_of(page):
            if block.by_hand is None:
                shell.paste(block, ports)
                ran += 1
        assert ran > 0, page


@pytest.mark.parametrize("walk", ["README and quickstart", "quickstart alone"])
def test_a_newcomer_pastes_the_pages_from_the_first_block_to_the_last(
    open_shell: OpenShell, walk: str
):
    _walk(open_shell(), walk)


def test_the_sandboxs_pages_run_from_the_first_block_to_the_last(open_shell: OpenShell):
    _walk(open_shell(), "sandbox")


def test_an_operator_backs_up_restores_and_lists_dead_letters(
    open_shell: OpenShell, database_url: str, tmp_path: Path
):
    folder = tmp_path / "new-server"
    programs = find_binaries(account_for(folder)).folder
    with embedded.start(folder) as server:
        new_server = server.url.rpartition("/")[0]
        shell = open_shell(
            programs,
            OWNER_URL=database_url,
            OPENSTOQ_DATABASE_URL=database_url,
            NEW_SERVER=new_server,
        )
        _walk(shell, "operations")


def test_an_installation_is_started_as_the_guide_says(open_shell: OpenShell):
    port = str(five_free_ports())
    shell = open_shell(
        OPENSTOQ_SECURITY_KEY="a key of the tests, long enough to be one",
        OPENSTOQ_SHOPIFY_CLIENT_SECRET="a secret of the tests",
        OPENSTOQ_HTTP_PORT=port,
        OPENSTOQ_HTTP_PUBLIC_URL=f"http://127.0.0.1:{port}",
        OPENSTOQ_MAIL_SENDER="alerts@openstoq.example",
    )
    _walk(shell, "real shop")


def test_every_page_with_a_block_for_a_shell_is_walked():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/**/*.md")]
    with_blocks = [
        str(page.relative_to(ROOT)) for page in pages if blocks_of(str(page.relative_to(ROOT)))
    ]
    # Of these nothing can be run.
    by_hand = {"docs/moving.md", "docs/releasing.md"}
    assert sorted({*with_blocks} - by_hand) == PAGES
    assert all(block.by_hand is not None for page in by_hand for block in blocks_of(page))


def test_no_block_is_pasted_with_a_prompt_or_escapes_the_tests():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/**/*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert (
            re.findall(r"^ *```(?:bash|shell|console|zsh|shell-session)$", text, re.MULTILINE) == []
        ), page
        for block in blocks_of(str(page.relative_to(ROOT))):
            assert re.findall(r"^\$ ", block.code, re.MULTILINE) == [], block.place
            # The mark is the first line, or it is a slip.
            assert len(re.findall("[Nn]ot run by", block.code)) == (block.by_hand is not None)
            assert block.by_hand is None or BY_HAND.match(block.code)


def test_a_block_that_goes_wrong_is_noticed(open_shell: OpenShell):
    shell = open_shell()
    block = blocks_of("README.md")[0]
    for code, outcome in [
        ("false", None),
        ("echo this", "that"),
        ("curl -s http://127.0.0.1:9/", None),
    ]:
        with pytest.raises(AssertionError):
            shell.paste(replace(block, code=code, outcome=outcome), {})
    shell.paste(replace(block, code="echo this and more", outcome="this …re"), {})
