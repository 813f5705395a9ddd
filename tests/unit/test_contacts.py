"""An address is one and the same at the door, in a header and on the relay's wire."""

import pytest

from openstoq.kernel.contacts import email_address, with_ascii_domain
from openstoq.messaging.email.envelope import Undeliverable, ascii_domain
from openstoq.messaging.mime import mailbox
from openstoq.messaging.port import Outcome


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("ada@example.com", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        # IDNA 2003, which Python's codec speaks, would send it to strasse.de: somebody else.
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
    ],
)
def test_a_domain_is_translated_in_one_way(address, sent):
    assert email_address(address) == with_ascii_domain(address) == mailbox(address) == sent
    assert ascii_domain(address, fault=Outcome.REFUSED) == sent


def test_a_name_above_ascii_stays_as_it_is():
    assert with_ascii_domain("jörg@straße.de") == "jörg@xn--strae-oqa.de"
    # A header that is not ASCII anyway shows the domain as it was written.
    assert mailbox("jörg@straße.de") == "jörg@straße.de"


@pytest.mark.parametrize("address", ["ada", "a b@example.com", "ada@exa mple.com", "<a@b.c>", ""])
def test_what_is_no_address_is_a_sentence(address):
    for form in (with_ascii_domain, mailbox):
        with pytest.raises(ValueError, match="correct it"):
            form(address)
    with pytest.raises(Undeliverable, match="correct it"):
        ascii_domain(address, fault=Outcome.REFUSED)
