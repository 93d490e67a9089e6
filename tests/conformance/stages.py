"""The kinds of nodes that scenarios need, each started when it is first needed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from certificates import Authority
from node_stage import NodeStage
from penstock.security.tokens import new_token
from penstock_client import Client, Tls
from ports import free_ports
from real import RealNode
from scripted import ScriptedStage
from stage import Stage

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


class Tokens:
    """The tokens of a secured node, in its file: an administrator's and a reader's, which may be exchanged for another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.admin, self._admin_line = new_token("root")
        self.reader = self._write()

    def exchange(self, settings: dict[str, str]) -> dict[str, str]:
        """The reader has another token from now on; later drivers are given that one."""
        settings["reader"] = self._write()
        return {"token": settings["reader"]}

    def _write(self) -> str:
        reader, line = new_token("guest")
        written = self.path.with_suffix(".new")
        written.write_text(f"root {self._admin_line} admin:*\nguest {line} reader:*\n")
        written.replace(self.path)
        return reader


class Stages:
    """A stage of each kind: `plain`; `secured`, with TLS and tokens; `limited`, with little of everything, for clients with a
    certificate; `empty`, whose registry has nothing, which a scenario leaves so, or ended; `scripted`, a service that only refuses."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stages: dict[str, Stage] = {}
        self._open = contextlib.ExitStack()
        self._started = 0
        self._kinds: dict[str, Callable[[], Stage]] = {
            "plain": self._start, "secured": self._secured, "limited": self._limited, "empty": self._start, "scripted": ScriptedStage,
        }  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            for stage in self._stages.values():
                stage.close()
        self._open.close()

    def of(self, kind: str) -> Stage:
        """The stage of a kind. KeyError for an unknown one."""
        known = self._stages.get(kind)
        if known is None or isinstance(known, NodeStage) and not known.running:
            if known is not None:
                known.close()
            known = self._stages[kind] = self._kinds[kind]()
        return known

    def _start(self, *options: str) -> NodeStage:
        node, metrics = self._node(*options)
        return NodeStage(self._open.enter_context(node), {}, metrics)

    def _node(self, *options: str) -> tuple[RealNode, str]:
        self._started += 1
        folder = self._directory / f"node{self._started}"
        folder.mkdir()
        metrics = f"127.0.0.1:{free_ports(2)[0]}"
        return RealNode(folder, "--metrics", metrics, *options), metrics

    def _limited(self) -> NodeStage:
        """One push query with a topology of its own, a schema registry that is not there, plug-ins of which some are broken; and no client without a
        certificate."""
        folder = self._directory / "certificates"
        folder.mkdir()
        authority = Authority(folder)
        server, client = authority.issue("localhost", "server"), authority.issue("app.example", "client")
        (folder / "tokens").write_text("app certificate:app.example admin:*\n")
        settings = {"ca": str(authority.path), "cert": str(client.cert), "key": str(client.key)}
        node, metrics = self._node(
            "--push-queries", "1", "--schema-registry", "http://127.0.0.1:1", "--tls-cert", str(server.cert), "--tls-key", str(server.key), "--tls-ca", settings["ca"],
            "--tls-client-certificates", "--tokens", str(folder / "tokens"),
        )  # fmt: skip
        node.client = Client(node.address, tls=Tls(**settings))
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PLUGINS), before)))
        try:
            return NodeStage(self._open.enter_context(node), settings, metrics)
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before

    def _secured(self) -> NodeStage:
        folder = self._directory / "secrets"
        folder.mkdir()
        authority = Authority(folder)
        own = authority.issue("localhost", "server")
        tokens = Tokens(folder / "tokens")
        settings = {"ca": str(authority.path), "token": tokens.admin, "reader": tokens.reader}
        node, metrics = self._node("--tls-cert", str(own.cert), "--tls-key", str(own.key), "--tokens", str(tokens.path))
        node.client = Client(node.address, tls=Tls(settings["ca"]), token=settings["token"])
        stage = NodeStage(self._open.enter_context(node), settings, metrics)
        stage.answers["exchange_token"] = lambda _: tokens.exchange(settings)
        return stage
