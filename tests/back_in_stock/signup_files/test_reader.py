"""Files as they come: encodings, separators, broken quotes, and what is no CSV at all."""

from io import BytesIO, RawIOBase

import pytest

from openstoq.back_in_stock.signup_files.columns import COLUMNS, recognise
from openstoq.back_in_stock.signup_files.model import MOST_NAMED, FileFault, Problems
from openstoq.back_in_stock.signup_files.reader import LONGEST_LINE, CsvFile
from tests.back_in_stock.signup_files.files import file_of

HEADER = "variant_id,contact,name"
ROW = "11,zoë@example.com,Zoë"


def read(content, *, encoding=None):
    problems = Problems()
    file = CsvFile(BytesIO(content), encoding=encoding)
    found = [(line, file.columns.cells(row)) for line, row in file.rows(problems)]
    return found, [(one.line, one.error) for one in problems.named]


EXPECTED = [(2, {"variant_id": "11", "contact": "zoë@example.com", "name": "Zoë"})]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_known_by_their_bytes(encoding, ending):
    content = file_of(HEADER, ROW, ending=ending).decode().encode(encoding)
    assert read(content) == (EXPECTED, [])


def test_utf_16_with_big_endian_mark():
    content = "\ufeff".encode("utf-16-be") + file_of(HEADER, ROW).decode().encode("utf-16-be")
    assert read(content) == (EXPECTED, [])


def test_latin_1_is_refused_by_its_line_and_read_when_named():
    content = file_of(HEADER, "11,ada@example.com,Ada", ROW).decode().encode("latin-1")
    with pytest.raises(FileFault, match=r"line 3 is not UTF-8.*windows-1252"):
        read(content)
    assert read(content, encoding="windows-1252")[0][1][1]["name"] == "Zoë"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separators_are_found(separator):
    content = file_of(HEADER.replace(",", separator), ROW.replace(",", separator))
    assert read(content) == (EXPECTED, [])


def test_excels_line_about_the_separator_is_read():
    content = file_of("sep=;", HEADER.replace(",", ";"), ROW.replace(",", ";"))
    ((line, cells),), problems = read(content)
    assert (line, cells["variant_id"], problems) == (3, "11", [])


def test_empty_lines_are_skipped_and_counted_as_lines():
    content = file_of("", HEADER, "", ",,", "  ", ROW)
    assert [line for line, _ in read(content)[0]] == [6]


def test_a_cell_may_have_line_breaks_quotes_and_commas():
    content = file_of(HEADER, '11,ada@example.com,"Ada\n""the, Countess"""', ROW)
    found, problems = read(content)
    assert [line for line, _ in found] == [2, 4]
    assert found[0][1]["name"] == 'Ada\n"the, Countess"'
    assert problems == []


def test_broken_quotes_are_problems_of_their_line():
    found, problems = read(file_of(HEADER, '11,"ada"@example.com,Ada', ROW))
    assert [line for line, _ in found] == [3]
    ((line, sentence),) = problems
    assert line == 2
    assert "quotation mark" in sentence


def test_a_quote_that_is_never_closed_is_a_problem():
    found, ((line, sentence),) = read(file_of(HEADER, '11,"ada@example.com,Ada', ROW))
    assert (found, line) == ([], 2)
    assert "never closed" in sentence


def test_a_quote_that_is_never_closed_in_a_long_file_is_a_problem():
    rows = [f"11,ada{n}@example.com,Ada" for n in range(20_000)]
    found, problems = read(file_of(HEADER, '11,"ada@example.com,Ada', *rows))
    assert problems[0][0] == 2
    assert len(found) > 10_000


def test_a_row_of_many_lines_is_bounded():
    cells = ",".join('"a\n"' for _ in range(200_000))
    with pytest.raises(FileFault, match="never closed"):
        read(file_of(HEADER, cells))


def test_a_row_with_other_than_the_header_s_cells_is_a_problem():
    _, problems = read(file_of(HEADER, "11,ada@example.com", "11,a@b.com,Ada,Lovelace"))
    assert [line for line, _ in problems] == [2, 3]
    assert "2 of 3 cells; is the file cut off" in problems[0][1]
    assert "4 cells" in problems[1][1]


def test_a_hundred_columns_are_read():
    others = ",".join(f"column {n}" for n in range(97))
    found, problems = read(file_of(f"{HEADER},{others}", ROW + "," * 97))
    assert (found, problems) == (EXPECTED, [])


def test_a_file_that_is_cut_in_a_letter_is_refused():
    with pytest.raises(FileFault, match=r"line 2 .*cut off"):
        read(file_of(HEADER, ROW)[:-2])


class Endless(RawIOBase):
    """A file of 2 GB without a line break, which notes how much of it was read."""

    def __init__(self):
        self.head = BytesIO(file_of(HEADER) + b"11,")
        self.given = 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert 0 < size <= 1_000_000
        part = self.head.read(size) or b"a" * min(size, 2 * 1024**3 - self.given)
        self.given += len(part)
        return part


def test_a_line_of_2_gb_is_refused_after_a_small_part_of_it():
    source = Endless()
    problems = Problems()
    file = CsvFile(source)
    with pytest.raises(FileFault, match=f"line 2 has more than {LONGEST_LINE} characters"):
        list(file.rows(problems))
    assert source.given < 1_000_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\n\n , ,\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"PK\x03\x04" + b"\x00" * 100, "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x00\xff\xfe" * 50, "is not"),
        (b"a" * 200_000, "more than"),
        (b"<html><body>Sign in</body></html>\n", "no column says which variant"),
        (b"name,contact\nAda,ada@example.com\n", "no column says which variant"),
        (b"variant_id,name\n11,Ada\n", "no column says whom to notify"),
        (
            b"variant_id,Email,E-mail address\n",
            r"2 \('Email'\) and 3 \('E-mail address'\) mean the",
        ),
        (b"sku,SKU,email\n", r"1 \('sku'\) and 2 \('SKU'\) mean the same"),
    ],
)
def test_what_cannot_be_imported_says_why(content, sentence):
    with pytest.raises(FileFault, match=sentence):
        read(content)


def test_our_own_columns_are_read():
    assert list(recognise(COLUMNS).places) == list(COLUMNS)


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        # Back in Stock, as the help of another app lists its export.
        (
            ["Email", "ProductId", "VariantId", "Product Title", "Variant Title", "Subscribed At",
             "Last Message Sent At"],
            ["email", "product_id", "variant_id", "signed_up_at", "notified_at"],
        ),
        # Restock Supporter, of Netyear.
        (
            ["ProductID", "VariationID", "type", "email", "code", "tel"],
            ["product_id", "variant_id", "channel", "email", "calling_code", "phone"],
        ),
        # SHOPLINE's list of subscribers, to which somebody added the SKU.
        (
            ["Customer email", "Email subscription", "Subscribed products", "SKU"],
            ["email", "accepts_marketing", "sku"],
        ),
        # The fields of a signup in API v2 and v1.
        (
            ["shopify_variant_id", "shopify_product_id", "channel", "contact", "quantity", "status",
             "last_notified_at", "created_at"],
            ["variant_id", "product_id", "channel", "contact", "quantity", "status", "notified_at",
             "signed_up_at"],
        ),
        (
            ["sku", "contact", "opt-in confirmed", "accepts marketing", "language", "date",
             "quantity"],
            ["sku", "contact", "optin_confirmed", "accepts_marketing", "language", "signed_up_at",
             "quantity"],
        ),
    ],
)  # fmt: skip
def test_columns_of_other_apps_are_known(headers, fields):
    assert list(recognise(headers).places) == fields


def test_only_the_first_problems_are_named():
    problems = Problems()
    for line in range(1000, 0, -1):
        problems.add(line, "wrong")
    assert [one.line for one in problems.named] == list(range(1, MOST_NAMED + 1))
    assert problems.sentences[-1] == f"and {1000 - MOST_NAMED} more"
