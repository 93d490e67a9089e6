"""Backup and restore of the service's registry: the calls' parts, for both clients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock_client.gen.penstock.v1 import registry_service_pb2 as pb

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, or would do. forgotten: names that the registry had and the backup has not; types, functions, schemas: how many. missing_topics: what the log does not have
    and something restored needs. position: includes it, "" where it was only validated."""

    backup_time: datetime
    topologies: tuple[str, ...]
    relations: tuple[str, ...]
    types: int
    functions: int
    schemas: int
    forgotten: tuple[str, ...]
    missing_topics: tuple[str, ...]
    position: str


def requests(data: bytes, replace: bool, validate_only: bool) -> Iterator[pb.RestoreRegistryRequest]:
    """The options, then the file in parts."""
    yield pb.RestoreRegistryRequest(options=pb.RestoreOptions(replace=replace, validate_only=validate_only))
    for begin in range(0, len(data), CHUNK):
        yield pb.RestoreRegistryRequest(chunk=data[begin : begin + CHUNK])


def restored(r: pb.RestoreRegistryResponse) -> Restored:
    """The response."""
    return Restored(
        r.backup_time.ToDatetime(UTC), tuple(r.topologies), tuple(r.relations), r.types, r.functions, r.schemas, tuple(r.forgotten),
        tuple(r.missing_topics), r.position.value,
    )  # fmt: skip
