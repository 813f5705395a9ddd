"""What the processes write to their logs at their most talkative: no key, token or contact."""

import json
from pathlib import Path

import httpx

from openstoq.back_in_stock.notifications.links import CONFIRM, UNSUBSCRIBE
from openstoq.shops.seal import Seal
from tests.e2e.plant import SECRET, Plant, Relay, signature
from tests.factories import catalogs
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE, until

CONTACT, PHONE, NAME = "ana.secret@example.com", "+4915112345678", "Ana Geheim"
SIGNUPS = "/api/v2/external/back_in_stock/signups"


async def test_no_log_has_a_key_a_token_or_a_contact(plant: Plant, tmp_path: Path):
    await plant.open_shop(signups=0)
    file = tmp_path / "log"
    with file.open("wb") as errors:
        await plant.start_api(errors=errors, OPENSTOQ_LOG_LEVEL="debug")
        relay = await plant.start_relay()
        worker = plant.start_worker(relay.port, errors=errors, OPENSTOQ_LOG_LEVEL="debug")
        async with patient_client(base_url=plant.address) as http:
            secrets = await everything(plant, http, relay)
        await until(lambda: b"request.failed" in file.read_bytes())
        worker.terminate()
        worker.wait(PATIENCE)
    log = file.read_text()
    assert [secret for secret in secrets if secret in log] == []
    paths = {line["path"] for line in map(json.loads, log.splitlines()) if "path" in line}
    assert {"/unsubscribe/…", "/confirm/…", "/…/…", f"{SIGNUPS}/…", SIGNUPS} <= paths


async def everything(plant: Plant, http: httpx.AsyncClient, relay: Relay) -> list[str]:
    """Do what carries secrets, rightly and by mistake; return them."""
    key = {"X-Auth-Token": plant.key}
    await http.patch(
        "/api/v2/external/back_in_stock/settings/compliance",
        json={"optin_required": True},
        headers=key,
    )
    form = {
        "intent": {
            "shopify_variant_id": catalogs.VARIANT,
            "shopify_product_id": catalogs.PRODUCT,
            "channel": "email",
        },
        "customer": {"email": CONTACT, "phone": PHONE, "name": NAME},
    }
    domain = {"X-Shopify-Shop-Domain": plant.shop.domain}
    assert (await http.post("/api/v1/intents.json", json=form, headers=domain)).is_success
    await relay.has_taken(1)
    (row,) = await plant.query("SELECT id FROM signups ORDER BY created_at DESC LIMIT 1")
    seal = Seal(plant._environment()["OPENSTOQ_SECURITY_KEY"])
    tokens = [seal.sign(name, plant.shop.id, row["id"]) for name in (CONFIRM, UNSUBSCRIBE)]
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        for secret in (*tokens, tokens[0][:30], plant.key, CONTACT, PHONE):
            for path in (f"/confirm/{secret}", f"/unsubscribe/{secret}", f"/{secret}/{secret}"):
                await http.request(method, path)
            await http.request(method, f"{SIGNUPS}/{secret}", headers=key)
            await http.request(method, f"/api/v1/intents/{secret}.json", headers=key)
            await http.request(method, f"{SIGNUPS}?key={secret}&email={secret}", headers=key)
            await http.request(method, SIGNUPS, headers={"X-Auth-Token": secret})
            call = {"name": "back_in_stock_signups_create", "arguments": {"email": [secret]}}
            await http.post(
                "/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
                headers=key,
            )
    body = json.dumps({"customer": {"email": CONTACT}}).encode()
    await plant.deliver(body, **{"X-Shopify-Topic": "customers/data_request"})
    # A bug of ours, of which PostgreSQL says with which row it met.
    await plant.query(f"ALTER TABLE customers ADD CHECK (email <> 'x{CONTACT}') NOT VALID")
    form["customer"]["email"] = f"x{CONTACT}"
    broken = await http.post("/api/v1/intents.json", json=form, headers=domain)
    assert broken.status_code == 500
    return [*tokens, plant.key, CONTACT, PHONE, NAME, SECRET, signature(body)]
