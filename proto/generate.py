"""Generates the Python code of the API, and one exception class for each ErrorReason: `python proto/generate.py` writes it, `--check`
compares what is checked in and exits with 1.

protoc writes imports by the proto package (`from penstock.v1 import row_pb2`); they are rewritten, since the code lives in
`penstock_client.gen`, where it cannot meet the service's own package of that name. google.rpc comes from googleapis-common-protos.
"""

from __future__ import annotations

import filecmp
import re
import sys
import tempfile
import textwrap
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
TARGET = PROTO.parent / "clients/python/src/penstock_client/gen"
PACKAGE = "penstock_client.gen"
INIT = '"""Generated from proto/ by `make proto`; not for editing."""\n'


def generate(out: Path) -> None:
    """Write every generated module of penstock.v1, and of what nodes ask each other, below `out`."""
    files = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "penstock").rglob("*.proto"))
    wellknown = resources.files("grpc_tools") / "_proto"
    arguments = ["protoc", f"-I{PROTO}", f"-I{PROTO / 'third_party'}", f"-I{wellknown}",
                 f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}", *files]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed")
    for path in sorted((*out.rglob("*.py"), *out.rglob("*.pyi"))):
        path.write_text(_own_imports(path.read_text()))
    for name in files:
        stubs = out / name.replace(".proto", "_pb2_grpc.py")
        if not name.endswith("_service.proto"):
            stubs.unlink()
    (out / "errors.py").write_text(_exceptions((PROTO / "penstock/v1/errors.proto").read_text()))
    for folder in (out, out / "penstock", *(path.parent for path in (out / "penstock").rglob("*_pb2.py")), out / "penstock/internal"):
        (folder / "__init__.py").write_text(INIT)


def _own_imports(text: str) -> str:
    """The text with imports of penstock.* made imports of penstock_client.gen.penstock.*."""
    return re.sub(r"^(from|import) penstock\.", rf"\1 {PACKAGE}.penstock.", text, flags=re.MULTILINE)


def _exceptions(proto: str) -> str:
    """The module of exception classes: one for each reason of the enum's text, its comment as docstring."""
    entries = re.findall(r"((?: *// [^\n]*\n)+) *ERROR_REASON_(\w+) = [1-9]\d*;", proto)
    classes, names = [], {}
    for comment, reason in entries:
        text = " ".join(line.strip().removeprefix("// ") for line in comment.strip().splitlines())
        text = text.removeprefix(f"ERROR_REASON_{reason} is ")
        names[reason] = "".join(word.capitalize() for word in reason.split("_")) + "Error"
        body = "\n    ".join(textwrap.wrap(f'"""{text}"""', 120))
        classes.append(f'class {names[reason]}(PenstockError):\n    {body}\n\n    reason = "{reason}"\n')
    table = "".join(f'    "{reason}": {name},\n' for reason, name in names.items())
    return (
        '"""One exception class for each ErrorReason. Generated from proto/penstock/v1/errors.proto by `make proto`; not for editing."""\n\n'
        "from penstock_client._error import PenstockError\n\n\n" + "\n\n".join(classes)
        + f"\n\nBY_REASON: dict[str, type[PenstockError]] = {{\n{table}}}\n"
    )


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in (".py", ".pyi")}


def stale() -> list[str]:
    """Names of checked-in files that differ from what generate() writes now, missing and left-over ones included."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        generate(fresh)
        names = _files(fresh) | _files(TARGET)
        _, different, missing = filecmp.cmpfiles(fresh, TARGET, sorted(names), shallow=False)
        return sorted(different + missing)


def main() -> None:
    """Command line of this script."""
    if "--check" in sys.argv[1:]:
        if names := stale():
            raise SystemExit("generated code is not fresh, run `make proto`: " + ", ".join(names))
        return
    TARGET.mkdir(parents=True, exist_ok=True)
    generate(TARGET)
    current = {str(p.relative_to(PROTO)) for p in (PROTO / "penstock").rglob("*.proto")}
    for name in _files(TARGET):
        if name.endswith(("__init__.py", "errors.py")):
            continue
        if re.sub(r"_pb2(_grpc)?\.pyi?$", ".proto", name) not in current:
            (TARGET / name).unlink()


if __name__ == "__main__":
    main()
