"""Functions that programs compute, on a real node: declared, called in SQL and in topologies, while programs and workers come and go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from penstock_client import Client, Topology
from penstock_client.declare import Binding, function
from penstock_client.errors import InvalidArgumentError, NameTakenError, UnknownFunctionError, UnsupportedError
from penstock_client.processing import RetryBundle
from penstock_client.row import Row
from penstock_client.worker import Worker
from real import RealNode, wait_for


def score(text: str, price: int) -> int:
    if price == 13:
        raise ValueError(f"{text}: 13 is unlucky")
    return len(text) * price


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    with RealNode(tmp_path_factory.mktemp("functions"), workers=2) as started:
        started.client.create_function(function("score", "STRING, BIGINT -> BIGINT", deterministic=True, cache_rows=100, description="The score."))
        started.client.create_stream("BOUGHT", "WHO STRING KEY, PRICE BIGINT", Binding(partitions=4))
        yield started


def rows(client: Client, name: str) -> list[Row]:
    return list(client.subscribe(name, start="earliest", until="end"))


def test_a_function_is_declared(node: RealNode) -> None:
    client = node.client
    made = client.create_function(function("SCORE", "STRING, BIGINT -> BIGINT", deterministic=True, cache_rows=100, description="The score."))  # equal
    assert (made.kind, made.signatures, made.description) == ("SCALAR", ("SCORE(STRING, BIGINT) -> BIGINT",), "The score.")
    assert client.function("Score") == made and made in client.functions()
    for other in (function("SCORE", "STRING -> BIGINT"), function("UCASE", "STRING -> STRING"), function("sum", "BIGINT -> BIGINT", version=2)):
        with pytest.raises(NameTakenError):
            client.create_function(other)
    for bad in (function("1st", "INT -> INT"), function("F", "INT -> INT", cache_rows=1), function("F", "INT -> INT", timeout=0.01)):
        with pytest.raises(InvalidArgumentError):
            client.create_function(bad)
    client.create_function(function("GONE", "INT -> INT"))
    client.create_function(function("GONE", "INT -> STRING", version=2))
    assert client.function("GONE").signatures == ("GONE(INT) -> STRING",)
    client.drop_function("gone")
    for again in (client.drop_function, client.function):
        with pytest.raises(UnknownFunctionError):
            again("GONE")


def test_sql_calls_a_function_exactly_once_while_programs_and_workers_are_killed(node: RealNode) -> None:
    client = node.client
    client.sql("CREATE STREAM SCORED AS SELECT WHO, PRICE, SCORE(WHO, PRICE) + 1 AS S FROM BOUGHT WHERE PRICE >= 0;")
    client.append("BOUGHT", [{"WHO": f"w{n % 7}", "PRICE": n % 20} for n in range(2000)])
    (query,) = {t.name for t in client.topologies() if "SCORED" in t.name}
    wait_for(lambda: any("no program serves SCORE/1" in t.state_reason for t in client.tasks(query)), 20, "the tasks to say what they wait for")
    with Worker(node.address, functions={"SCORE": score}):
        for n in range(4):
            client.append("BOUGHT", [{"WHO": f"w{i % 7}", "PRICE": i % 20} for i in range(500)])
            if n == 1:
                os.kill(node.pids("w")["w0"], signal.SIGKILL)
            with Worker(node.address, functions={"score/1": score}):
                time.sleep(0.05)
        wait_for(lambda: len(rows(client, "SCORED")) == 3800, 40, "all rows but the bad ones")
    found = rows(client, "SCORED")
    assert len(found) == 3800 and all(row["S"] == 2 * row["PRICE"] + 1 for row in found)
    letters = node.dead_letters(query, 200)
    assert len(letters) == 200 and all("13 is unlucky" in letter.REASON for letter in letters)


def test_a_bundle_that_fails_as_a_whole_comes_again(node: RealNode) -> None:
    client, tries = node.client, []
    client.create_function(function("LATER", "BIGINT -> STRING", max_attempts=3))

    def later(price: int) -> object:
        tries.append(price)
        if price == 1 and len(tries) < 3:
            raise RetryBundle("the other service is away")
        return price if price == 2 else f"<{price}>"  # 2 gives what is no STRING

    t = Topology("later")
    t.stream("BOUGHT").filter("WHO LIKE 'l%'").select("LATER(PRICE) AS L").to("later_out")
    client.register_topology(t, wait=20)
    with Worker(node.address, functions={"LATER": later}):
        client.append("BOUGHT", [{"WHO": "l1", "PRICE": 1}])
        wait_for(lambda: [row["L"] for row in rows(client, "later_out")] == ["<1>"], 20, "the third try")
        client.append("BOUGHT", [{"WHO": "l1", "PRICE": 2}])
        (letter,) = node.dead_letters("later", 1)
    assert "does not fit" in letter.REASON and "(attempt 3 of 3)" in letter.REASON


def test_where_a_function_cannot_be_called(node: RealNode) -> None:
    client = node.client
    client.create_table("PRICES", "WHO STRING KEY, PRICE BIGINT")
    for text, why in (("CREATE TABLE T1 AS SELECT WHO, SCORE(WHO, PRICE) AS S FROM PRICES;", "compute it in a stream before"),
                      ("CREATE TABLE T2 AS SELECT WHO, SUM(SCORE(WHO, PRICE)) AS S FROM BOUGHT GROUP BY WHO;", "put a select before it"),
                      ("SELECT WHO, SCORE(WHO, PRICE) FROM PRICES WHERE WHO = 'a';", "CREATE STREAM ... AS SELECT")):
        with pytest.raises(UnsupportedError, match=why.replace(".", r"\.")):
            list(client.query(text)) if text.startswith("SELECT") else client.sql(text)
