"""Commands on topologies: apply, explain, pause, resume, reset, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli import output
from penstock.cli.catalog import relation_object, topology_object
from penstock.cli.documents import read_text
from penstock.cli.failure import FAILED, Failure, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Delete, Json, connect

if TYPE_CHECKING:
    from penstock_client import Client, TopologyInfo

Name = Annotated[str, typer.Argument(help="The topology's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (apply, explain, pause, resume, reset, delete):
        app.command()(command)


def apply(
    file: Annotated[str, typer.Argument(help="YAML or JSON with relations and topologies, by ---, or a .sql file; - is standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; a topology may not refer to relations of the same file then.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until a topology runs.")] = 30.0,
    update: Annotated[bool, typer.Option("--update", help="Update topologies that are registered with another definition.")] = False,
    allow_rebuild: Annotated[bool, typer.Option("--allow-rebuild", help="An update may compute state anew (the topology must be paused).")] = False,
    allow_drop: Annotated[bool, typer.Option("--allow-drop", help="An update may drop nodes with their state.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Declare the relations and register the topologies of a file, in order. Applying it again changes nothing."""
    if file.lower().endswith(".sql"):
        _apply_sql(file, dry_run, address, json)
        return
    with failures(address):
        from penstock.planner.definition import load_documents

        documents = load_documents(read_text(file))
        if not documents:
            raise Failure(f"{file} has no document")
        with connect(address) as client:
            for document in documents:
                with failures(address, request=document):
                    if update and _is_registered(client, document):
                        _update(client, document, dry_run, wait, json, allow_rebuild, allow_drop)
                    else:
                        _apply(client, document, dry_run, wait, json)


def _is_registered(client: Client, document: Any) -> bool:
    """Whether it is a topology whose name is taken."""
    from penstock_client import errors
    from penstock_client.gen.penstock.v1 import relation_pb2

    if isinstance(document, relation_pb2.Relation):
        return False
    try:
        client.topology(document.name)
    except errors.UnknownTopologyError:
        return False
    return True


def _update(client: Client, document: Any, dry_run: bool, wait: float, json: bool, rebuild: bool, drop: bool) -> None:
    made = client.update_topology(document, validate_only=dry_run, allow_rebuild=rebuild, allow_drop=drop, wait=None if dry_run else wait)
    changes = [{"node": c.node, "effect": c.effect, "reason": c.reason, "needs_leave": c.needs_leave} for c in made.changes]
    if json:
        output.json_line({"type": "topology", **topology_object(made.topology), "changes": changes})
    else:
        print(f"topology {made.topology.name}: {'an update would' if dry_run else 'updated'}")
        output.table(["NODE", "EFFECT", "WHY"], [[c.node, c.effect + ("*" if c.needs_leave else ""), c.reason] for c in made.changes])
        if any(c.needs_leave for c in made.changes) and dry_run:
            print("* needs --allow-rebuild or --allow-drop")
    if not dry_run and made.topology.state == "FAILED":
        raise typer.Exit(FAILED)


def _apply(client: Client, document: Any, dry_run: bool, wait: float, json: bool) -> None:
    from penstock_client.gen.penstock.v1 import relation_pb2

    if isinstance(document, relation_pb2.Relation):
        relation = client.create_relation(document, validate_only=dry_run)
        if json:
            output.json_line({"type": "relation", **relation_object(relation)})
        else:
            print(f"{relation.kind.lower()} {relation.name}: {'valid' if dry_run else 'declared'}")
        return
    info = client.register_topology(document, wait=None if dry_run else wait, validate_only=dry_run)
    _print(info, json, "valid" if dry_run else info.state.lower())
    if not dry_run and info.state == "FAILED":
        raise typer.Exit(FAILED)


def _apply_sql(file: str, dry_run: bool, address: str, json: bool) -> None:
    """Statements that were executed before, in the same words, are answered as done; what stands there from others is said."""
    with failures(address):
        from penstock.cli.sql_runner import SqlRunner

        text = read_text(file)
        with connect(address) as client, failures(address, {"sql": text}):
            runner = SqlRunner(client, json)
            for result in client.sql_results(text, apply=True, validate_only=dry_run):
                if json or not result.message:
                    runner.show(result)
                else:
                    print(f"{'unchanged' if result.unchanged else 'valid' if dry_run else 'done'}: {result.message}")


def _print(info: TopologyInfo, json: bool, word: str) -> None:
    if json:
        output.json_line({"type": "topology", **topology_object(info)})
        return
    reason = f" ({info.state_reason})" if info.state_reason and word != "valid" else ""
    publishes = f", publishes {', '.join(info.relations)}" if info.relations else ""
    print(f"topology {info.name}: {word}{reason}{publishes}")
    for warning in info.warnings:
        print(f"  warning: {warning}")


def explain(
    target: Annotated[str, typer.Argument(help="A registered topology, or a file with one.")],
    source: Annotated[bool, typer.Option("--source", help="Show the generated Python too.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Show the plan of a topology: tasks, nodes, types, topics, stores."""
    with failures(address):
        definition = None
        if target == "-" or "." in target or "/" in target:  # topology names have neither
            from penstock.planner.definition import load_topology

            definition = load_topology(read_text(target))
        with connect(address) as client, failures(address, request=definition):
            text = client.explain(target if definition is None else definition, source=source)
        if json:
            output.json_line({"topology": target, "text": text})
        else:
            print(text)


def pause(name: Name, address: Address = DEFAULT_ADDRESS, json: Json = False) -> None:
    """Stop processing at a commit; lookups go on."""
    with failures(address), connect(address) as client:
        _print(client.pause_topology(name), json, "paused")


def resume(name: Name, address: Address = DEFAULT_ADDRESS, json: Json = False) -> None:
    """Go on where the topology was paused, and try failed tasks again."""
    with failures(address), connect(address) as client:
        _print(client.resume_topology(name), json, "resumed")


def reset(
    name: Name,
    from_: Annotated[str, typer.Option("--from", help="Where it begins: earliest, latest, a token or a time. Else as its definition says.")] = "",
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Forget state and positions of a paused topology."""
    from penstock.cli.reading import start_of

    with failures(address), connect(address) as client:
        _print(client.reset_topology(name, start=start_of(from_)), json, "reset")


def delete(name: Name, delete_topics: Delete = False, address: Address = DEFAULT_ADDRESS, json: Json = False) -> None:
    """Stop a topology and delete its state; its sinks' topics stay unless --delete-topics."""
    with failures(address), connect(address) as client:
        position = client.delete_topology(name, delete_topics=delete_topics)
        if json:
            output.json_line({"deleted": name, "position": position})
        else:
            print(f"deleted: {name}")
