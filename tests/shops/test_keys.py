"""The status of an API key, as `openstoq shop keys` prints it."""

from datetime import timedelta

import pytest

from openstoq.kernel.ids import new_id
from openstoq.shops.keys import ApiKey
from tests.factories.records import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "status"),
    [
        (None, None, "live"),
        (NOON + MINUTE, None, "live"),
        (NOON, None, "expired"),
        (NOON - MINUTE, None, "expired"),
        (NOON - MINUTE, NOON - MINUTE, "revoked"),
        (None, NOON, "revoked"),
    ],
)
def test_a_key_that_no_longer_works_is_not_live(expires_at, revoked_at, status):
    key = ApiKey(
        id=new_id(),
        name="key",
        hint="abcd",
        created_at=NOON,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    assert key.status(NOON) == status
