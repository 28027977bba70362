import ast
import re
from pathlib import Path
from typing import get_args

import apsw
import pytest

import gator.storage
from gator.storage.statements import Engine, statements

HOME = Path(gator.storage.__file__).parent
FULL_SCAN = re.compile(r"SCAN (?!unread$|personas$|runs USING INDEX live_runs$|\w+ VIRTUAL TABLE)")
"""Reading a whole table. `unread` is a subquery that is bounded by its own limit, virtual are parameters;
all personas are read once, at the start, and the index of live runs holds nothing else."""


def strings_in_the_code() -> set[str]:
    trees = [ast.parse(file.read_text()) for file in HOME.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def nothing(sql: str) -> dict[str, None]:
    return dict.fromkeys(re.findall(r":(\w+)", sql))


@pytest.mark.parametrize("engine", get_args(Engine))
def test_every_statement_has_one_name_in_one_file(engine: Engine) -> None:
    names = [
        name
        for file in (*HOME.glob("sql/*.sql"), *HOME.glob(f"sql/{engine}/*.sql"))
        for name in re.findall(r"^-- name: (.*)$", file.read_text(), re.MULTILINE)
    ]
    assert sorted(names) == sorted(statements(engine))
    assert len(names) == len(set(names))


def test_every_engine_has_the_same_statements_with_the_same_bindings() -> None:
    one, other = map(statements, get_args(Engine))
    assert {name: set(nothing(text)) for name, text in one.items()} == {
        name: set(nothing(text)) for name, text in other.items()
    }


def test_a_file_of_statements_begins_with_a_name() -> None:
    assert all(file.read_text().startswith("-- name: ") for file in HOME.glob("sql/**/*.sql"))


def test_every_statement_is_used() -> None:
    assert set(statements("sqlite")) - strings_in_the_code() == set()


@pytest.mark.parametrize("name", statements("sqlite"))
def test_a_statement_fits_the_schema(connection: apsw.Connection, name: str) -> None:
    sql = statements("sqlite")[name]
    connection.execute(f"EXPLAIN {sql}", nothing(sql)).fetchall()


@pytest.mark.parametrize("name", statements("sqlite"))
def test_a_statement_reads_through_an_index(connection: apsw.Connection, name: str) -> None:
    sql = statements("sqlite")[name]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", nothing(sql))]
    assert [step for step in plan if FULL_SCAN.match(step)] == []


def test_repeats_are_looked_up_one_by_one_in_the_index_that_forbids_them(connection: apsw.Connection) -> None:
    sql = statements("sqlite")["messages_by_client_ids"]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", nothing(sql))]
    assert [step.split(" (")[0] for step in plan] == [
        "SCAN sent VIRTUAL TABLE INDEX 1:",
        "SEARCH m USING INDEX messages_by_client_id",
        "SEARCH u USING PRIMARY KEY",
    ]


@pytest.mark.parametrize("name", ["messages_after", "messages_before", "events_after", "members_page"])
def test_a_page_is_read_in_its_order_without_sorting(connection: apsw.Connection, name: str) -> None:
    sql = statements("sqlite")[name]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", nothing(sql))]
    assert not any("TEMP B-TREE" in step for step in plan)
