"""E-mail addresses and phone numbers, normalised to the form in which we store and compare them."""

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

_GMAIL = ("gmail.com", "googlemail.com")
# A dot-atom and a domain; any character above ASCII may stand where a letter may.
_ATOM = r"[^\x00-\x20\x7f-\xa0\"(),.:;<>@\[\\\]\u2028\u2029\ud800-\udfff]+"
_DOMAIN = r"[^\x00-,/:-@\[-`{-\xa0\u2028\u2029\ud800-\udfff]+"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_DOMAIN}")


def email_address(text: str) -> str:
    """Return an address in lower case, with its domain in the ASCII form that DNS uses.

    Raises ValueError with the reason if the address is invalid.
    """
    checked = _checked(text)
    # The domain is encoded as IDNA 2008, so that a transport does not encode it differently.
    return f"{checked.local_part}@{checked.ascii_domain}".lower()


@lru_cache(maxsize=1000)
def with_ascii_domain(address: str) -> str:
    """Return an address as it is used in mails, with its domain in ASCII (IDNA 2008).

    The address is possibly unchecked: a sender is set by the operator, and a recipient may have
    been stored by an older version. Raises ValueError for anything but a single plain address.
    """
    if not _PLAIN.fullmatch(address):
        raise ValueError(f"{address!r} is not an e-mail address; correct it.")
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{_checked(address).ascii_domain}"
    except ValueError:
        raise ValueError(f"{domain!r} is not a domain name; correct the address.") from None


def mailbox_of(address: str) -> str:
    """Return the mailbox of an e-mail address, which is the same for all aliases of the mailbox.

    Use it for counting, not for sending. At nearly all providers a recipient may append any text
    after a +, and at Gmail also insert dots anywhere.
    """
    name, at, domain = address.lower().rpartition("@")
    name = name.partition("+")[0] or name
    if domain in _GMAIL:
        name, domain = name.replace(".", "") or name, _GMAIL[0]
    return name + at + domain


def email_forms(text: str | None) -> list[str]:
    """Return all forms in which an address may be stored, or only the text itself if it is invalid.

    We store an international domain in ASCII, as DNS does; Shopify stores it as the customer wrote
    it. The list is empty if there is no text.
    """
    given = (text or "").strip().lower()
    if not given:
        return []
    try:
        checked = _checked(given)
    except ValueError:
        return [given]
    domains = (checked.ascii_domain, checked.domain)
    written = (f"{checked.local_part}@{domain}".lower() for domain in domains)
    return list(dict.fromkeys((*written, given)))


def phone_number(text: str, country: str | None = None) -> str | None:
    """Return a phone number as E.164, or None if it is invalid.

    A number that starts with + or 00 is parsed as international, any other as a national number of
    `country` (two letters).
    """
    given = text.strip()
    if given.startswith("00"):
        given = f"+{given[2:]}"
    try:
        number = phonenumbers.parse(given, country.upper() if country else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _checked(text: str) -> ValidatedEmail:
    try:
        return validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
