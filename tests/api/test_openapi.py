from typing import Any

import pytest

from gator.app import create_app

DOCUMENT: dict[str, Any] = create_app().openapi()
OPERATIONS = [
    pytest.param(operation, id=f"{method.upper()} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


def test_the_document_names_product_version_and_licence() -> None:
    from gator import __version__

    assert DOCUMENT["info"]["title"] == "Gator Chat"
    assert DOCUMENT["info"]["version"] == __version__
    assert DOCUMENT["info"]["license"]["name"] == "Apache-2.0"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_route_says_what_it_does(operation: dict[str, Any]) -> None:
    assert operation["description"].endswith((".", ")"))
    assert operation["tags"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_route_documents_its_problem_as_it_is_sent(operation: dict[str, Any]) -> None:
    assert operation["responses"]["default"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    assert "422" not in operation["responses"], "FastAPI's own shape of errors is never sent"


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


def references(node: object) -> list[str]:
    """Find every `$ref` in a document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def test_ids_of_operations_are_unique() -> None:
    ids = [parameter.values[0]["operationId"] for parameter in OPERATIONS]
    assert len(ids) == len(set(ids))
