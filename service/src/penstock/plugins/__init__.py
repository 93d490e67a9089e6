"""Code of users that runs inside the service: processors and functions, found by the entry points of installed distributions.

    # my_processors.py
    from penstock.plugins import STREAM_TIME, Context, Processor, Record, key_value

    class Silence(Processor):
        \"\"\"Reports sensors that say nothing for a minute.\"\"\"

        outputs = {"alerts": "SENSOR STRING KEY, QUIET_SINCE BIGINT"}
        stores = (key_value("last", "SENSOR STRING KEY, AT BIGINT"),)

        def init(self, context: Context) -> None:
            self.last = context.key_value("last")
            context.schedule(60_000, STREAM_TIME, self.look)

        def process(self, record: Record, context: Context) -> None:
            self.last.put(record.key, {"AT": record.timestamp})

        def look(self, time: int, context: Context) -> None:
            for key, row in self.last.all():
                if row["AT"] < time - 60_000:
                    context.forward(Record(key, {"QUIET_SINCE": row["AT"]}, time), "alerts")

    # pyproject.toml of the distribution
    [project.entry-points."penstock.processors"]
    silence = "my_processors:Silence"

The operator installs the distribution beside the service, in the environment of every node, and starts the nodes anew.
"""

from penstock.plugins.processor import (
    STREAM_TIME,
    WALL_CLOCK,
    Cancellable,
    Context,
    KeyValueStore,
    OutputDeclaration,
    Processor,
    Punctuation,
    Record,
    SessionStore,
    StoreDeclaration,
    WindowStore,
    key_value,
    session,
    window,
)

__all__ = [
    "STREAM_TIME", "WALL_CLOCK", "Cancellable", "Context", "KeyValueStore", "OutputDeclaration", "Processor", "Punctuation", "Record", "SessionStore",
    "StoreDeclaration", "WindowStore", "key_value", "session", "window",
]
