import re

import pytest

from gator.app import create_app
from gator.page.docs import docs_page
from gator.page.notation import bounds_of, fields_of, type_of

DOCUMENT = create_app().openapi()
PAGE = docs_page(DOCUMENT)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "binary"}, "bytes"),
        ({"enum": ["direct", "group"]}, '"direct" | "group"'),
        ({"const": True}, "true"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "array", "items": {"type": "integer"}}, "integer[]"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "(string | null)[]"),
        ({"$ref": "#/components/schemas/Message"}, "Message"),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "{ [name]: number }"),
        ({"type": "object", "properties": {"a": {"type": "null"}}}, "{ a?: null }"),
        ({}, "any"),
    ],
)
def test_a_type_is_written_as_programmers_do(schema: dict[str, object], text: str) -> None:
    assert type_of(schema) == text


def test_a_field_that_may_be_left_out_has_a_question_mark() -> None:
    schema = {"properties": {"id": {"type": "string"}, "name": {"type": "string"}}, "required": ["id"]}
    assert fields_of(schema) == [("id", "string"), ("name?", "string")]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, ""),
        ({"type": "string", "minLength": 1, "maxLength": 128}, "1 to 128 characters"),
        ({"type": "array", "maxItems": 9}, "at most 9 items"),
        ({"type": "integer", "minimum": 0}, "at least 0"),
        ({"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]}, "at most 5 characters"),
        ({"type": "integer", "default": 50, "maximum": 200}, "at most 200, 50 if not given"),
    ],
)
def test_bounds_have_units(schema: dict[str, object], text: str) -> None:
    assert bounds_of(schema) == text


def test_every_route_and_every_object_is_described_once() -> None:
    routes = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    described = re.findall(r'<section id="([^"]+)"', PAGE)
    assert sorted(described) == sorted([*routes, *DOCUMENT["components"]["schemas"]])


def test_every_link_within_leads_somewhere() -> None:
    assert set(re.findall(r'href="#([^"]+)"', PAGE)) <= set(re.findall(r'id="([^"]+)"', PAGE))


def test_nothing_is_loaded_from_another_host_and_nothing_is_run() -> None:
    assert "://" not in PAGE
    assert "<script" not in PAGE
    assert "style=" not in PAGE


def test_what_a_document_says_is_text() -> None:
    document = DOCUMENT | {"info": DOCUMENT["info"] | {"title": "<script>"}}
    assert "<script" not in docs_page(document)
    assert "&lt;script&gt;" in docs_page(document)
