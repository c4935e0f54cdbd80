from verifier.web.access import Access
from verifier.web.app import ENDPOINTS, build_app


def test_the_index_lists_every_route_and_loads_nothing(api):
    answer = api.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert all(each.public_path in answer.text for each in ENDPOINTS)


def test_head_is_answered_as_get(api):
    answer = api.request("HEAD", "/v1/jobs")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_path_of_signals_is_looked_for_before_any_other(service, config):
    app = build_app(service, Access.of(config.listen, config.tokens, None))
    assert app.routes[0].path == "/v1/signals"
