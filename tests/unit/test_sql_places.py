"""Trees that SQL gives the planner beside the texts: the same as reading them, but with their places in the statement."""

from __future__ import annotations

import pytest
from penstock.errors import ExpressionError
from penstock.expr.ast import Ast
from penstock.expr.parser import parse_expression
from penstock.planner import plan_topology
from penstock.sql.effects import Start
from penstock.sql.execute import decide
from penstock.sql.script import parse_script
from penstock.testing.sql_engine import SqlEngine


def engine(*names: str) -> SqlEngine:
    made = SqlEngine()
    columns = "k STRING KEY, v INT, w STRING, s STRUCT<f INT, `f` INT>, l ARRAY<INT>"
    for name in names:
        for parsed in parse_script(f"CREATE STREAM {name} ({columns}) WITH (kafka_topic='{name}', partitions=1, value_format='JSON');", made.session):
            made.execute(parsed.statement, parsed.text)
    return made


def placeless(tree: object) -> object:
    """A syntax tree without its places."""
    if isinstance(tree, tuple):
        return tuple(map(placeless, tree))
    if not isinstance(tree, Ast):
        return tree
    return type(tree).__name__, *(placeless(getattr(tree, name)) for name in type(tree).__match_args__[2:] if name != "type_start")


EVERY_KIND = """
    SELECT `K`, -v + - 1 * (2 - -3) AS a, NOT (v > 1 OR v < 0 AND w = 'it''s') AS b, CASE WHEN v = 1 THEN 'x' ELSE w END AS c, CASE WHEN v IS NULL THEN 1 END AS d,
        CAST(v AS DECIMAL(4, 2)) AS e, s->f AS f, s->`f` AS g, l[1] AS h, ARRAY[v, 1][2] AS i, MAP(w := v) AS j, STRUCT(A := v, `b` := w) AS l2,
        TRANSFORM(l, (x) => x + v) AS m, REDUCE(l, 0, (acc, x) => acc + x) AS n, TIMEADD(MINUTES, v, CAST(NULL AS TIME)) AS o, w LIKE '%!%' ESCAPE '!' AS p,
        v IN (1, 2) AND v NOT BETWEEN 3 AND 4 AS q, v IS DISTINCT FROM 1 AS r, CAST('2020-01-01' AS TIMESTAMP) AT TIME ZONE 'UTC' AS t, w || 'a' || k AS u, ROWTIME AS z
    FROM p"""


@pytest.mark.parametrize("sql", [
    "CREATE STREAM o AS" + EVERY_KIND + " WHERE v % 2 = 0;",
    "CREATE STREAM o AS SELECT UCASE(k) AS k, EXPLODE(l) + 1 AS e, LEN(k) AS n FROM p PARTITION BY UCASE(k);",
    "CREATE TABLE o AS SELECT v + 1 AS g, COUNT(*) + SUM(v) AS c, COLLECT_LIST(w) AS l FROM p WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY v + 1 HAVING MAX(v) > 2;",
    "CREATE STREAM o AS SELECT p.k, p.v + q.v AS s FROM p JOIN p2 q WITHIN 1 MINUTE ON p.k = q.k WHERE LEN(q.w) > 1;",
])
def test_trees_for_the_planner_are_those_of_their_texts(sql: str) -> None:
    made = engine("p", "p2")
    (parsed,) = parse_script(sql, made.session)
    effect = decide(parsed, made.session, made.catalog)
    assert isinstance(effect, Start) and effect.trees
    for text, tree in effect.trees.items():
        assert placeless(tree) == placeless(parse_expression(text)), text
    assert str(plan_topology(effect.definition, made.catalog, service_id="t", incarnation=1, trees=effect.trees)) == str(
        plan_topology(effect.definition, made.catalog, service_id="t", incarnation=1))


@pytest.mark.parametrize(("sql", "place"), [
    ("CREATE STREAM o AS SELECT k, v / w AS x FROM orders;", "v / w"),
    ("CREATE STREAM o AS SELECT k, v FROM orders WHERE v + 1;", "v + 1"),
    ("CREATE STREAM o AS SELECT k, v FROM orders WHERE LEN(v) > 1;", "LEN(v)"),
    ("CREATE TABLE o AS SELECT k, SUM(w) AS s FROM orders GROUP BY k;", "SUM(w)"),
])
def test_errors_of_types_name_the_place_in_the_statement(sql: str, place: str) -> None:
    made = engine("orders")
    (parsed,) = parse_script(sql, made.session)
    with pytest.raises(ExpressionError) as refused:
        made.execute(parsed.statement, parsed.text)
    assert parsed.text[refused.value.start:refused.value.end] == place
