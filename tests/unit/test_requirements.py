"""An operator's installation has no sandbox shop, and the demo's has all that the shop needs."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
SANDBOX = ROOT / "packages" / "shopify-sandbox" / "pyproject.toml"


def listed(name: str) -> set[str]:
    lines = (REQUIREMENTS / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-"))}


def pinned(name: str) -> dict[str, str]:
    lines = (REQUIREMENTS / name).read_text().splitlines()
    return dict(line.split(" ")[0].split("==") for line in lines if "==" in line)


def test_the_demo_installs_what_the_sandbox_shop_needs_and_nothing_else():
    needed = set(tomllib.loads(SANDBOX.read_text())["project"]["dependencies"])
    assert listed("demo.in") == needed - listed("runtime.in")
    assert listed("demo.in") <= pinned("demo.txt").keys()


def test_an_operator_installs_nothing_of_the_sandbox_shop():
    assert not listed("demo.in") & pinned("runtime.txt").keys()


def test_what_is_pinned_twice_is_pinned_alike():
    runtime, demo, dev = (pinned(f"{name}.txt") for name in ("runtime", "demo", "dev"))
    assert demo.items() <= dev.items()
    assert runtime.items() <= dev.items()


def test_an_installation_brings_the_zones_that_its_shops_are_in():
    # Slim images have no zone files, and every shop would be in UTC there.
    assert "tzdata" in listed("runtime.in")


def test_what_an_operator_installs_is_pinned():
    assert {line.partition("[")[0] for line in listed("runtime.in")} <= pinned("runtime.txt").keys()
