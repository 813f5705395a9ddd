"""The sandbox as a process of its own."""

import json
import os
import signal
import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from sandbox.patience import PATIENCE
from shopify_sandbox.__main__ import Server


@pytest.fixture
def process():
    command = [sys.executable, "-m", "shopify_sandbox", "--allow-http"]
    environment = os.environ | {"SANDBOX_ACCESS_TOKEN": "t0"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield process
        process.kill()


def test_it_says_where_it_is_serves_and_stops_on_sigterm(process):
    with ThreadPoolExecutor(1) as reading:
        where = json.loads(reading.submit(process.stdout.readline).result(PATIENCE))
    domain = where["shops"][0]
    answer = httpx.post(
        f"{where['sandbox']}/shops/{domain}/admin/api/2026-07/graphql.json",
        json={"query": "{ shop { myshopifyDomain } }"},
        headers={"X-Shopify-Access-Token": "t0"},
        trust_env=False,
        timeout=PATIENCE,
    )
    assert answer.json()["data"] == {"shop": {"myshopifyDomain": domain}}
    host, port = where["smtp"].rsplit(":", 1)
    with smtplib.SMTP(host, int(port), timeout=PATIENCE) as smtp:
        smtp.sendmail("a@example.com", ["b@example.com"], "Subject: hello\n\nyou\n")
    messages = httpx.get(f"{where['mail']}/messages", trust_env=False, timeout=PATIENCE).json()
    assert [each["subject"] for each in messages] == ["hello"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_the_server_keeps_a_connection_for_longer_than_clients_do():
    assert Server(Starlette()).config.timeout_keep_alive > httpx.Limits().keepalive_expiry
