"""Definitions are refused with the reason and the place of each mistake: see spec.md."""

from __future__ import annotations

from collections.abc import Callable

from penstock_client import Binding, PenstockError, Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, other = run.client, run.name("orders"), run.name("other")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=2))
    client.create_stream(other, "k STRING KEY, m INT", Binding(partitions=3))

    def check(build: Callable[[Topology], object]) -> None:
        topology = Topology(run.name("t"))
        build(topology)
        client.register_topology(topology, validate_only=True)

    def why(build: Callable[[Topology], object]) -> str:
        return reason(lambda: check(build))

    def misspelt() -> None:
        topology = Topology(run.name("t"))
        topology.stream(orders).to(run.name("out"))
        message = topology.message()
        message.nodes[1].inputs[0] = "nobody"
        client.register_topology(message, validate_only=True)

    avro = Binding(topic=run.name("avro"), value_format="AVRO")
    published = Topology(run.name("first"))
    published.stream(orders).to(run.name("first_out"), binding=avro)
    client.register_topology(published, wait=30)
    texts = Topology(run.name("texts"))
    texts.stream(orders).select(n="CAST(n AS STRING)").to(run.name("out"), binding=avro)
    place: list[object] = []
    try:
        check(lambda t: t.stream(orders).filter("n >", name="f").to(run.name("out")))
    except PenstockError as error:
        place = [error.expression.node, error.expression.start, error.expression.end] if error.expression else []
    return {
        "source": why(lambda t: t.stream(run.name("none")).to(run.name("out"))),
        "column": why(lambda t: t.stream(orders).filter("nn > 1").to(run.name("out"))),
        "expression": why(lambda t: t.stream(orders).filter("n >", name="f").to(run.name("out"))), "place": place,
        "types": why(lambda t: t.stream(orders).filter("n > 'x'").to(run.name("out"))),
        "function": why(lambda t: t.stream(orders).select(x="NO_SUCH(n)").to(run.name("out"))),
        "twice": why(lambda t: (t.stream(orders, name="x"), t.stream(other, name="x"))),
        "join": why(lambda t: t.stream(orders).join_stream(t.stream(other), within=1).to(run.name("out"))),
        "processor": why(lambda t: t.stream(orders).process("no_such")["out"].to(run.name("out"))),
        "schema": why(lambda t: t.stream(run.name("in"), columns="k STRING KEY, n NOPE").to(run.name("out"))),
        "format": why(lambda t: t.stream(orders).to(run.name("out"), binding=Binding(value_format="NOPE"))), "input": reason(misspelt),
        "incompatible": reason(lambda: client.register_topology(texts)),
    }  # fmt: skip
