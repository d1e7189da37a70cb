"""Tests of addresses in articles: usable, normalized, without trackers, never an exception."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.articles.links import clean_url, domain, host, key, site_url, without_tracking
from feeds.host_names import host_name

BASE = "https://news.example/2024/one?x=1"


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("https://a.example/b?c=d&e#f", "https://a.example/b?c=d&e#f"),
        ("  http://a.example\n", "http://a.example"),
        ("HTTPS://WWW.A.Example/B", "https://www.a.example/B"),
        ("https://a.example:8443/", "https://a.example:8443/"),
        ("https://a.example:443/", "https://a.example/"),
        ("http://a.example:80?b", "http://a.example/?b"),
        ("https://a.example./", "https://a.example/"),
        ("https://a.example/b c", "https://a.example/b%20c"),
        ("https://a.exa\tmple/b\nc", "https://a.example/bc"),
        ("https://a.example/ö?ü=ß#é", "https://a.example/%C3%B6?%C3%BC=%C3%9F#%C3%A9"),
        ('https://a.example/"<>\\^`{|}[]', "https://a.example/%22%3C%3E/%5E%60%7B%7C%7D%5B%5D"),
        ("https://a.example/%41%zz%", "https://a.example/%41%25zz%25"),
        ("https://a.example/\ud800", "https://a.example/%EF%BF%BD"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://my_blog.example/", "https://my_blog.example/"),
        ("http://localhost/", "http://localhost/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("http://0xc0.0.2.1/", "http://192.0.2.1/"),
        ("https:/a.example", "https://a.example/"),
        ("https:///a.example/b", "https://a.example/b"),
        ("https:\\\\a.example\\b\\c", "https://a.example/b/c"),
        ("https://a.example\\@b.example/", "https://a.example/@b.example/"),
        ("https://%61.example/", "https://a.example/"),
        ("https://a.example/b/../c/./d", "https://a.example/c/d"),
        ("https://a.example/?width=1200&amp;s=abc", "https://a.example/?width=1200&s=abc"),
        ("https://a.example/?width=1200&amp;amp;s=abc", "https://a.example/?width=1200&s=abc"),
        ("https://a.example/?a=1&amp;#38;b=2", "https://a.example/?a=1&b=2"),
        ("https://a.example/?a&#038;b&#38;c&#x26;d", "https://a.example/?a&b&c&d"),
        ("https://a.example/?a&AMP;b", "https://a.example/?a&b"),
        ("https://a.example/?a&copy=b&amp", "https://a.example/?a&copy=b&amp"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
    ],
)
def test_an_address_is_normalized(raw: str, url: str) -> None:
    assert clean_url(raw) == url
    assert clean_url(url) == url


@pytest.mark.parametrize(
    "raw",
    ["", " ", "a.example", "/b", "//a.example/", "#b", "https:", "https://",
     "ftp://a.example/", "javascript:alert(1)", "java\nscript:x", "data:,x",
     "mailto:a@a.example", "https://user@a.example/", "https://user:word@a.example/",
     "https://a.example:0/", "https://a.example:99999/",
     "https://a.example:b/", "https://-a.example/", "https://a..example/", "https://a b.example/",
     "http://256.1.1.1/", "http://[::1",
     "http://[::g]/", "http://[fe80::1%25eth0]/", "http://[v1.a]/", "https://a\u2100b.example/",
     f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/", "https://\u0378.example/",
     f"https://a.example/{'b' * 2000}", f"https://a.example/{'ö' * 500}", "https://\ud800/",
     f"https://{'ü.' * 60}example/"],
)  # fmt: skip
def test_an_address_that_is_not_on_the_public_web_is_rejected(raw: str) -> None:
    assert clean_url(raw) is None


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("/b", "https://news.example/b"),
        ("b", "https://news.example/2024/b"),
        ("../b", "https://news.example/b"),
        ("?b", "https://news.example/2024/one?b"),
        ("#b", "https://news.example/2024/one?x=1#b"),
        ("//a.example/b", "https://a.example/b"),
        ("\\\\a.example\\b", "https://a.example/b"),
        ("c\\d.png", "https://news.example/2024/c/d.png"),
        ("http://a.example/b", "http://a.example/b"),
        ("", None),
        ("mailto:a@a.example", None),
        ("//[", None),
    ],
)
def test_a_relative_address_is_resolved_against_its_page(raw: str, url: str | None) -> None:
    assert clean_url(raw, BASE) == url


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("/pictures/a.jpg", "https://site.example/news/pictures/a.jpg"),
        (" /pic\ntures/a.jpg\t", "https://site.example/news/pictures/a.jpg"),
        ("pictures/a.jpg", "https://site.example/news/pictures/a.jpg"),
        ("/", "https://site.example/news/"),
        ("/a b?c#d", "https://site.example/news/a%20b?c#d"),
        ("//a.example/b", "https://a.example/b"),
        ("http://a.example/b", "http://a.example/b"),
        ("mailto:a@a.example", None),
        ("", None),
    ],
)
def test_addresses_in_site_files_lie_below_the_path_of_the_site(raw: str, url: str | None) -> None:
    assert site_url(raw, "https://site.example/news") == url


@given(st.text(max_size=60), st.sampled_from(["", "https://", "http://a.example/", "//", "http:"]))
def test_any_text_is_rejected_or_normalized_to_a_fixed_point(text: str, start: str) -> None:
    url = clean_url(start + text, BASE) or BASE

    assert clean_url(url) == url
    assert re.fullmatch(r"https?://[a-z0-9._:\[\]-]+(?:[/?#][!-~]*)?", url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/?utm_source=b&c=%64&d", "https://a.example/?c=%64&d"),
        ("https://a.example/?c&UTM_Medium=x&fbclid=y", "https://a.example/?c"),
        ("https://a.example/b?utm_source=b", "https://a.example/b"),
        ("https://a.example/b?utm%5Fsource=b#c", "https://a.example/b#c"),
        ("https://a.example/b#utm_source=c", "https://a.example/b"),
        ("https://a.example/?a=1&&b=&gclid=", "https://a.example/?a=1&&b="),
        ("https://a.example/?", "https://a.example/?"),
        ("https://a.example/?amp#", "https://a.example/?amp#"),
        ("https://a.example/utm_source=b", "https://a.example/utm_source=b"),
        ("https://a.example/?xutm_source=b", "https://a.example/?xutm_source=b"),
        ("https://a.example/?mtm_a=1&dclid=2&msclkid=3&mc_cid=4&mc_eid=5&yclid=6&twclid=7&z=8",
         "https://a.example/?z=8"),
    ],
)  # fmt: skip
def test_only_trackers_are_removed_from_an_address(url: str, expected: str) -> None:
    assert without_tracking(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://WWW.A.example:80/b", "a.example"),
        ("https://www2.a.example/", "www2.a.example"),
        ("nothing", ""),
        ("http://[", ""),
    ],
)
def test_the_host_of_an_address_is_without_www(url: str, expected: str) -> None:
    assert host(url) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a.example", "a.example"),
        (" WWW.A.Example ", "a.example"),
        ("https://www.a.example/b", "a.example"),
        ("//a.example", "a.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("not a domain", ""),
        ("ftp://a.example", ""),
        ("", ""),
    ],
)
def test_a_domain_may_be_given_as_a_host_or_as_an_address(raw: str, expected: str) -> None:
    assert domain(raw) == expected


@pytest.mark.parametrize(
    "other",
    [
        "http://a.example/b",
        "https://www.a.example/b/",
        "https://A.example/b#c",
        "https://a.example/b?utm_source=c",
        "https://a.example/b/?utm_source=c#d",
    ],
)
def test_addresses_of_one_page_have_one_key(other: str) -> None:
    assert key(other) == key("https://a.example/b")


@pytest.mark.parametrize(
    "other", ["https://a.example/B", "https://a.example/b?c", "https://c.example/b"]
)
def test_addresses_of_other_pages_have_other_keys(other: str) -> None:
    assert key(other) != key("https://a.example/b")


@given(st.text(max_size=80))
def test_any_text_is_parsed_without_an_exception(text: str) -> None:
    assert isinstance(key(text) + host(text) + domain(text) + without_tracking(text), str)
    assert host_name(text) is None or host_name(text) == host_name(host_name(text) or "")
