"""Whatever text a page gets, a browser shows it as text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.text import printable
from productionpolicy.page import Node, document, tag
from productionpolicy.page.markup import rendered
from productionpolicy.page.parts import percent, share
from support.hostile import TEXTS


class Read(HTMLParser):
    """What a parser finds in HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def shown(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


@given(st.text())
def test_text_is_shown_as_it_is(text: str) -> None:
    read = Read(rendered(tag("p", text)))
    assert (read.text, [name for name, _ in read.tags]) == (shown(text), ["p"])


@given(st.text(min_size=1))
def test_the_value_of_an_attribute_stays_one_value(text: str) -> None:
    read = Read(rendered(tag("span", aria_label=text)))
    assert read.tags == [("span", {"aria-label": printable(text)})]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_adds_no_element(text: str) -> None:
    read = Read(document(text, tag("p", text), tag("code", text, aria_label=text)))
    assert [name for name, _ in read.tags] == ["html", "head", *["meta"] * 5, "title", "style", "body", "p", "code"]


@pytest.mark.parametrize("name", ["script", "style", "iframe", "img", "link", "object", "form", "p onclick=x"])
def test_elements_that_run_or_load_something_do_not_exist(name: str) -> None:
    with pytest.raises(ValueError, match="is not an element of a page"):
        tag(name)


@pytest.mark.parametrize("name", ["foreignObject", "use", "image", "animate", "set", "filter"])
def test_drawings_have_no_element_that_runs_or_loads_something(name: str) -> None:
    with pytest.raises(ValueError, match="is not an element of a page"):
        tag(name)


@pytest.mark.parametrize("name", ["onclick", "src", "srcdoc", "action", "x y"])
def test_attributes_that_run_or_load_something_do_not_exist(name: str) -> None:
    with pytest.raises(ValueError, match="is not an attribute"):
        tag("a", **{name: "x"})


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "data:text/html,x", "http://example", "//example", "/x", ".x:y", ""]
)
def test_a_link_leads_into_the_page_beside_it_or_to_https(target: str) -> None:
    with pytest.raises(ValueError, match="a link leads to"):
        tag("a", href=target)
    assert rendered(tag("a", "x", href="#y")) == "<a href=#y>x</a>"
    assert rendered(tag("a", "x", href="../y?z=1&b=2")) == '<a href="../y?z=1&amp;b=2">x</a>'


def test_nothing_is_left_out_but_end_tags_that_html_implies() -> None:
    rows: list[Node] = [tag("tr", tag("th", "a", scope="row"), tag("td", "1 < 2", class_="n x")), None]
    assert rendered(tag("table", tag("tbody", *rows)), tag("input", hidden=True, id=None, open=False)) == (
        '<table><tbody><tr><th scope=row>a<td class="n x">1 &lt; 2</table><input hidden>'
    )


def test_a_page_forbids_to_run_and_to_load_anything() -> None:
    policies = [attributes for name, attributes in Read(document("x")).tags if "http-equiv" in attributes]
    assert policies == [
        {
            "http-equiv": "Content-Security-Policy",
            "content": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        }
    ]


def test_only_all_of_them_are_all() -> None:
    assert [percent(*each) for each in ((0, 0), (0, 3), (999, 1000), (3, 3))] == ["n/a", "0%", "99%", "100%"]
    assert Read(rendered(share(1, 3))).text.strip() == "33%"
