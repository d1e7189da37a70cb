"""Tests of bodies: their rendering in a reader, and the notes on removed elements."""

import pytest

from feeds.articles.front_matter import Context, Parsed, parse

SITE = "https://site.example"
HEAD = "title: A title\ndate: 2024-03-01\nwebUrl: https://paper.example/2024/one\n"
#: The images that the site has.
OURS = {f"{SITE}/pictures/ferry.png": 4_321, f"{SITE}/pictures/a b.png": 1}
CONTEXT = Context(SITE, OURS.get, 1_800_000_000)


def read(body: str, head: str = "") -> Parsed:
    return parse(f"---\n{HEAD}{head}---\n{body}".encode(), "a.md", CONTEXT)


def shown(body: str, head: str = "") -> str:
    return read(body, head).article.content


def alt(words: str) -> str:
    return f' alt="{words}"'


def image(path: str, attributes: str = ' alt=""') -> str:
    return f'<img src="https://paper.example{path}"{attributes}>'


@pytest.mark.parametrize(
    "attributes",
    [
        'style="border-width: 0px" width=600 height=400',
        'style="line-height: 1; width: 600px; height: 400px" width=600 height=400',
        'style="max-width:0;margin-width: 2px" width=600 height=400',
        'style="min-height:1px;stroke-width:1" width=600 height=400',
    ],
)
def test_only_width_and_height_state_the_size_of_an_image(attributes: str) -> None:
    assert shown(f"<img src=/p/a.jpg {attributes}>") == image(
        "/p/a.jpg", ' alt="" width="600" height="400"'
    )


@pytest.mark.parametrize(
    "words",
    ["CSS display: none explained", "height: 1px; or not", "width:0", "visibility: hidden"],
)
def test_the_alt_text_of_an_image_is_no_style(words: str) -> None:
    assert shown(f"![{words}](/p/f.jpg)") == f"<p>{image('/p/f.jpg', alt(words))}</p>"
    assert shown(f'<img src=/p/f.jpg title="{words}">') == image(
        "/p/f.jpg", f' alt="" title="{words}"'
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://pixel.nymag.example/imgs/daily/x.jpg",
        "https://beacon.example/lighthouse.jpg",
        "https://notdoubleclick.example/a.jpg",
        "https://a.example/aspect-1x1.jpg",
        "https://a.example/pixel.jpg",
        "https://a.example/?url=https://www.facebook.com/tr",
    ],
)
def test_a_tracking_host_is_recognized_by_its_whole_name(url: str) -> None:
    assert f'src="{url}"' in shown(f"![Z]({url})")


@pytest.mark.parametrize(
    "url",
    [
        "https://b.scorecardresearch.com/p?c1=2",
        "https://ad.doubleclick.net/a",
        "https://pixel.wp.com/g.gif?v=1",
        "https://www.facebook.com/tr?id=1",
        "https://feeds.feedburner.com/~r/a/b",
        "https://a.example/1x1.gif?a",
        "https://a.example/img?w=1&h=1",
    ],
)
def test_tracking_images_are_removed_without_a_note(url: str) -> None:
    parsed = read(f'Words <img src="{url}"> and words')

    assert parsed.article.content == "<p>Words  and words</p>"
    assert parsed.notes == ()


@pytest.mark.parametrize(
    "html",
    [
        '<img src="data:image/gif;base64,R0" data-src="/p/real.jpg" alt=Lazy>',
        '<img data-lazy-src="/p/real.jpg" alt=Lazy>',
        '<img src="/blank.gif" data-original="/p/real.jpg" alt=Lazy>',
        '<img src="data:," data-srcset="/p/real-s.jpg 300w, /p/real.jpg 900w" alt=Lazy>',
        '<img src="/spinner.gif" data-src="/p/real.jpg" alt=Lazy>'
        '<noscript><img src="/p/real.jpg" alt=Lazy></noscript>',
        '<img src="data:," alt=Lazy>\n<noscript><img src="/p/real.jpg" alt=Lazy></noscript>',
        '<noscript><img src="/p/real-s.jpg" alt=S></noscript><img data-src="/p/real.jpg" alt=Lazy>',
    ],
)
def test_a_lazy_image_is_shown_once_with_its_address(html: str) -> None:
    parsed = read(f"<div>{html}</div>")

    assert parsed.article.content.replace("\n", "") == (
        f"<div>{image('/p/real.jpg', alt('Lazy'))}</div>"
    )
    assert parsed.notes == ()


@pytest.mark.parametrize(
    ("html", "path"),
    [
        ('<img srcset="/a 400w, /b 800w">', "/b"),
        ('<img srcset="/a 400w,/b 800w">', "/b"),
        ('<img srcset="/a, /b 2x">', "/b"),
        ('<img srcset="/a 800w, /b 9000w">', "/a"),
        ('<img srcset="/w_4,h_3/a 1x, /b 1.5x">', "/b"),
        ('<img srcset="/w_4,h_3/a">', "/w_4,h_3/a"),
        ('<picture><source srcset="/c"><img></picture>', "/c"),
        ('<picture><source srcset="/c 1x" type=image/webp><img src=/d></picture>', "/d"),
        ('<img src=/d srcset="/b 2x">', "/d"),
        ('<picture><source><source data-srcset="/e 2x"><img></picture>', "/e"),
    ],
)
def test_one_of_several_sizes_of_an_image_is_selected(html: str, path: str) -> None:
    assert shown(f"<div>{html}</div>") == f"<div>{image(path)}</div>"


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ("<video controls><source src=/v/film.mp4></video>", "paper.example/v/film.mp4"),
        ("<video src=/v/film.mp4>Your browser is old.</video>", "paper.example/v/film.mp4"),
        ("<audio controls src=/v/song.mp3></audio>", "paper.example/v/song.mp3"),
        ("<audio><source src=/v/song.ogg></audio>", "paper.example/v/song.ogg"),
        ("<object data=/v/film.swf></object>", "paper.example/v/film.swf"),
        ("<embed src=/v/film.swf>", "paper.example/v/film.swf"),
        ("<object><param name=movie value=/v/a.swf></object>", "paper.example/v/a.swf"),
        ("<video><source data-src=/v/late.mp4></video>", "paper.example/v/late.mp4"),
        ("<iframe data-src=/map></iframe>", "paper.example/map"),
        ("<iframe src=/map />", "paper.example/map"),
    ],
)
def test_a_player_becomes_a_link(html: str, address: str) -> None:
    link = f'<p><a href="https://{address}">{address}</a></p>'

    assert shown(html) == link
    assert shown("", f"featuredContent: '{html}'\n") == link


def test_the_poster_of_a_film_is_its_image() -> None:
    body = "Before.\n\n<video poster=/p/still.jpg src=/v/film.mp4 title='A film'></video>"

    assert shown(body) == (
        '<p>Before.</p>\n<p><a href="https://paper.example/v/film.mp4">'
        f"{image('/p/still.jpg')} A film</a></p>"
    )


def test_fallback_content_of_a_player_stays_if_it_is_more_than_words() -> None:
    body = "<object data=/v/a.swf><img src=/p/a.jpg alt=A></object>"

    assert shown(body) == f"<p>{image('/p/a.jpg', alt('A'))}</p>"
    assert "Poll" in shown("<noscript><a href=/poll>Poll</a></noscript>")


def test_the_text_after_a_frame_that_is_never_closed_stays() -> None:
    assert "After" in shown("<iframe src=/map>\n\nAfter *it*.")


@pytest.mark.parametrize(
    ("embed", "watch"),
    [
        ("/embed/YkxUzLy7GEo?start=29", "/watch?v=YkxUzLy7GEo&amp;t=29"),
        ("/embed/YkxUzLy7GEo?rel=0&amp;start=29", "/watch?v=YkxUzLy7GEo&amp;t=29"),
        ("/embed/YkxUzLy7GEo?list=PLabc-1", "/watch?v=YkxUzLy7GEo&amp;list=PLabc-1"),
        ("/embed/YkxUzLy7GEo?list=PLa&start=5", "/watch?v=YkxUzLy7GEo&amp;list=PLa&amp;t=5"),
        ("/embed/YkxUzLy7GEo", "/watch?v=YkxUzLy7GEo"),
        ("/embed/live_stream?channel=UCx", "/embed/live_stream?channel=UCx"),
        ("/embed/playlist?list=PLx", "/embed/playlist?list=PLx"),
        ("/embed/videoseries?list=PLx", "/embed/videoseries?list=PLx"),
        ("/embed/?listType=user_uploads&list=x", "/embed/?listType=user_uploads&amp;list=x"),
    ],
)
def test_the_link_to_a_youtube_video_has_its_start_time_and_its_playlist(
    embed: str, watch: str
) -> None:
    for start in ("https://www.youtube.com", "//www.youtube-nocookie.com"):
        content = shown(f'<iframe src="{start}{embed}"></iframe>')

        is_watch = watch.startswith("/watch")
        host = "https://www.youtube.com" if is_watch else f"https:{start.removeprefix('https:')}"
        assert f'href="{host}{watch}"' in content


@pytest.mark.parametrize(
    ("html", "content"),
    [
        ('steal it <img alt=";-)" width=15 height=15 src=/s.gif> now',
         "<p>steal it ;-) now</p>"),
        ('Hi <img class="wp-smiley" alt="🙂" src=/72x72/1f642.png>', "<p>Hi 🙂</p>"),
        ('Hi <img class="emoji" alt="🚢" src=/72x72/1f6a2.png width=72>', "<p>Hi 🚢</p>"),
        ('Let <img src=/f.png alt="x^2" width=60 height=14> be',
         f"<p>Let {image('/f.png', alt('x^2'))} be</p>"),
        ("Let <img src=/f.png height=12> be", f"<p>Let {image('/f.png')} be</p>"),
        ('<div><img src=/line.gif width=600 height=2 alt="* * *"></div>', "<div>* * *</div>"),
        ("<div><img src=/line.gif width=600 height=2></div>", "<div></div>"),
    ],
)  # fmt: skip
def test_a_small_image_in_a_text_is_replaced_by_its_alt_text_or_stays(
    html: str, content: str
) -> None:
    assert shown(html) == content


@pytest.mark.parametrize(
    ("html", "content"),
    [
        ("<strike>free</strike>", "<p><s>free</s></p>"),
        ("<tt>ls</tt>", "<p><code>ls</code></p>"),
        ("<acronym title=T>a</acronym>", '<p><abbr title="T">a</abbr></p>'),
        ("<ol reversed><li>a</li></ol>", '<ol reversed=""><li>a</li></ol>'),
        ("<ol type=a start=3><li value=10>a</li></ol>",
         '<ol type="a" start="3"><li value="10">a</li></ol>'),
        ("<center>a</center>", "<div>a</div>"),
        ("<dir><li>a</dir>", "<ul><li>a</li></ul>"),
        ("<xmp><b></xmp>", "<pre>&lt;b&gt;</pre>"),
        ("<math><mi>x</mi><mo>=</mo><mn>2</mn></math>", "<p>x=2</p>"),
        ("<math alttext='x^2'><msup><mi>x</mi><mn>2</mn></msup></math>", "<p>x^2</p>"),
        ("<math><semantics><mi>x</mi><annotation>\\chi</annotation></semantics></math>",
         "<p>\\chi</p>"),
        ("a <font color=red>b</font> <big>c</big>", "<p>a b c</p>"),
    ],
)  # fmt: skip
def test_obsolete_elements_are_replaced_by_current_ones(html: str, content: str) -> None:
    assert shown(html) == content


def test_a_footnote_keeps_its_text_at_the_end() -> None:
    content = shown("One[^1] two[^n].\n\n[^1]: First *note*.\n[^n]: Second,\n\n    longer.\n\nEnd.")

    assert content.startswith("<p>One<sup><a>[1]</a></sup> two<sup><a>[2]</a></sup>.</p>")
    assert content.index("End.") < content.index("First <em>note</em>.") < content.index("longer.")
    assert "id=" not in content
    assert "↩" not in content


def test_a_mark_without_its_footnote_is_text() -> None:
    assert shown("One[^1].") == "<p>One[^1].</p>"


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("See https://a.example/b_c, or www.a.example.",
         '<p>See <a href="https://a.example/b_c">https://a.example/b_c</a>, or '
         '<a href="http://www.a.example">www.a.example</a>.</p>'),
        ("(https://a.example/b_(c))",
         '<p>(<a href="https://a.example/b_(c)">https://a.example/b_(c)</a>)</p>'),
        ("README.md and a.example", "<p>README.md and a.example</p>"),
        ("`https://a.example/`", "<p><code>https://a.example/</code></p>"),
        ("a\n\n    <b> code\n", "<p>a</p>\n<pre><code>&lt;b&gt; code\n</code></pre>"),
        ("a\n\n\tcode\n", "<p>a</p>\n<pre><code>code\n</code></pre>"),
        ("<div>\n\n\t<p>b</p>\n\n</div>", "<div>\n<p>b</p>\n</div>"),
        ("~~struck~~ ~too~", "<p><s>struck</s> <s>too</s></p>"),
        ("- [x] a\n- [ ] b", "<ul>\n<li>☑ a</li>\n<li>☐ b</li>\n</ul>"),
        ("- [ x ] a", "<ul>\n<li>[ x ] a</li>\n</ul>"),
        ("> [!NOTE]\n> a", "<div>\n<p>Note</p>\n<p>a</p>\n</div>"),
    ],
)  # fmt: skip
def test_markdown_is_that_of_github(markdown: str, html: str) -> None:
    assert shown(markdown) == html


def test_a_table_keeps_its_columns_aligned() -> None:
    content = shown("|a|b|\n|-:|-|\n|1|2|")

    assert '<th align="right">a</th>' in content
    assert '<td align="right">1</td>\n<td>2</td>' in content


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("From Vec<u8> to Vec<T>", "From Vec&lt;u8&gt; to Vec&lt;T&gt;"),
        ("if x<y and y>z", "if x&lt;y and y&gt;z"),
        ("if x<b and b>z", "if x&lt;b and b&gt;z"),
        ("ssh <user>@<host>", "ssh &lt;user&gt;@&lt;host&gt;"),
        ("a <my-tag>c</my-tag>", "a c"),
    ],
)
def test_only_the_elements_of_html_are_elements(body: str, text: str) -> None:
    assert shown(body) == f"<p>{text}</p>"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        (r"images\photo.png", "https://paper.example/2024/images/photo.png"),
        (r"https:\\x.example\y.png", "https://x.example/y.png"),
        (r"\\x.example\y.png", "https://x.example/y.png"),
        ("/a/../b.png?c=1&amp;amp;d", "https://paper.example/b.png?c=1&amp;d"),
    ],
)
def test_an_address_is_parsed_as_by_a_browser(written: str, url: str) -> None:
    assert shown(f'<img src="{written}">') == f'<img src="{url}" alt="">'
    assert f'href="{url}"' in shown(f'<a href="{written}">a</a>')


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("/pictures/ferry.png", f"{SITE}/pictures/ferry.png"),
        ("pictures/ferry.png", f"{SITE}/pictures/ferry.png"),
        ("</pictures/a b.png>", f"{SITE}/pictures/a%20b.png"),
        ("/pictures/other.png", "https://paper.example/pictures/other.png"),
        ("pictures/other.png", "https://paper.example/2024/pictures/other.png"),
        ("/ferry.png", "https://paper.example/ferry.png"),
    ],
)
def test_an_image_in_the_folder_of_the_site_has_its_address(written: str, url: str) -> None:
    ours = {f"{SITE}/pictures/a%20b.png": 1, **OURS}
    text = f"---\n{HEAD}---\n![ours]({written})".encode()

    found = parse(text, "a.md", Context(SITE, ours.get, 1_800_000_000)).article.content

    assert found == f'<p><img src="{url}" alt="ours"></p>'


LEAD = "images: [{url: 'https://paper.example/p/lead.jpg', width: 900, height: 600}]\n"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("![a](/p/lead.jpg)\n\nText.", "<p>Text.</p>"),
        ("![a](/p/lead.jpg?w=300)\n\nText.", "<p>Text.</p>"),
        ("![a](/p/lead-300x200.jpg)\n\nText.", "<p>Text.</p>"),
        ("<figure><a href=/big><img src=/p/lead.jpg></a></figure>\n\nText.", "<p>Text.</p>"),
        ("<figure><img src=/p/lead.jpg><figcaption>C</figcaption></figure>",
         "<figure><figcaption>C</figcaption></figure>"),
        ("![a](/p/other.jpg)", f"<p>{image('/p/other.jpg', alt('a'))}</p>"),
        ("Text ![a](/p/lead.jpg)", f"<p>Text {image('/p/lead.jpg', alt('a'))}</p>"),
        ("![a](/p/lead.jpg?id=7)", f"<p>{image('/p/lead.jpg?id=7', alt('a'))}</p>"),
    ],
)  # fmt: skip
def test_the_lead_image_is_not_repeated_at_the_beginning(body: str, content: str) -> None:
    assert shown(body, LEAD) == content


@pytest.mark.parametrize(
    "body",
    ["x " * 60_000, "[" * 3_000, "a\n" * 6_000, "<div>" * 200, "<b>" * 11_000, "| a " * 40_000],
)
def test_an_article_is_served_without_a_body_beyond_the_limits(body: str) -> None:
    parsed = read(body, "excerpt: In short.\n")

    assert (parsed.article.content, parsed.article.excerpt) == ("", "In short.")
    (note,) = parsed.notes
    assert note.startswith("body: ")
    assert note.endswith(": shorten or simplify it: left out")


def test_an_article_is_served_without_a_player_beyond_the_limits() -> None:
    parsed = read("Body.", f"featuredContent: '{'<div>' * 200}'\n")

    assert parsed.article.content == "<p>Body.</p>"
    assert [note.partition(":")[0] for note in parsed.notes] == ["featuredContent, line 5"]


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("a\n\n![x](data:image/png;base64,AA)", "line 8: an image without an http(s) address"),
        ("a\nb <img src=javascript:x>", "line 7: an image without an http(s) address"),
        ("<p>\na\n<img alt=x></p>", "line 8: an image without an http(s) address"),
        ("- a\n- b\n\n  <iframe srcdoc=x></iframe>", "line 9: a frame without an http(s) address"),
        ("a\n\n<video></video>", "line 8: a video without an http(s) address"),
        ("<audio src=blob:x></audio>", "line 6: a sound without an http(s) address"),
        ("<object></object>", "line 6: a player without an http(s) address"),
        ("a\n<svg><path d=x /></svg>", "line 7: a drawing (svg)"),
        ("a\n\n\n<script src=https://gist.example/a.js></script>", "line 9: a script"),
        ("<!-- <svg></svg> -->\n`<svg>`\n\n<svg></svg>", "line 9: a drawing (svg)"),
    ],
)
def test_a_removed_element_is_noted_with_its_line(body: str, note: str) -> None:
    assert read(body).notes == (f"body, {note}: left out",)


def test_featured_media_that_cannot_be_shown_are_noted() -> None:
    parsed = read("", "featuredContent: '<iframe srcdoc=x></iframe>'\n")

    assert parsed.notes == (
        "featuredContent, line 5: a frame without an http(s) address: left out",
    )


def test_an_image_with_a_malformed_tag_keeps_the_attributes_before_the_error() -> None:
    assert shown("<div>\n<img src=/p/a.jpg style={{float: 'left', width: 1}} />\n</div>") == (
        f"<div>\n{image('/p/a.jpg')}\n</div>"
    )
