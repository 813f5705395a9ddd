"""Cells that a spreadsheet must not run: guarded on the way out, and as they were on the way in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.kernel.cells import guarded, unguarded


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+4915112345678", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "'=1", "''@x", "＝1+1"],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    "text", ["", "Ada", "O'Hara", "'tis", "'", "''", "a=1", "ada+x@example.com"]
)
def test_other_texts_stay(text):
    assert guarded(text) == text == unguarded(text)


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\nab＝")))
def test_each_text_comes_back(text):
    assert unguarded(guarded(text)) == text
