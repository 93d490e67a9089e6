"""The command line: `penstock`. Commands are in groups by file; each imports what it needs when it runs, so that help and version are quick.

Exit codes: 0 ok, 1 failed, 2 usage, 3 the service cannot be reached, 130 interrupted.
"""

from __future__ import annotations

from typing import Annotated

import typer

from penstock.cli import catalog, cluster, letters, node, reading, registry, sql, token, topologies, writing
from penstock.cli.credentials import with_credentials

app = typer.Typer(
    name="penstock",
    help="Penstock: stream processing behind gRPC. `penstock serve` starts a node; the other commands talk to one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (node, sql, catalog, topologies, writing, reading, letters, cluster, token, registry):
    module.register(app)
with_credentials(app)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    print(f"penstock {installed('penstock')}")


@app.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh, fish, powershell or pwsh.")] = "bash") -> None:
    """Print the completion script of a shell: `eval "$(penstock completion bash)"`."""
    from typer.completion import Shells, get_completion_script

    if shell not in list(Shells):
        raise typer.BadParameter(f"{shell!r} is none of {', '.join(Shells)}")
    print(get_completion_script(prog_name="penstock", complete_var="_PENSTOCK_COMPLETE", shell=shell))


def main() -> None:
    """Entry point of the `penstock` script."""
    app()


if __name__ == "__main__":
    main()
