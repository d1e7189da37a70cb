"""Tests of images: each has a media type, whatever its address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.articles.images import media_type


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/b.jpg", "image/jpeg"),
        ("https://a.example/b.JPEG", "image/jpeg"),
        ("https://a.example/b.jfif", "image/jpeg"),
        ("https://a.example/b.png", "image/png"),
        ("https://a.example/b.gif", "image/gif"),
        ("https://a.example/b.webp", "image/webp"),
        ("https://a.example/b.avif", "image/avif"),
        ("https://a.example/b.svg", "image/svg+xml"),
        ("https://a.example/b.svgz", "image/svg+xml"),
        ("https://a.example/b.ico", "image/vnd.microsoft.icon"),
        ("https://a.example/b.png?c=d.gif#e.webp", "image/png"),
        ("https://a.example/b%2Epng", "image/png"),
        ("https://a.example/b.png%3Fsize=2", "image/jpeg"),
        ("https://a.example/b.jpg:large", "image/jpeg"),
        ("https://a.example/b.png;w=300", "image/png"),
        ("https://a.example/b.png!small", "image/png"),
        ("https://a.example/b.svg/200px-b.svg.png", "image/png"),
        ("https://a.example/b.png?format=webp", "image/webp"),
        ("https://a.example/photo.png?fm=jpg", "image/jpeg"),
        ("https://a.example/photo.jpg?fm=webp&w=3", "image/webp"),
        ("https://a.example/photo.jpg?w=3&output=gif", "image/gif"),
        ("https://a.example/photo.jpg?auto=format&fm=auto", "image/jpeg"),
        ("https://a.example/photo.jpg?type=png", "image/jpeg"),
        ("https://a.example/image/upload/f_webp/sample.jpg", "image/webp"),
        ("https://a.example/f_jpg,w_300/v1/abc.png", "image/jpeg"),
        ("https://a.example/w_300,f_avif/abc.png", "image/avif"),
        ("https://a.example/f_auto/abc.png", "image/png"),
        ("https://wsrv.nl/?url=a.example/b.png", "image/png"),
        ("https://wsrv.nl/?url=https%3A%2F%2Fa.example%2Fb.webp%3Fc&w=3", "image/webp"),
        ("https://wsrv.nl/?url=a.example/b.png&output=webp", "image/webp"),
        ("https://a.example/_next/image?url=%2Fb.gif&w=3", "image/gif"),
        ("https://a.example/b?width=1200&format=jpeg", "image/jpeg"),
        ("https://a.example/b?fm=webp", "image/webp"),
        ("https://a.example/b?F=PNG", "image/png"),
        ("https://a.example/b?type=image%2Fgif", "image/gif"),
        ("https://a.example/b?format=svg+xml", "image/svg+xml"),
        ("https://a.example/b?format=auto&f=png", "image/png"),
        ("https://a.example/b?q=png", "image/jpeg"),
        ("https://a.example/b.php?format=gif", "image/gif"),
        ("https://a.example/format/webp/b", "image/webp"),
        ("https://a.example/format/any/f_png,w_300/b", "image/png"),
        ("https://a.example/f=avif,w=300/b", "image/avif"),
        ("https://a.example/gif/b", "image/jpeg"),
        ("https://a.ico", "image/jpeg"),
        ("https://a.example/.png", "image/png"),
        ("https://a.example/", "image/jpeg"),
        ("", "image/jpeg"),
        ("http://[", "image/jpeg"),
        ("%ff%", "image/jpeg"),
    ],
)
def test_the_address_determines_the_media_type(url: str, expected: str) -> None:
    assert media_type(url) == expected


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_address_has_the_media_type_of_an_image(path: str, query: str) -> None:
    assert media_type(path).startswith("image/")
    assert media_type(f"https://a.example/{path}?format={query}").startswith("image/")
