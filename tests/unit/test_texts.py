"""Free text, locales and countries in the form in which they are kept."""

import pytest

from openstoq.kernel import texts
from openstoq.kernel.places import country_code, locale_tag, readable
from openstoq.messaging.compose import babel_locale

CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F),
            *range(0x2066, 0x206A), 0xD800, 0xDFFF]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("zh-Hant ", "zh-Hant"),
        ("sr-Latn ", "sr-Latn"),
        ("en-001 ", "en-001"),
        ("\tde\n", "de"),
        ("sr_Latn", "sr-Latn"),
        ("EN-us", "en-US"),
        ("ZH-hant-hk", "zh-HK"),
        ("zh-TW", "zh-TW"),
        ("zh-Hant-TW", "zh-TW"),
        ("zh_Hans_CN", "zh-CN"),
        ("zh-Hans-HK", "zh-Hans-HK"),
        ("zh-Hans", "zh"),
        ("sr-Cyrl-RS", "sr-RS"),
        ("sr-Latn-RS", "sr-Latn-RS"),
        ("de-Latn-DE", "de-DE"),
        ("iw", "he"),
        ("iw_IL", "he-IL"),
        ("in", "id"),
        ("tl-PH", "fil-PH"),
        ("sh", "sr-Latn"),
        ("sh-Cyrl", "sr-Latn"),
        ("mo", "ro"),
        ("no-NO", "no"),
        ("de_DE.UTF-8", "de-DE"),
        ("fr_FR@euro", "fr-FR"),
        ("de-u-co-phonebk", "de"),
        ("ca-valencia", "ca"),
        ("en-XQ", "en"),
        ("es-419", "es-419"),
    ],
)
def test_a_locale_has_blocks_as_its_tag(given, kept):
    assert locale_tag(given) == kept
    assert babel_locale(kept).language == kept.partition("-")[0]


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("zh-TW", ("zh-TW", "zh-Hant", "zh")),
        ("zh-Hant-HK", ("zh-HK", "zh-Hant", "zh")),
        ("zh-SG", ("zh-SG", "zh")),
        ("sr-RS", ("sr-RS", "sr")),
        ("sr-Latn-RS", ("sr-Latn-RS", "sr-Latn", "sr")),
        ("sr-ME", ("sr-ME", "sr-Latn", "sr")),
        ("fr-CA", ("fr-CA", "fr")),
        ("iw", ("he",)),
        ("pt", ("pt",)),
        ("xx", ()),
        ("", ()),
    ],
)
def test_who_asks_for_a_locale_reads_its_script_and_its_language(asked, read):
    assert readable(asked) == read


@pytest.mark.parametrize(
    "given",
    ["", " ", "und", "root", "xx", "d", "german", "de de", "../../etc/passwd", "de/../fr", "\x00",
     "d\ue000", "ｄｅ", "ıt", "-de", "x" * 255, "-" * 255, "C"],
)  # fmt: skip
def test_a_locale_that_is_none_is_none(given):
    assert locale_tag(given) is None


def test_a_country_is_one_of_the_list():
    assert [country_code(given) for given in ("de", " US ", "xk", "AQ")] == ["DE", "US", "XK", "AQ"]
    assert [country_code(given) for given in ("uk", "El ")] == ["GB", "GR"]
    for given in ("AN", "", "D", "ZZ", "EU", "XA", "QQ", "USA", "ß", "１２", "d\x00", "001"):
        assert country_code(given) is None, given


@pytest.mark.parametrize("control", CONTROLS, ids=hex)
def test_a_control_character_is_on_no_line(control):
    for given in (f"a{chr(control)}b", f"a{chr(control)}", chr(control)):
        with pytest.raises(ValueError, match="must be one line"):
            texts.line(given)


@pytest.mark.parametrize("control", [*{*range(0x20)} - {9, 10, 13}, *range(0x7F, 0xA0), 0xD800])
def test_text_of_several_lines_has_line_breaks_and_no_other_controls(control):
    assert texts.text("a\tb\r\nc") == "a\tb\r\nc"
    with pytest.raises(ValueError, match="must not contain control characters"):
        texts.text(f"a{chr(control)}b")
    assert texts.cleaned(f"a{chr(control)}b\n") == "ab\n"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Jose\u0301", "Jos\u00e9"),
        ("Ada\u00a0\u2003Lovelace", "Ada Lovelace"),
        ("\ufeffA\u200bd\u00ada\u2060", "Ada"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("\u200b", ""),
    ],
)
def test_a_line_is_composed_and_its_spaces_collapsed(given, kept):
    assert texts.line(given) == kept
