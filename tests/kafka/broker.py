"""A real Kafka (4.1.0, KRaft) on 127.0.0.1 from Maven jars, for tests and for trying things out.

    python tests/kafka/broker.py start [--port P] [--dir D] [--brokers 1|3]
    python tests/kafka/broker.py stop [--dir D]

As a library: `with Broker(directory) as broker: broker.bootstrap`; kill(), restart() and stop() do what they say. Needs a Java 17
or later and, the first time, Maven; `available()` says what is missing. Nothing here listens on anything but 127.0.0.1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lifetimes import with_us  # noqa: E402
from ports import free_ports  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
LIBS = REPOSITORY / ".cache" / "kafka-libs"
DEFAULT_DIR = REPOSITORY / ".cache" / "kafka"
CLUSTER_ID = "cGVuc3RvY2stdGVzdGluZw"  # base64 of 16 bytes
START_SECONDS = 180.0
"""Until a broker answers. On a quiet machine it takes 3 s. Behind a kill -9 it looks through every partition's log first, which together with the
start of a Java took 77 s for 200 partitions where thirty processes wanted two cores; one that has ended is not waited for."""
STOP_SECONDS = 60.0

SETTINGS = """\
process.roles=broker,controller
node.id={node}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.quorum.voters={voters}
log.dirs={logs}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={min_isr}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={min_isr}
default.replication.factor={replicas}
min.insync.replicas={min_isr}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=2097152
auto.create.topics.enable=false
"""

ASIDE = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},ASIDE://127.0.0.1:{aside}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},ASIDE://{advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,ASIDE:PLAINTEXT
"""


def available() -> str:
    """Empty when a broker can be started here, else the reason why not."""
    if shutil.which("java") is None:
        return "no java on the PATH (Kafka needs Java 17 or later)"
    if not _have_libs() and shutil.which("mvn") is None:
        return f"no mvn on the PATH and no Kafka jars in {LIBS.relative_to(REPOSITORY)}"
    return ""


NO_KAFKA = "no Kafka here"
"""Begins the reason of every test that is skipped for it."""


def without_kafka(reason: str) -> NoReturn:
    """In a test: skip it; where PENSTOCK_REQUIRE_KAFKA is set (continuous integration) fail instead."""
    import pytest

    if os.environ.get("PENSTOCK_REQUIRE_KAFKA"):
        pytest.fail(f"tests on Kafka are required here, but there is none: {reason}", pytrace=False)
    pytest.skip(f"{NO_KAFKA}: {reason}")


def _have_libs() -> bool:
    return (LIBS / ".complete").exists()


def fetch_libs() -> None:
    """Copy the broker's jars into .cache/kafka-libs (54 MB, once)."""
    if _have_libs():
        return
    partial = LIBS.with_name(f"kafka-libs-{os.getpid()}")
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(Path(__file__).with_name("pom.xml")), "dependency:copy-dependencies",
               "-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (partial / ".complete").touch()
    if LIBS.exists():
        shutil.rmtree(LIBS)
    partial.rename(LIBS)


class Node:
    """One broker process, which ends with this one unless it stays."""

    def __init__(self, directory: Path, port: int, heap_mib: int = 512, stays: bool = False) -> None:
        self.directory, self.port = directory, port
        self._heap_mib, self._stays = heap_mib, stays
        self.pid_file = directory / "pid"
        self.process: subprocess.Popen[bytes] | None = None

    def format(self, settings: str, options: Sequence[str] = ()) -> None:
        """Write the settings and format the storage, unless that was done before."""
        if (self.directory / "server.properties").exists():
            return
        self.directory.mkdir(parents=True)
        (self.directory / "server.properties").write_text(settings)
        self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", "server.properties", *options).wait()

    def start(self) -> None:
        """Start the process; wait_ready says when it answers."""
        self.process = self._java("kafka.Kafka", "server.properties")
        self.pid_file.write_text(str(self.process.pid))

    def wait_ready(self, timeout: float = START_SECONDS) -> None:
        """Wait until the port accepts connections."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                    raise RuntimeError(f"the broker did not start, see {self.directory / 'log'}") from None
                time.sleep(0.05)

    def signal(self, number: int) -> None:
        """Send a signal to the process; for SIGKILL and SIGTERM wait for its end."""
        pid = self.process.pid if self.process is not None else int(self.pid_file.read_text())
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._wait_gone(pid)

    def _wait_gone(self, pid: int) -> None:
        if self.process is not None:
            self.process.wait(STOP_SECONDS)
            self.process = None
            return
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        end = [] if self._stays else with_us(signal.SIGKILL)
        command = [*end, "java", "-Xms64m", f"-Xmx{self._heap_mib}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*", main, *arguments]
        with open(self.directory / "log", "ab") as out:
            return subprocess.Popen(command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)


class Broker:
    """A cluster of one or three brokers below a directory. Data stays there over kill and restart."""

    def __init__(self, directory: Path | str, port: int = 0, brokers: int = 1, extra: str = "", format_options: Sequence[str] = (),
                 aside: Callable[[str], str] | None = None, stays: bool = False) -> None:
        """stays: it goes on when this process has ended. extra: more lines for server.properties, with the same fields in braces; a later line wins. format_options: of kafka-storage format,
        such as --add-scram. aside: each broker has a second listener, and who comes by it is told this address of it, such as a proxy's."""
        root = Path(directory).resolve()
        ports = free_ports(3 * brokers)
        if port:
            ports[:brokers] = range(port, port + brokers)
        heap_mib = 512 if brokers == 1 else 256
        self.nodes = [Node(root / f"node-{i + 1}", ports[i], heap_mib, stays) for i in range(brokers)]
        self._controllers, self._aside = ports[brokers:2 * brokers], ports[2 * brokers:]
        self.aside = [aside(f"127.0.0.1:{p}") for p in self._aside] if aside is not None else []
        self._extra = extra
        self._format_options = format_options

    @property
    def bootstrap(self) -> str:
        """host:port of every broker, comma separated."""
        return ",".join(f"127.0.0.1:{n.port}" for n in self.nodes)

    def start(self) -> Self:
        """Fetch the jars if need be, format, start, wait until all answer."""
        fetch_libs()
        count = len(self.nodes)
        voters = ",".join(f"{i + 1}@127.0.0.1:{p}" for i, p in enumerate(self._controllers))
        for i, node in enumerate(self.nodes):
            node.format((SETTINGS + (ASIDE if self.aside else "") + self._extra).format(
                aside=self._aside[i], advertised=self.aside[i] if self.aside else "",
                node=i + 1, port=node.port, controller=self._controllers[i], voters=voters, logs=node.directory / "data",
                replicas=count, min_isr=min(2, count)), self._format_options)
        self._up()
        return self

    def kill(self, node: int | None = None) -> None:
        """kill -9 of one broker (from 0) or all."""
        for n in self._chosen(node):
            n.signal(signal.SIGKILL)

    def stop(self, node: int | None = None) -> None:
        """Orderly shutdown."""
        for n in self._chosen(node):
            n.signal(signal.SIGTERM)

    def restart(self, node: int | None = None) -> None:
        """Start again what was killed or stopped, on the same ports and data."""
        for n in self._chosen(node):
            if n.process is not None:
                n.signal(signal.SIGTERM)
            n.start()
        for n in self._chosen(node):
            n.wait_ready()

    def tail(self, lines: int) -> str:
        """The last lines of each broker's log."""
        return "\n".join("\n".join((n.directory / "log").read_text(errors="replace").splitlines()[-lines:]) for n in self.nodes)

    def pause(self, node: int | None = None) -> None:
        """SIGSTOP."""
        for n in self._chosen(node):
            n.signal(signal.SIGSTOP)

    def resume(self, node: int | None = None) -> None:
        """SIGCONT."""
        for n in self._chosen(node):
            n.signal(signal.SIGCONT)

    def _up(self) -> None:
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_ready()

    def _chosen(self, node: int | None) -> list[Node]:
        return self.nodes if node is None else [self.nodes[node]]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def _start(directory: Path, port: int, brokers: int) -> int:
    if reason := available():
        print(f"Kafka cannot be started: {reason}", file=sys.stderr)
        return 1
    if any(_alive(p) for p in directory.glob("node-*/pid")):
        print(f"already running in {directory}; {_how_to_stop(directory)}", file=sys.stderr)
        return 1
    if directory.exists():
        shutil.rmtree(directory)
    broker = Broker(directory, port, brokers, stays=True).start()
    print(f"Kafka 4.1.0 listens on {broker.bootstrap} (data in {directory}, gone at the next start)")
    print(_how_to_stop(directory))
    return 0


def _how_to_stop(directory: Path) -> str:
    return f"stop it with: {os.path.relpath(sys.executable)} {os.path.relpath(__file__)} stop{'' if directory == DEFAULT_DIR else f' --dir {directory}'}"


def _stop(directory: Path) -> int:
    pids = [p for p in directory.glob("node-*/pid") if _alive(p)]
    for pid_file in pids:
        Node(pid_file.parent, 0).signal(signal.SIGTERM)
    print("stopped" if pids else f"no broker runs in {directory}")
    return 0


def _alive(pid_file: Path) -> bool:
    """Whether the recorded process is still this broker (and not another that got its number)."""
    found = subprocess.run(["ps", "-o", "command=", "-p", pid_file.read_text().strip()], capture_output=True, text=True, check=False)
    return "kafka.Kafka" in found.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("--port", type=int, default=9092, help="first port (default 9092)")
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    options = parser.parse_args()
    directory = options.dir.resolve()
    return _start(directory, options.port, options.brokers) if options.action == "start" else _stop(directory)


if __name__ == "__main__":
    sys.exit(main())
