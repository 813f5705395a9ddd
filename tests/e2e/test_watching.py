"""What a worker says of itself."""

from tests.e2e.plant import Plant, reserved_port
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE, until


async def test_a_worker_serves_what_it_counted(plant: Plant):
    await plant.open_shop(signups=3)
    await plant.start_api()
    relay = await plant.start_relay()
    with reserved_port() as held:
        port = held.getsockname()[1]
        worker = plant.start_worker(relay.port, OPENSTOQ_WORKER_METRICS_PORT=str(port))
        await plant.stock_becomes(10)
        await plant.all_told(3)
        async with patient_client(base_url=f"http://127.0.0.1:{port}") as http:

            async def ended() -> bool:
                said = (await http.get("/metrics")).text
                done = 'openstoq_jobs_total{job="back_in_stock.notifications.send_wave",outcome="done"}'
                return f"{done} 1.0" in said

            await until(ended)
            said = (await http.get("/metrics")).text
            assert 'openstoq_messages_total{channel="email",outcome="accepted"} 3.0' in said
            assert (await http.get("/healthz")).json() == {"status": "ok"}
            assert (await http.get("/readyz")).json()["status"] == "ready"
            # A scraper's open connection keeps no worker from ending.
            worker.terminate()
            assert worker.wait(PATIENCE) == 0


async def test_two_workers_cannot_share_a_port(plant: Plant):
    with reserved_port() as held:
        held.listen()
        port = held.getsockname()[1]
        second = plant.start_worker(1, OPENSTOQ_WORKER_METRICS_PORT=str(port))
        assert second.wait(PATIENCE) == 1
