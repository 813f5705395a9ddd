"""The shops of one server: each with its state, its API and the requested faults."""

from shopify_sandbox import seed
from shopify_sandbox.admin.engine import AdminAPI
from shopify_sandbox.admin.throttle import Bucket
from shopify_sandbox.config import SandboxConfig
from shopify_sandbox.faults import FaultQueue
from shopify_sandbox.shop import Shop
from shopify_sandbox.webhooks.courier import Courier


class OpenShop:
    """A shop that is being served: its state, its API, and the requested faults."""

    def __init__(self, config: SandboxConfig, number: int, courier: Courier) -> None:
        self._config = config
        self._number = number
        self.courier = courier
        self.faults = FaultQueue()
        self.open()

    def reset(self) -> None:
        """Stop the shop's jobs, and open the shop anew, with the seeded catalogue."""
        self.shop.work.stop()
        self.open()

    def open(self) -> None:
        """Open the shop with the seeded catalogue, without faults, and with all GraphQL points."""
        config = self._config
        shop_config = config.shops[self._number]
        self.faults.clear()
        self.courier.forget(shop_config.domain)
        self.shop = Shop(
            shop_config,
            number=self._number + 1,
            url=config.shop_url(shop_config.domain),
            announce=self.courier.announce,
        )
        seed.fill(self.shop)
        self.bucket = Bucket(config.bucket_size, config.restore_rate)
        self.api = AdminAPI(self.shop, self.bucket, allow_http=config.allow_http)


class Sandbox:
    """All shops of one server, by domain, and the courier of their webhooks."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.courier = Courier(config)
        self.shops = {
            shop.domain: OpenShop(config, number, self.courier)
            for number, shop in enumerate(config.shops)
        }
