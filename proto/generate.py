"""Generates the code of the API in every client's language, and one error class for each ErrorReason: `python proto/generate.py` writes it,
`--check` compares what is checked in and exits with 1. Python's is generated here, another language's by a module of its own; one whose
tools are not installed is left out, which is said.

protoc writes imports by the proto package (`from penstock.v1 import row_pb2`); they are rewritten, since the code lives in
`penstock_client.gen`, where it cannot meet the service's own package of that name. google.rpc comes from googleapis-common-protos.
"""

from __future__ import annotations

import filecmp
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import go_code
import java_code
import typescript_code
from grpc_tools import protoc
from reasons import Reason, reasons

PROTO = Path(__file__).resolve().parent
TARGET = PROTO.parent / "clients/python/src/penstock_client/gen"
PACKAGE = "penstock_client.gen"
INIT = '"""Generated from proto/ by `make proto`; not for editing."""\n'


def sources(folder: str = "penstock") -> list[str]:
    """The proto files of a folder by their import path; penstock/v1 is what clients call."""
    return sorted(str(path.relative_to(PROTO)) for path in (PROTO / folder).rglob("*.proto"))


def include() -> list[str]:
    """Where protoc finds files and what they import."""
    wellknown = resources.files("grpc_tools") / "_proto"
    return [f"-I{PROTO}", f"-I{PROTO / 'third_party'}", f"-I{wellknown}"]


def generate(out: Path) -> None:
    """Write every generated Python module, of penstock.v1 and of what nodes ask each other, below `out`."""
    files = sources()
    arguments = ["protoc", *include(), f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}", *files]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed")
    for path in sorted((*out.rglob("*.py"), *out.rglob("*.pyi"))):
        path.write_text(_own_imports(path.read_text()))
    for name in files:
        stubs = out / name.replace(".proto", "_pb2_grpc.py")
        if not name.endswith("_service.proto"):
            stubs.unlink()
    (out / "errors.py").write_text(_exceptions(reasons(PROTO)))
    for folder in (out, out / "penstock", *(path.parent for path in (out / "penstock").rglob("*_pb2.py")), out / "penstock/internal"):
        (folder / "__init__.py").write_text(INIT)


def _own_imports(text: str) -> str:
    """The text with imports of penstock.* made imports of penstock_client.gen.penstock.*."""
    return re.sub(r"^(from|import) penstock\.", rf"\1 {PACKAGE}.penstock.", text, flags=re.MULTILINE)


def _exceptions(all_reasons: Sequence[Reason]) -> str:
    """The module of exception classes: one for each reason, its comment as docstring."""
    classes, names = [], {}
    for reason in all_reasons:
        names[reason.name] = f"{reason.camel}Error"
        body = "\n    ".join(textwrap.wrap(f'"""{reason.text}"""', 120))
        classes.append(f'class {names[reason.name]}(PenstockError):\n    {body}\n\n    reason = "{reason.name}"\n')
    table = "".join(f'    "{reason}": {name},\n' for reason, name in names.items())
    return (
        '"""One exception class for each ErrorReason. Generated from proto/penstock/v1/errors.proto by `make proto`; not for editing."""\n\n'
        "from penstock_client._error import PenstockError\n\n\n" + "\n\n".join(classes)
        + f"\n\nBY_REASON: dict[str, type[PenstockError]] = {{\n{table}}}\n"
    )


@dataclass(frozen=True, slots=True)
class Target:
    """The generated code of one language. root: below which it is checked in; patterns: globs of all its files there, hand-written ones not
    among them; write: makes it below another folder; missing: what stands in the way, empty when nothing does."""

    language: str
    root: Path
    patterns: tuple[str, ...]
    write: Callable[[Path], None]
    missing: str = ""

    def files(self, root: Path) -> set[str]:
        """Names of the generated files below `root`."""
        return {str(path.relative_to(root)) for pattern in self.patterns for path in root.glob(pattern)}

    def stale(self) -> list[str]:
        """Names of checked-in files that differ from what write() makes now, missing and left-over ones included."""
        with tempfile.TemporaryDirectory() as scratch:
            fresh = Path(scratch)
            self.write(fresh)
            names = self.files(fresh) | self.files(self.root)
            _, different, missing = filecmp.cmpfiles(fresh, self.root, sorted(names), shallow=False)
            return [f"{self.language}: {name}" for name in sorted(different + missing)]

    def refresh(self) -> None:
        """Write the files where they are checked in, and remove those that are generated no more."""
        with tempfile.TemporaryDirectory() as scratch:
            fresh = Path(scratch)
            self.write(fresh)
            names = self.files(fresh)
            for name in self.files(self.root) - names:
                (self.root / name).unlink()
            for name in names:
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                (self.root / name).write_bytes((fresh / name).read_bytes())


TARGETS = (
    Target("Python", TARGET, ("**/*.py", "**/*.pyi"), generate),
    Target("Go", go_code.CLIENT, ("gen/**/*.go", "reasons.go"), lambda out: go_code.generate(out, sources("penstock/v1"), include()), go_code.missing()),
    Target("TypeScript", typescript_code.SOURCE, ("gen/**/*.ts",),
           lambda out: typescript_code.generate(out, sources("penstock/v1"), include()), typescript_code.missing()),
    Target("Java", java_code.SOURCE, ("dev/penstock/v1/**/*.java", "dev/penstock/client/errors/**/*.java"),
           lambda out: java_code.generate(out, sources("penstock/v1"), include()), java_code.missing()),
)


def main() -> None:
    """Command line of this script."""
    check = "--check" in sys.argv[1:]
    names: list[str] = []
    for target in TARGETS:
        if target.missing:
            print(f"{target.language}: not {'checked' if check else 'generated'}, {target.missing}", file=sys.stderr)
        elif check:
            names += target.stale()
        else:
            target.refresh()
    if names:
        raise SystemExit("generated code is not fresh, run `make proto`: " + ", ".join(names))


if __name__ == "__main__":
    main()
