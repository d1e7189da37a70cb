"""Tests of the code of other programs in the bodies of declared folders: removed, or kept."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.articles.markdown import MAX_MARKDOWN
from feeds.articles.template_code import without_comments, without_template_code
from tests.programs import skip_if_quick
from tests.test_folders import article, read, written

PICTURE = "![A boat](<a.jpg>)"

TAKEN: list[tuple[str, str]] = [
    # Shortcodes.
    ('A {{< icon "x" >}} b', "A  b"),
    ("{{% notice type=info %}}Mind **this**.{{% /notice %}}", "Mind **this**."),
    ('{{< figure src="a.jpg" alt="A boat" >}}', PICTURE),
    ("{{<img src='a.jpg' width=\"9\" caption='A [boat](x)'>}}", PICTURE),
    ('{{ figure(src="a.jpg", alt="A *boat*") }}', PICTURE),
    ('{{< img src="name-of-a-picture" >}}', ""),
    ("{{< youtube dQw4w9WgXcQ >}}",
     "[www.youtube.com/watch?v=dQw4w9WgXcQ](<https://www.youtube.com/watch?v=dQw4w9WgXcQ>)"),
    ('{{ youtube(id="dQw4w9WgXcQ", autoplay=true) }}',
     "[www.youtube.com/watch?v=dQw4w9WgXcQ](<https://www.youtube.com/watch?v=dQw4w9WgXcQ>)"),
    ("{{< vimeo 146022717 >}}", "[vimeo.com/146022717](<https://vimeo.com/146022717>)"),
    ('{{<video src="film.mp4">}}', "[film.mp4](<film.mp4>)"),
    ("{{< tweet https://x.example/a?b=c >}}", "[x.example/a?b=c](<https://x.example/a?b=c>)"),
    # Liquid, and similar tags.
    ("{% assign x = 1 %}A", "A"),
    ("A {{ page.title | upcase }}.", "A ."),
    ('{% include figure.html src="a.jpg" alt="A boat" %}', PICTURE),
    ('{% include youtube.html id="dQw4w9WgXcQ" %}',
     "[www.youtube.com/watch?v=dQw4w9WgXcQ](<https://www.youtube.com/watch?v=dQw4w9WgXcQ>)"),
    ("{% asset_img a.jpg A boat %}", "![](<a.jpg>)"),
    ("<%= x %>A", "A"),
    # Addresses: relative to the root of the site, or removed.
    ("[a]({{ site.baseurl }}/b/)", "[a](/b/)"),
    ("![a]({{ '/b.png' | relative_url }})", "![a](/b.png)"),
    ("[a]({{ site.repository }}/issues/1)", "[a]()"),
    ('[a]({{< ref "b.md" >}})', "[a]()"),
    ("[a]: {% post_url 2024-01-01-x %}\n", "[a]: <>\n"),
    ('<a href="{{ x }}/b">c</a>', '<a href="">c</a>'),
    ("See <{{ x }}>.", "See ."),
    # Components.
    ("<Tabs>\n<TabItem value='x'>\n\nA\n\n</TabItem></Tabs>", "\n\n\nA\n\n"),
    ("<Chart data={{a: {b: 1}}} onPress={() => 1} />A", "A"),
    ("<Image src={require('./a.jpg').default} alt=\"A boat\" />", "![A boat](<./a.jpg>)"),
    ("<img src={require('./a.jpg')} width={20} style={{margin: 1}} />",
     '<img src="./a.jpg" width="20" />'),
    ("{/* note */}A", "A"),
    ("A Vec<T> and <https://a.example> a < b > c", "A Vec<T> and <https://a.example> a < b > c"),
    # Directives and lists of attributes.
    (":::note[Mind]\nA\n:::\n", "\nA\n\n"),
    ('\n::github{repo="a/b"}\nA', "\n\nA"),
    ("## A {#a}\nB\n{: .wide}", "## A\nB\n"),
    ("a::b::c", "a::b::c"),
]  # fmt: skip


@pytest.mark.parametrize(("markdown", "text"), TAKEN)
def test_code_of_other_programs_is_removed(markdown: str, text: str) -> None:
    found = without_template_code(markdown, is_mdx=False)

    assert found
    assert found[0] == text


#: Comments that the other program does not show, around "secret".
COMMENTS = [
    ("{% comment %}", "{% endcomment %}"),
    ("{%- comment -%}", "{%- endcomment -%}"),
    ("{%comment 'why'%}", "{%endcomment%}"),
    ("{::comment}", "{:/comment}"),
    ("{::comment}", "{:/}"),
    ("{#", "#}"),
    ("{#-", "-#}"),
    ("{# a } b ", "#}"),
    ("{{< comment >}}", "{{< /comment >}}"),
    ("{{% comment %}}", "{{% /comment %}}"),
    ("{{/* {{ x }} ", "*/}}"),
    ("{{!-- {{ x }} ", "--}}"),
]

#: Other code, and a mark that ends an excerpt, inside a comment.
INSIDE = [
    *("", "<!--more-->", "\n# Heading\n", "\n```\n{{ x }}\n```\n", "{% if x %}", "`x`", "{{ x }}"),
]


@pytest.mark.parametrize(("begin", "end"), COMMENTS)
@pytest.mark.parametrize("inside", INSIDE)
def test_a_comment_of_another_program_is_removed_with_its_content(
    begin: str, end: str, inside: str
) -> None:
    text = f"{begin}secret{inside}secret{end}\n# A boat\n\nA.\n\n<!--more-->\n\nB."

    found = article(written(date="2024-03-01") + text)

    assert (found.title, found.excerpt) == ("A boat", "A.")
    assert found.content == "<p>A.</p>\n\n<p>B.</p>"


@pytest.mark.parametrize(("begin", "end"), COMMENTS)
def test_a_comment_without_its_end_leaves_no_body(begin: str, end: str) -> None:
    found = article(written(title="x") + f"A.\n\n{begin}secret\n\n<!--more-->\n\nB.")

    assert (found.content, found.excerpt) == ("", "")


@pytest.mark.parametrize(("begin", "end"), COMMENTS)
def test_a_comment_that_an_article_shows_stays(begin: str, end: str) -> None:
    shown = f"{begin}A{end}"

    assert without_comments(f"`{shown}`\n\n```\n{shown}\n```\n") == (
        f"`{shown}`\n\n```\n{shown}\n```\n"
    )
    raw = f"{{% raw %}}{shown}{{% endraw %}}"
    assert without_comments(raw) == raw


@pytest.mark.parametrize("text", ["## A {#a}", "## A {#a .b}", "C# {#} ${#x[@]} #}", "{:/}"])
def test_text_that_only_looks_like_a_comment_stays(text: str) -> None:
    assert without_comments(text) == text


@pytest.mark.parametrize(
    "code",
    [
        "```\n{{ x }} {% if y %} <Tabs>\n```\n",
        "> ~~~ jsx\n> <A b={{c}} />\n> ~~~\n",
        "A `{{ x }}` and ``<B c={`d`} />``.",
        "```\n{% for x in y %}",
        "````\n```\n{{ x }}\n```\n````\n{: #x}",
    ],
)
def test_code_that_an_article_shows_stays(code: str) -> None:
    found = without_template_code(code, is_mdx=True)

    assert found
    assert found[0] == code.removesuffix("{: #x}")


def test_raw_text_stays_and_highlighted_text_is_a_listing() -> None:
    raw = "{% raw %}{{ `x` }}{% endraw %}"
    text = f"{raw} {{%- highlight ruby linenos -%}}\n{{{{ y }}}}\n{{% endhighlight %}}z"

    found = without_template_code(text, is_mdx=False)

    assert found
    assert found[0] == "{{ `x` }} \n```ruby\n{{ y }}\n```\nz"


@pytest.mark.parametrize(
    "text",
    [
        "{% if x %}A{% endif %}",
        "{%- for x in y -%}A{% endfor %}",
        "{%~ if x ~%}A{%~ endif ~%}",
        "{{#if x}}A{{/if}}",
        "{{~#each x}}A{{/each}}",
        "{{^x}}A{{/x}}",
        "{#if x}A{/if}",
        "{#each x as y}A{/each}",
        "<% if x %>A<% end %>",
        "<%- x.each do |y| -%>A<%- end -%>",
        "<% if (x) { %>A<% } %>",
        "A{% endcomment %}",
        "A {{ x",
        "{{< figure",
        "{% raw %}{{ x }}",
        "<% x",
    ],
)
def test_an_article_whose_code_remains_has_no_body(text: str) -> None:
    assert without_template_code(text, is_mdx=False) is None

    found = read(written(title="x", description="An excerpt.") + text)

    assert (found.article.content, found.article.excerpt) == ("", "An excerpt.")
    assert found.notes == ("body: left out, since its text depends on template code",)


def test_modules_and_expressions_are_removed_from_mdx_alone() -> None:
    text = (
        "import A from './a';\nimport {\n  b,\n} from 'c';\nimport './d.css'\n\n"
        "export const x = 1;\nexport function y() {\n  return 2;\n}\n\nA{' '}{x.y} b"
    )

    found = without_template_code(text, is_mdx=True)

    assert found
    assert found[0].split() == ["A", "b"]
    assert without_template_code(text, is_mdx=False) == (text, 0)


def test_removed_code_is_noted() -> None:
    found = read(written(title="x") + '{{< figure src="a.jpg" >}} {{ x }}')

    assert found.notes == ("body: pieces of template code left out: 2",)
    assert 'src="https://blog.example/2024/03/01/ferry/a.jpg"' in found.article.content


@pytest.mark.parametrize("mark", ["<!--more-->", "<!-- More -->", "<!-- truncate -->",
                                  "{/* truncate */}", "{/* more */}"])  # fmt: skip
def test_a_mark_ends_the_excerpt_when_there_is_no_other(mark: str) -> None:
    body = f"The <b>boat</b> *waits* for `Vec<u8>`.\n\nAnd {{{{< x >}}}}how.\n\n{mark}\n\nMore."

    assert article(written(title="x") + body).excerpt == "The boat waits for Vec<u8>. And how."
    assert article(written(title="x", summary="Own.") + body).excerpt == "Own."
    assert "More." in article(written(title="x") + body).content
    assert mark not in article(written(title="x") + body).content


def test_without_anything_before_the_mark_there_is_no_excerpt() -> None:
    assert article(written(title="x") + "\n<!--more-->\nMore.").excerpt == ""


#: Texts on which a careless pattern takes longest.
PIECES = [
    *("{{", "}}", "{%", "%}", "{{<", ">}}", "<A b={", "{: ", "](", "\x01", "\x020\x02", "`", "``"),
    *("```\n", "<a ", " ", "{", "}", "'", '"', "\n", "{% raw %}", "{% endraw %}", "[a]: ", "{#"),
    *(
        "<B> ",
        "</B ",
        "{# ",
        "#}",
        "{% comment %}",
        "{% comment ",
        "{::comment}",
        "{{<comment ",
        "{{/*",
    ),
    *("import {", "export const ", "::a[", "]{", "<!--", "-->", "src='", "a.b", "=", "<%", "A"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=60), st.booleans())
def test_any_text_is_parsed_without_an_error(pieces: list[str], is_mdx: bool) -> None:
    found = without_template_code("".join(pieces), is_mdx)

    assert found is None or not {"\x01", "\x02"}.intersection(found[0])


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("before", ["", "{{", "<A", "{% ", "](", "::a["])
def test_no_text_takes_long(piece: str, before: str) -> None:
    skip_if_quick()
    text = before + piece * (MAX_MARKDOWN // len(piece))
    begin = time.process_time()

    without_template_code(without_comments(text), is_mdx=True)

    assert time.process_time() - begin < 1


def test_types_in_running_text_take_linear_time() -> None:
    article(written(title="x") + "Vec<T> ")
    begin = time.process_time()

    found = read(written(title="x") + "Vec<T> " * 64_000)

    assert time.process_time() - begin < 2
    assert (found.article.content, found.notes) == (
        "", (f"body: over {MAX_MARKDOWN} characters: left out",)
    )  # fmt: skip


def test_a_body_that_is_too_long_is_left_out_of_its_article() -> None:
    assert article(written(title="x") + "x" * (MAX_MARKDOWN + 1)).content == ""
