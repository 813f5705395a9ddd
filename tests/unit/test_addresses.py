"""Clients are counted by address, however it is written."""

import pytest

from openstoq.kernel.addresses import client_of


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2002:c000:207::1", "192.0.2.7"),
        ("no address", "no address"),
    ],
)
def test_a_client_is_what_one_subscriber_has(address, site):
    assert client_of(address) == site
