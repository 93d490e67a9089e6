"""Generates the TypeScript code of the API: messages and services by protoc-gen-es, and one error class for each ErrorReason.

The plugin is a development dependency of clients/typescript, pinned by its package-lock.json; it is installed there when it is missing.
"""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path

from grpc_tools import protoc
from reasons import Reason, reasons

PROTO = Path(__file__).resolve().parent
CLIENT = PROTO.parent / "clients/typescript"
SOURCE = CLIENT / "src"
PLUGIN = CLIENT / "node_modules/.bin/protoc-gen-es"
DETAILS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
HEADER = "/** One class of errors for each ErrorReason. Generated from proto/penstock/v1/errors.proto by `make proto`; not for editing. */\n"


def missing() -> str:
    """What is not there for this generator; empty when it can run."""
    return "" if shutil.which("npm") else "npm is not installed"


def generate(out: Path, files: Sequence[str], include: Sequence[str]) -> None:
    """Write what belongs below clients/typescript/src into `out`: gen/. files: proto files by their import path; include: options of
    protoc that say where they are found."""
    if not PLUGIN.exists():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=CLIENT, check=True)
    gen = out / "gen"
    gen.mkdir(parents=True, exist_ok=True)
    arguments = ["protoc", *include, f"--plugin=protoc-gen-es={PLUGIN}", f"--es_out={gen}", "--es_opt=target=ts,import_extension=js"]
    if protoc.main([*arguments, *files, *DETAILS]) != 0:
        raise SystemExit("protoc failed for TypeScript")
    (gen / "errors.ts").write_text(_error_classes(reasons(PROTO)))


def _error_classes(all_reasons: Sequence[Reason]) -> str:
    """The source of errors.ts."""
    classes = "\n".join(_error_class(r) for r in all_reasons)
    table = "".join(f"  {r.name}: {r.camel}Error,\n" for r in all_reasons)
    return (
        f'{HEADER}\nimport {{ type ErrorClass, PenstockError }} from "../error.js";\n\n{classes}\n'
        f"/** The classes by the reasons' names without their prefix. */\nexport const BY_REASON: Readonly<Record<string, ErrorClass>> = {{\n{table}}};\n"
    )


def _error_class(reason: Reason) -> str:
    comment = "\n".join(f" * {line}" for line in textwrap.wrap(reason.text, 130))
    body = f'  static override readonly reason = "{reason.name}";'
    return f"/**\n{comment}\n */\nexport class {reason.camel}Error extends PenstockError {{\n{body}\n}}\n"
