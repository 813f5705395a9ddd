"""Whether a client has a document already, by the tags that it sends."""

import pytest

from openstoq.web.static import is_known

TAG = 'W/"abc"'


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ('W/"abc"', True),
        ('"abc"', True),
        ('"x", W/"abc"', True),
        ('"a,b" , "abc"', True),
        ("*", True),
        ("", False),
        ('W/"abcd"', False),
        ('"x W/abc"', False),
        ("abc", False),
        ('"*"', False),
    ],
)
def test_a_tag_is_compared_as_a_whole(known, expected):
    assert is_known(TAG, known) is expected
