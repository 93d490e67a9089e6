"""TLS, tokens and rights: see spec.md."""

from __future__ import annotations

from typing import Any

from penstock_client import Client, Retry, Tls
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    orders, tls, once = run.name("orders"), Tls(run.settings["ca"]), Retry(attempts=1)
    admin = run.connect(tls=tls, token=run.settings["token"])
    admin.create_stream(orders, "k STRING KEY, n INT")
    admin.append(orders, {"k": "a", "n": 1})

    def read(client: Client) -> list[int]:
        return [row.n for row in client.subscribe(orders, start="earliest", until="end")]

    def append(client: Client) -> str:
        return reason(lambda: client.append(orders, {"k": "a", "n": 1}, as_json=True))

    def named(name: str, **options: Any) -> Client:
        return run.connect(tls=Tls(run.settings["ca"], server_name=name), token=run.settings["reader"], **options)

    reader = run.connect(tls=tls, token=run.settings["reader"])
    return {
        "read": read(admin), "no_token": append(run.connect(tls=tls)), "wrong_token": append(run.connect(tls=tls, token="x")),
        "reader_appends": append(reader), "reader_reads": read(reader), "plain": reason(run.connect(retry=once).cluster),
        "stranger": reason(run.connect(tls=True, token="x", retry=once).cluster),
        "by_name": read(named("localhost")), "other_name": reason(named("other.example", retry=once).cluster),
    }  # fmt: skip
