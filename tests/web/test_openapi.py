import json
import re

from starlette.routing import Route

from verifier.runs.advice import AdviceAction
from verifier.runs.signal import Kind
from verifier.runs.verdict import Verdict
from verifier.web.app import ENDPOINTS, OPENAPI

DOCUMENT = json.loads(OPENAPI)
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    (method.upper(), path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def test_it_is_served_as_it_is(api):
    answer = api.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"


def test_it_covers_every_route_and_no_other(api):
    served = {
        (method, route.path.replace(":path}", "}"))
        for route in api.app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(OPERATIONS) == served == {(each.method, each.public_path) for each in ENDPOINTS}


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    used = set(re.findall(r'"#/components/schemas/(\w+)"', OPENAPI.decode()))
    assert used == set(SCHEMAS)


def test_every_placeholder_is_a_parameter():
    for (_, path), operation in OPERATIONS.items():
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_names_of_operations_are_unique():
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_the_words_are_those_of_the_program():
    assert set(SCHEMAS["Verdict"]["enum"]) == set(Verdict)
    assert set(SCHEMAS["AdviceAction"]["enum"]) == set(AdviceAction)
    assert set(SCHEMAS["Kind"]["enum"]) == set(Kind)


def test_every_filter_of_runs_is_a_parameter():
    (operation,) = (each for key, each in OPERATIONS.items() if key == ("GET", "/v1/runs"))
    assert {each["name"] for each in operation["parameters"]} == {
        *("job", "verdict", "lane", "partition", "worker"),
        *("since", "until", "cursor", "limit"),
    }


def test_every_error_is_a_problem_document():
    for operation in OPERATIONS.values():
        errors = {
            status: each for status, each in operation["responses"].items() if status != "200"
        }
        assert "500" in errors
        for error in errors.values():
            assert set(error["content"]) == {"application/problem+json"}


def test_only_actions_always_take_an_operate_token():
    always = [key for key, each in OPERATIONS.items() if each["security"] == [{"operate": []}]]
    assert always == [("POST", "/v1/actions")]


def test_answers_may_have_more_fields_later_and_questions_may_not():
    assert "additionalProperties" not in SCHEMAS["Run"]
    assert SCHEMAS["WireSignal"]["additionalProperties"] is False
