"""openstoq: self-hosted preorders and back-in-stock alerts for Shopify shops."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("openstoq")
except PackageNotFoundError:  # `make setup` installs no package: the checkout runs from src.
    __version__ = "0.0.0.dev0"
