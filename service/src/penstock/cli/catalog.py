"""Commands on what there is: create, list, describe, drop."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli import output
from penstock.cli.documents import read_text
from penstock.cli.failure import Failure, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Json, connect

if TYPE_CHECKING:
    from penstock_client import Client, Relation, TopologyInfo

KINDS = ("relations", "topologies", "topics", "functions")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(create)
    app.command("list")(list_)
    app.command()(describe)
    app.command()(drop)


def create(
    file: Annotated[str, typer.Argument(help="YAML or JSON with one relation; - is standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Declare a stream or a table over a topic."""
    with failures(address):
        from penstock.planner.definition import load_relation

        relation = load_relation(read_text(file))
        with connect(address) as client, failures(address, request=relation):
            made = client.create_relation(relation, validate_only=dry_run)
        if json:
            output.json_line(relation_object(made))
        else:
            print(f"{'valid' if dry_run else 'created'}: {made.kind.lower()} {made.name}")


def list_(
    what: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}; without it relations and topologies.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Materialised nodes, dead letters and internal topics too.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """List relations and topologies, topics, or functions."""
    if what and what not in KINDS:
        raise typer.BadParameter(f"{what!r} is none of {', '.join(KINDS)}")
    with failures(address), connect(address) as client:
        for place, kind in enumerate([what] if what else KINDS[:2]):
            if place and not json:
                print()
            _LISTS[kind](client, all_, json)


def _relations(client: Client, all_: bool, json: bool) -> None:
    found = client.relations(include_nodes=all_)
    rows = ((r.name, r.kind, r.topic or "-", ", ".join(c.name for c in r.key) or "-", r.owner_topology or "-") for r in found)
    _show(json, map(relation_object, found), ("RELATION", "KIND", "TOPIC", "KEY", "TOPOLOGY"), rows)


def _topologies(client: Client, all_: bool, json: bool) -> None:
    found = client.topologies()
    rows = ((t.name, t.state, ", ".join(t.relations) or "-", t.state_reason) for t in found)
    _show(json, map(topology_object, found), ("TOPOLOGY", "STATE", "RELATIONS", ""), rows)


def _topics(client: Client, all_: bool, json: bool) -> None:
    found = client.topics(include_internal=all_)
    rows = ((t.name, t.partitions, ", ".join(t.relations) or "-") for t in found)
    _show(json, map(plain_object, found), ("TOPIC", "PARTITIONS", "RELATIONS"), rows)


def _functions(client: Client, all_: bool, json: bool) -> None:
    found = client.functions()
    rows = ((f.name, f.kind, f.description.split(". ")[0]) for f in found)
    _show(json, map(plain_object, found), ("FUNCTION", "KIND", ""), rows)


_LISTS = {"relations": _relations, "topologies": _topologies, "topics": _topics, "functions": _functions}


def _show(json: bool, objects: Iterable[dict[str, Any]], headers: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    if json:
        for item in objects:
            output.json_line(item)
    else:
        output.table(headers, rows)


def describe(
    name: Annotated[str, typer.Argument(help="A relation, `topology.node`, topology or function.")],
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Describe whatever has this name: relation, topology and function alike."""
    with failures(address), connect(address) as client:
        from penstock_client import errors

        found = 0
        for ask, show in ((client.relation, _relation), (client.topology, _topology), (client.function, _function)):
            try:
                item: Any = ask(name)
            except (errors.UnknownRelationError, errors.UnknownTopologyError, errors.UnknownFunctionError, errors.InvalidArgumentError):
                continue
            if found and not json:
                print()
            show(item, client, json)
            found += 1
        if not found:
            raise Failure(f"there is no relation, topology or function {name}")


def _relation(relation: Relation, client: Client, json: bool) -> None:
    if json:
        output.json_line(relation_object(relation))
        return
    print(f"{relation.kind.lower()} {relation.name}")
    output.fields(
        {
            "  topic": relation.topic,
            "  formats": f"{relation.key_format} / {relation.value_format}" if relation.topic else "",
            "  window": relation.window_size,
            "  owner": relation.owner_topology,
            "  writers": ", ".join(relation.writer_topologies),
            "  readers": ", ".join(relation.reader_topologies),
            "  lookup": "yes" if relation.lookup else "no",
            "  append": "no" if relation.read_only else "yes",
        }
    )
    output.table(("COLUMN", "TYPE", "ROLE"), ((c.name, c.type, c.role) for c in relation.columns))


def _topology(topology: TopologyInfo, client: Client, json: bool) -> None:
    if json:
        output.json_line(topology_object(topology))
        return
    print(f"topology {topology.name}")
    output.fields(
        {
            "  state": topology.state,
            "  reason": topology.state_reason,
            "  version": topology.version,
            "  registered": topology.register_time,
            "  relations": ", ".join(topology.relations),
            "  labels": dict(topology.definition.labels),
        }
    )
    nodes = ((n.name, n.WhichOneof("operator").upper(), ", ".join(n.inputs)) for n in topology.definition.nodes)
    output.table(("NODE", "OPERATOR", "INPUTS"), nodes)


def _function(function: Any, client: Client, json: bool) -> None:
    if json:
        output.json_line(plain_object(function))
        return
    print(f"{function.kind.lower()} function {function.name}\n  {function.description}")
    for signature in function.signatures:
        print(f"  {signature}")


def drop(
    name: Annotated[str, typer.Argument(help="A declared relation.")],
    delete_topic: Annotated[bool, typer.Option("--delete-topic", help="Delete the topic too.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Forget a declared relation; refused while a topology reads or writes it."""
    with failures(address), connect(address) as client:
        position = client.drop_relation(name, delete_topic=delete_topic)
        if json:
            output.json_line({"dropped": name, "position": position})
        else:
            print(f"dropped: {name}")


def plain_object(value: Any) -> dict[str, Any]:
    """For --json: a value of the client with its fields."""
    return dataclasses.asdict(value)


def relation_object(relation: Relation) -> dict[str, Any]:
    """For --json: types as SQL text."""
    out = {f.name: getattr(relation, f.name) for f in dataclasses.fields(relation)}
    out["columns"] = [{"name": c.name, "type": str(c.type), "role": c.role} for c in relation.columns]
    return out


def topology_object(topology: TopologyInfo) -> dict[str, Any]:
    """For --json: the definition in ProtoJSON."""
    from google.protobuf import json_format

    out = {f.name: getattr(topology, f.name) for f in dataclasses.fields(topology)}
    out["definition"] = json_format.MessageToDict(topology.definition, preserving_proto_field_name=True)
    return out
