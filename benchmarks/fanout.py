"""Restock fan-out: from the webhook to the last mail at the relay, against a bare SMTP sender.

    python benchmarks/fanout.py --signups 100000 [--relay-delay-ms 20]

The bare sender sends the same messages, made beforehand, to the same sink, without a database, a
queue or marks. The ratio between the two is the cost of durability on this machine.
"""

import argparse
import json
import signal
import time
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import uvloop

from openstoq.kernel.ids import new_id
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import Delivery, Email, Outbox
from openstoq.messaging.render import AlertFacts, Recipient, prepare_alert
from stage import (
    Stage,
    cpu_seconds,
    fill,
    first_json,
    peak_memory_mb,
    restock,
    sink,
    stage,
    started,
    until_ready,
)

API_PORT = 18400
CONNECTIONS = 10


class Prebuilt(Outbox):
    """A source that repeats one message, which was made beforehand."""

    def __init__(self, number: int) -> None:
        facts = AlertFacts(
            shop_name="Benchmark",
            shop_url="https://benchmark.example",
            sender="alerts@benchmark.example",
            product_title="Alpine Snowboard",
            variant_title="158 cm",
            product_url="https://benchmark.example/products/alpine-snowboard?variant=1",
            image_url=None,
            price=Decimal(499),
            currency="USD",
            message_id_domain="benchmark.example",
        )
        one = Recipient(
            notification_id=UUID(int=1),
            written_at=datetime.now(UTC),
            address="shopper@example.com",
            name="Shopper",
            unsubscribe_url="https://benchmark.example/unsubscribe/token",
        )
        self.left, self.content = number, prepare_alert(facts, "en").personal(one)

    async def next(self) -> Email | None:
        """Give the next message."""
        return self.next_nowait()

    def next_nowait(self) -> Email | None:
        """Give the next message."""
        if self.left == 0:
            return None
        self.left -= 1
        return Email(new_id(), "alerts@benchmark.example", "shopper@example.com", self.content)

    def settle(self, email: Email, delivery: Delivery) -> None:
        """Record nothing, because the bare sender has no marks."""


def bare_sender(messages: int, relay_delay_ms: float) -> float:
    """Return messages per second of a sender without a database."""
    process, port = sink("--delay-ms", str(relay_delay_ms))
    settings = SMTPSettings(host="127.0.0.1", port=port, security="none", connections=CONNECTIONS)

    async def send() -> float:
        transport = SMTPTransport(settings)
        began = time.perf_counter()
        await transport.send(Prebuilt(messages))
        elapsed = time.perf_counter() - began
        await transport.aclose()
        return elapsed

    elapsed = uvloop.run(send())
    process.terminate()
    process.wait()
    return messages / elapsed


def fanout(made: Stage, signups: int, relay_delay_ms: float) -> dict[str, float]:
    """Play one restock and return its measurements."""
    log = made.folder / "taken.txt"
    relay, port = sink("--delay-ms", str(relay_delay_ms), "--log", str(log))
    environment = made.environment(
        OPENSTOQ_MAIL_PORT=str(port),
        OPENSTOQ_MAIL_CONNECTIONS=str(CONNECTIONS),
        OPENSTOQ_HTTP_PORT=str(API_PORT),
    )
    address = f"http://127.0.0.1:{API_PORT}"
    api = started(["-m", "openstoq", "serve"], environment)
    worker = started(["-m", "openstoq", "worker"], environment)
    until_ready(address)
    before = cpu_seconds(worker.pid), cpu_seconds(made.postgres_pid)
    sent_at = restock(address, signups)
    counted = {"messages": 0.0}
    while counted["messages"] < signups:
        time.sleep(0.1)
        relay.send_signal(signal.SIGUSR1)
        counted = first_json(relay)
    memory = peak_memory_mb(worker)
    after = cpu_seconds(worker.pid), cpu_seconds(made.postgres_pid)
    ours, postgres = (
        1e6 * (later - earlier) / signups for earlier, later in zip(before, after, strict=True)
    )
    for process in (worker, api, relay):
        process.terminate()
        process.wait()
    distinct = len(set(log.read_bytes().split()))
    seconds = counted["last_at"] - sent_at
    return {
        "signups": signups,
        "first_mail_s": round(counted["first_at"] - sent_at, 3),
        "last_mail_s": round(seconds, 2),
        "mails_per_s": round(signups / seconds),
        "repeats": int(counted["messages"]) - distinct,
        "worker_peak_mb": round(memory),
        "worker_cpu_us_per_mail": round(ours),
        "postgres_cpu_us_per_mail": round(postgres),
    }


def main() -> None:
    """Print one JSON object: both rates and their ratio, from this one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signups", type=int, default=100_000)
    parser.add_argument("--relay-delay-ms", type=float, default=0)
    given = parser.parse_args()
    bare_messages = min(given.signups, 2_000 if given.relay_delay_ms else 20_000)
    with stage() as made:
        fill(made, given.signups)
        ceiling = bare_sender(bare_messages, given.relay_delay_ms)
        result = fanout(made, given.signups, given.relay_delay_ms)
    result["bare_sender_per_s"] = round(ceiling)
    result["ratio_to_bare_sender"] = round(result["mails_per_s"] / ceiling, 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
