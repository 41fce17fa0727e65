"""Links that say where they lead."""

import pytest

from bot.markdown.links import Link, find_host


@pytest.mark.parametrize(
    ("text", "target", "markdown"),
    [
        ("text", "https://evil.example/x", "[text](<https://evil.example/x>) (evil.example)"),
        ("google.com", "https://evil.example/", "[google.com](<https://evil.example/>) (evil.example)"),
        ("https://google.com", "https://evil.example/", "https://google.com (<https://evil.example/>)"),
        ("evil.example", "https://evil.example/x", "[evil.example](<https://evil.example/x>)"),
        ("**Example.org**", "https://www.example.org", "[**Example.org**](<https://www.example.org>)"),
        ("example.org/a", "http://example.org/a/", "[example.org/a](<http://example.org/a/>)"),
        ("https://a.example/x", "https://a.example/x", "<https://a.example/x>"),
        ("", "https://a.example/x", "<https://a.example/x>"),
        ("spaces", "https://a.example/b c>", "[spaces](<https://a.example/b%20c%3E>) (a.example)"),
        ("mail", "mailto:ada@example.org", "mail (mailto:ada@example.org)"),
        ("above", "#part", "above (#part)"),
        ("script", "javascript:alert(1)", "script (javascript:alert(1))"),
        ("nothing", "", "nothing"),
        ("a picture", "data:image/png;base64,iVBORw0KGgo=", "a picture"),
    ],
)
def test_a_link_says_where_it_leads(text: str, target: str, markdown: str) -> None:
    assert Link(text, target).markdown == markdown


def test_a_title_stays() -> None:
    assert Link("text", "https://a.example", "Title").markdown == '[text](<https://a.example> "Title") (a.example)'


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("https://google.com@evil.example/", "evil.example"),
        ("https://google.com:443@evil.example:8080/x", "evil.example"),
        ("https://evil.example\\@google.com/", "evil.example"),
        ("HTTPS://EVIL.example", "evil.example"),
        ("https://аpple.com/", "xn--pple-43d.com"),  # its first letter is Cyrillic
        ("https://[::1", None),
        ("https://", None),
        ("ftp://a.example", None),
        ("//a.example", None),
    ],
)
def test_the_host_is_the_one_that_a_browser_goes_to(target: str, host: str | None) -> None:
    assert find_host(target) == host
