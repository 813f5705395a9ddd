"""Names in mails: shown as names, or not at all."""

import pytest

from openstoq.messaging.notices import LONGEST_NAME, presentable

NAMES = [
    "Ada", "O'Neil", "O’Neil", "Jean-Luc", "J. R. Smith", "J.R. Smith", "J.R.R. Tolkien", "Dr. Müller",
    "María José", "山田 太郎", "マリア・ガルシア", "محمد", "محمد بن سلمان", "می‌خواهم", "Anne-Marie St. John",
    "Jean-P. Martin", "J.-P. Belmondo", "Martin Luther King, Jr.", "Sammy Davis Jr.", "Dr. med. Weiß",
    "D'Angelo", "Nguyễn Văn An", "Łukasz Żółć", "Σωκράτης", "Иван Иванович", "ชัยวัฒน์", "प्रिया शर्मा",
    "Gal·la", "Ana & Ben", "Robert (Bob) Smith", "Björk Guðmundsdóttir", "X Æ", "Mary Ann", "김 철수",
    "Jose\u0301", "Prof. Dr. Ana de la Cruz", "Y", "Renée-Claire d’Arc", "Mr.Smith",
    "Dr.med.Huber", "Dr. med. dent. Huber", "Prof.Dr.Weiß", "St.John", "Mrs.O'Neil", "Dr. de Vries", "A. B. C. D. Smith",
    "J.R.R.T. Smith", "五十嵐 三千代", "王五", "三浦 一郎", "一二三", "八千代", "Net Sophal", "Maria del Pilar", "Dott. Rossi",
    "山 田 太 郎", "x" * LONGEST_NAME,
]  # fmt: skip
LURES = [
    "evil.example", "Win at evil.com", "EVIL.COM", "evil.com.", "t.co", "www.evil", "WWW.x.example",
    "http://evil", "https://evil.example/x", "hxxp:evil", "evil.example/win", "bit.ly/3xYz", "a/b",
    "\\\\evil\\x", "me@evil.example", "me@evil", "evil。com", "evil．com", "evil｡com", "evil․com",
    "evil﹒com", "evil۔com", "evilꓸcom", "evil.\u200dcom", "evil\u200d.com", "evil.\u0301com", "evil .com",
    "ｅｖｉｌ．ｃｏｍ", "ⓔvil.ⓒom", "evil.рф", "例え。テスト", "evil…com", "evil‥com", "1.2.3.4", "127.0.0.1",
    "Call 0800 123456", "Call ٠٨٠٠", "+49 30 123", "555-1234", "7", "Ⅷ", "①", "½", "a⁄b", "a∕b", "a／b",
    "a：b", "mailto:x", "<b>Ada</b>", "[Ada](x)", "{{ name }}", "$$$", "100%", "★ Win ★", "🎉", "Ada 👉",
    "a_b", "a=b", "#win", "Ada\u202emoc.live", "\u2066Ada\u2069", "x" * (LONGEST_NAME + 1), "...", ".",
    "", " \r\n ", "--", "℀", "evil.comic sans", "www evil com",
    "WWW Evil", "evil. com", "evil . com", "evil.  net", "evil com", "evil-com", "Win. shop now", "Mr.com", "dr.shop", "t.me",
    "J.io", "Dr.li", "x.c.o.m", "e.v.i.l.c.o.m", "e. v. i. l. c. o. m", "e v i l c o m", "e-v-i-l-s", "五五五-五五五", "五五五五",
    "一二三四五六", "Call 五五 五五", "零八零零", "ｗｗｗ evil", "evil.‍ com", "https evil", "smith.mr", "me.dr.x", "Ada!", "Ada?", "a|b", "a~b", "a;b", "\ufdfa" * 20 + ".com",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays(name):
    assert presentable(f"  {name}\n") == name


@pytest.mark.parametrize("lure", LURES, ids=ascii)
def test_what_is_no_name_is_not_shown(lure):
    assert presentable(lure) == ""


def test_nobody_is_nobody():
    assert presentable(None) == ""
