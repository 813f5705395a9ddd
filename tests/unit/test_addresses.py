"""Clients are counted by address, however it is written."""

import pytest
from pydantic import ValidationError

from openstoq.config import Http
from openstoq.kernel.addresses import client_of, plain


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


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::ffff:7f00:1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2002:7f00:1::", "2002:7f00:1::"),
        ("not one", "not one"),
        ("", ""),
    ],
)
def test_an_address_of_ipv4_is_plain(address, expected):
    assert plain(address) == expected


@pytest.mark.parametrize(
    "proxies", ["*", "127.0.0.1, *", "0.0.0.0/0", "::/0", "proxy.internal", "10.0.0.1/8", "10.0.0"]
)
def test_who_may_be_anybody_is_no_trusted_proxy(proxies):
    with pytest.raises(ValidationError, match="address"):
        Http(trusted_proxies=proxies)


def test_trusted_proxies_are_addresses_and_networks():
    named = " 127.0.0.1, ::ffff:10.0.0.1,10.1.0.0/16, fd00::/8 ,"
    assert Http(trusted_proxies=named).trusted_proxies == "127.0.0.1,10.0.0.1,10.1.0.0/16,fd00::/8"
    assert Http(trusted_proxies="").trusted_proxies == ""
