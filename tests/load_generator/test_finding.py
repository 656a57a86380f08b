"""What a search reports when it has found no peak."""

from load_generator.finding import not_found


def test_a_reason_that_quotes_a_page_is_one_line():
    quoted = "Every request failed: status 503: <html>\r\n  <h1>Busy</h1>\n</html>"
    assert not_found(quoted).reason == (
        "Every request failed: status 503: <html> <h1>Busy</h1> </html>"
    )
