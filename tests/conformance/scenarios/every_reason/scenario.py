"""Every reason has its error, and only what is unavailable is asked again: see spec.md."""

from __future__ import annotations

from penstock_client import PenstockError, Retry
from support import Run


def scenario(run: Run) -> dict[str, object]:
    client = run.connect(retry=Retry(attempts=2, first=0.001, longest=0.001))
    errors: dict[str, PenstockError] = {}
    for name in run.ask("reasons")["reasons"]:
        try:
            client.topology(name)
        except PenstockError as error:
            errors[name] = error
    calls = run.ask("calls")["calls"]
    return {
        "codes": {name: error.code.name if error.code else "" for name, error in errors.items()},
        "untyped": [name for name, error in errors.items() if type(error).__name__ != name.title().replace("_", "") + "Error"],
        "other": [name for name, error in errors.items() if (error.reason, error.message, error.metadata.get("topology")) != (name, f"refused: {name}", name)],
        "placed": [name for name, error in errors.items() if error.expression and (error.expression.field, error.expression.node, error.expression.start, error.expression.end) == ("name", "n", 3, 5)],
        "later": [name for name, error in errors.items() if error.retry_after == 0.02],
        "repeated": [name for name in errors if calls[name] == 2],
    }  # fmt: skip
