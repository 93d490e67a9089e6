"""What runs in the storm: nine topologies whose whole outcome follows from what was acknowledged."""

from __future__ import annotations

from penstock_client import Client, Topology, tumbling
from penstock_client.declare import Binding

PARTITIONS = 4
YEAR = 365 * 86_400
FINAL_SIZE, FINAL_GRACE = 5, 8
"""Seconds. Shorter than the distance between the keys of a partition now and then, so that some records are late."""
KEPT = ("running", "finals", "enriched", "pairs", "tallied", "seconds", "placed", "returned", "mended")
"""Outputs whose every record is checked, so that their topics must keep every record: a table's own would be compacted."""


def declare(client: Client) -> None:
    """The relations that are written to from outside."""
    binding = Binding(partitions=PARTITIONS)
    client.create_stream("numbers", "K STRING KEY, N BIGINT, AMOUNT BIGINT, G STRING", binding)
    client.create_stream("marks", "K STRING KEY, M BIGINT", binding)
    client.create_table("profiles", "K STRING PRIMARY KEY, V BIGINT", binding)
    client.create_table("orders", "O STRING PRIMARY KEY, OWNER STRING, A BIGINT", binding)


def storm() -> Topology:
    """Echo; running aggregates; aggregates by another key, with windows and without: two sub-topologies, four stores."""
    t = Topology("storm", updates="EVERY")
    numbers = t.stream("numbers")
    numbers.select("N", "AMOUNT", "G").to("echo")
    numbers.group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), ("MIN(AMOUNT)", "LO"), ("MAX(AMOUNT)", "HI"), name="running").to("running")
    numbers.group_by("G", name="by_g").aggregate(("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="groups").to("groups")
    numbers.group_by("G", name="by_g_minute").window(tumbling(minutes=1, grace=YEAR, retention=2 * YEAR)).aggregate(
        ("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="minutes").to("minutes")
    return t


def second(odd: bool = False) -> Topology:
    """A chain: it reads another topology's output; the newest value a commit. odd: with another text of its filter, for updates."""
    t = Topology("second")
    t.stream("echo").filter("N > 0" if odd else "N >= 1", name="all").group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="echoed").to("echoed")
    return t


def closing() -> Topology:
    """Windows that leave once, when they are closed."""
    t = Topology("closing")
    t.stream("numbers").group_by("K").window(tumbling(seconds=FINAL_SIZE, grace=FINAL_GRACE, retention=YEAR)).aggregate(
        ("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), name="finals", emit="FINAL").to("finals")
    return t


def meeting() -> Topology:
    """A stream with a stream, and the same stream with a table."""
    t = Topology("meeting")
    numbers, profiles = t.stream("numbers"), t.table("profiles")
    numbers.join(profiles, "N", "V", name="enrich").to("enriched")
    numbers.join_stream(t.stream("marks"), "N", "M", within=0.2, grace=YEAR, name="pair").to("pairs")
    return t


def owning() -> Topology:
    """A table with another one by a foreign key, there and back through topics of its own."""
    t = Topology("owning")
    t.table("orders").join(t.table("profiles"), "OWNER", "A", "V", foreign_key="OWNER", name="own").to("owned")
    return t


def tallying() -> Topology:
    """A plug-in with a store and punctuations by stream time, behind a source by pattern."""
    t = Topology("tallying")
    tally = t.streams(pattern="numb.rs", columns="K STRING KEY, N BIGINT", name="numbers").process("tally", name="tally")
    tally["counts"].to("tallied")
    tally["seconds"].to("seconds")
    return t


def placing() -> Topology:
    """A stream with a global table."""
    t = Topology("placing")
    t.stream("numbers").join_global(t.global_table("profiles"), "N", "V", keys="K", kind="LEFT", name="place").to("placed")
    return t


def returning() -> Topology:
    """Deleted and registered anew under its name: nothing of an earlier life may be in a later one."""
    t = Topology("returning", updates="EVERY")
    t.stream("numbers", start="earliest").group_by("K").aggregate(
        ("COUNT(*)", "C"), ("SUM(AMOUNT)", "S"), ("MIN(AMOUNT)", "LO"), ("MAX(AMOUNT)", "HI"), name="returned").to("returned")
    return t


def mending(gate: str) -> Topology:
    """A plug-in that fails for some numbers until a file is there: dead letters, which are replayed while it storms."""
    t = Topology("mending")
    t.stream("numbers").process("gated", config={"gate": gate, "every": "20"}, name="gated")["out"].to("mended")
    return t


ALL = (storm, second, closing, meeting, owning, tallying, placing, returning)
