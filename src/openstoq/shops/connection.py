"""Connect to a shop's platform with its token, which is stored encrypted."""

from openstoq.commerce.port import AccessDenied, Commerce, ShopConnector, ShopCredentials
from openstoq.jobs.work import Runtime
from openstoq.shops.model import Shop
from openstoq.shops.seal import Seal


def connect(runtime: Runtime, shop: Shop) -> Commerce:
    """Return the shop's platform; raise AccessDenied if no token is stored."""
    if shop.sealed_access_token is None:
        raise AccessDenied(f"{shop.domain} has no access token: install the app there again")
    token = runtime.ports.get(Seal).open(shop.sealed_access_token)
    connector = runtime.ports.get(ShopConnector)
    return connector(ShopCredentials(shop.domain, token, shop.api_url))


def webhook_secrets(runtime: Runtime, shop: Shop | None) -> list[str]:
    """Return the secrets that may have signed a webhook of `shop`, the most likely first."""
    if shop is not None and shop.sealed_client_secret is not None:
        return [runtime.ports.get(Seal).open(shop.sealed_client_secret)]
    own = runtime.settings.shopify
    secrets = [own.client_secret, own.previous_client_secret]
    return [secret.get_secret_value() for secret in secrets if secret is not None]
