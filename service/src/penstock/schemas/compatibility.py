"""Whether a schema goes with an earlier one: by level, in which direction readers and writers are compared.

| level | the new schema | compared with |
|---|---|---|
| BACKWARD | reads what the earlier one wrote | the last version; all with _TRANSITIVE |
| FORWARD | is read by the earlier one | |
| FULL | both | |
"""

from __future__ import annotations

from typing import Literal

from penstock.formats.schemas import WrittenSchema
from penstock.schemas.compatible_avro import unreadable as avro
from penstock.schemas.compatible_json import unreadable as json_schema
from penstock.schemas.compatible_protobuf import unreadable as protobuf

Level = Literal["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]

_CHECKS = {"AVRO": avro, "JSON": json_schema, "PROTOBUF": protobuf}


def problems(new: WrittenSchema, old: WrittenSchema, level: Level) -> list[str]:
    """What speaks against the new schema beside the old one."""
    if level == "NONE":
        return []
    if new.type != old.type:
        return [f"the schema is {new.type}, the earlier one {old.type}"]
    unreadable = _CHECKS[new.type]
    found: list[str] = []
    if level.startswith(("BACKWARD", "FULL")):
        found += [f"{p} (the new schema cannot read the old one's data)" for p in unreadable(new, old)]
    if level.startswith(("FORWARD", "FULL")):
        found += [f"{p} (the old schema cannot read the new one's data)" for p in unreadable(old, new)]
    return found
