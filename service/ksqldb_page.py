"""Writes KSQLDB.md, the page for people who know ksqlDB: `python service/ksqldb_page.py`; `--check` compares. Statements are given by an example that the page's test parses and
decides; functions, settings and formats come from the registries that the service uses.
"""

from __future__ import annotations

import sys
from pathlib import Path

from penstock.expr.catalog import list_functions
from penstock.sql.properties import FORMATS
from penstock.sql.settings import SETTINGS

PAGE = Path(__file__).with_name("KSQLDB.md")

STATEMENTS: tuple[tuple[str, str, str], ...] = (
    ("CREATE STREAM", "CREATE OR REPLACE STREAM orders (shop STRING KEY, item STRING, price DOUBLE) WITH (kafka_topic='orders', partitions=2, value_format='JSON');", "PARTITIONS makes a "
     "missing topic. SOURCE makes it read only."),
    ("CREATE TABLE", "CREATE TABLE IF NOT EXISTS shops (shop STRING PRIMARY KEY, owner STRING) WITH (kafka_topic='shops', partitions=2, value_format='JSON');", "CREATE SOURCE TABLE keeps "
     "it for pull queries, by a topology `CST_name_n`; its name is then a letter and letters, digits, `_`."),
    ("CREATE STREAM AS SELECT", "CREATE STREAM big AS SELECT * FROM orders WHERE price > 100;", "A topology named by the query's id (`CSAS_BIG_n`, n a position of the registry). "
     "The statement answers when it runs, after 10 s in any case."),
    ("CREATE TABLE AS SELECT", "CREATE TABLE spend AS SELECT shop, SUM(price) AS total FROM orders GROUP BY shop;", "As in ksqlDB; of an aggregate the newest value of a key leaves at each commit "
     "(every 100 ms)."),
    ("CREATE OR REPLACE ... AS", "CREATE OR REPLACE STREAM big AS SELECT * FROM orders WHERE price > 50;", "Takes and refuses what ksqlDB does. Subscribers of a table whose columns "
     "changed are told to begin anew. UpdateTopology of the API does more."),
    ("INSERT INTO ... SELECT", "INSERT INTO orders SELECT shop, item, price FROM big;", "WITH (QUERY_ID = '...') names the topology."),
    ("INSERT INTO ... VALUES", "INSERT INTO orders (shop, price) VALUES ('a', 1 + 1);", "Durable when it answers; its token makes any later answer include it. Not into a table that a query makes. `:name` parameters."),
    ("SELECT, pull", "SELECT * FROM spend WHERE shop IN ('a', 'b') LIMIT 10;", "Committed rows only, whole tables too. Any table that a query or SOURCE keeps, windowed or not, and streams to their present "
     "end. With `SET 'penstock.pull.extended' = 'true'`: GROUP BY, HAVING, aggregates, ORDER BY, joins, tables that nobody keeps, up to 200,000 rows read. `:name` parameters."),
    ("SELECT, push", "SELECT shop, price * 2 AS twice FROM orders WHERE price > 1 EMIT CHANGES LIMIT 5;", "WHERE and projection share one reader of the topic. A table begins with its "
     "present rows unless auto.offset.reset is set; a row that stops matching arrives as deleted. Anything richer is a topology of its own, 100 a node. All resume by their token, "
     "the latter for 60 s, then QUERY_GONE."),
    ("DROP", "DROP STREAM IF EXISTS big DELETE TOPIC;", "Ends the query that makes it; refused while other queries read or write it. The rows' schemas stay in the schema registry."),
    ("ALTER", "ALTER STREAM orders ADD COLUMN note STRING;", "As in ksqlDB."),
    ("CREATE TYPE, DROP TYPE", "CREATE TYPE place AS STRUCT<city STRING, zip INT>;", "As in ksqlDB."),
    ("TERMINATE, PAUSE, RESUME", "PAUSE ALL;", "An id or ALL. What a terminated query wrote stays, its relation too; its table is no longer kept for pull queries."),
    ("DESCRIBE", "DESCRIBE orders EXTENDED;", "With the statement and the queries; EXTENDED adds what their tasks do. DESCRIBE FUNCTION name, DESCRIBE STREAMS, DESCRIBE TABLES."),
    ("SHOW, LIST", "SHOW ALL TOPICS EXTENDED;", "STREAMS, TABLES, [ALL] TOPICS and QUERIES [EXTENDED], FUNCTIONS, TYPES, VARIABLES, PROPERTIES. Rows have types and column names of our own."),
    ("EXPLAIN", "EXPLAIN SELECT * FROM spend WHERE shop = 'a';", "A query's id or a statement: sub-topologies, nodes, topics, stores, and of a running query the Python that it runs."),
    ("PRINT", "PRINT 'orders' FROM BEGINNING INTERVAL 2 LIMIT 10;", "Rows of ROWTIME, PARTITION, OFFSET, KEY and VALUE; no formats are guessed beyond text and numbers."),
    ("SET, UNSET", "SET 'auto.offset.reset' = 'earliest';", "A session's; it travels with each request of a client."),
    ("DEFINE, UNDEFINE", "DEFINE name = 'orders';", "`${name}` in statements, `$${name}` for itself. A value never crosses the part of the statement that it stands in."),
    ("ASSERT", "ASSERT TOPIC orders WITH (partitions=2) TIMEOUT 2 SECONDS;", "[NOT EXISTS] TOPIC and SCHEMA, STREAM and TABLE too. VALUES and NULL VALUES are for cases of `penstock test`."),
    ("RUN SCRIPT", "RUN SCRIPT 'file.sql';", "Of `penstock sql` only, as of ksqlDB's shell. `penstock apply file.sql` executes a script that may be executed again and again."),
)
"""(name, example, what differs). The examples are executed one after the other by the page's test."""

ABSENT = (
    ("CREATE SOURCE CONNECTOR and the other connector statements", "CREATE SOURCE CONNECTOR c WITH (a='b');"),
    ("ALTER SYSTEM", "ALTER SYSTEM 'a' = 'b';"),
)
"""(name, example) of what is not there: the page's test sees that it is refused."""

KSQLDB_FUNCTIONS = frozenset("""
ARRAY_CONCAT ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_EXCEPT ARRAY_INTERSECT ARRAY_JOIN ARRAY_LENGTH ARRAY_MAX ARRAY_MIN ARRAY_REMOVE ARRAY_SORT ARRAY_UNION
GENERATE_SERIES SLICE COALESCE IFNULL NULLIF BIGINT_FROM_BYTES DOUBLE_FROM_BYTES INT_FROM_BYTES CONVERT_TZ DATEADD DATESUB DATETOSTRING FORMAT_DATE FORMAT_TIME
FORMAT_TIMESTAMP FROM_DAYS FROM_UNIXTIME PARSE_DATE PARSE_TIME PARSE_TIMESTAMP STRINGTODATE STRINGTOTIMESTAMP TIMEADD TIMESTAMPADD TIMESTAMPSUB
TIMESTAMPTOSTRING TIMESUB UNIX_DATE UNIX_TIMESTAMP EXTRACTJSONFIELD IS_JSON_STRING JSON_ARRAY_CONTAINS JSON_ARRAY_LENGTH JSON_CONCAT JSON_ITEMS JSON_KEYS
JSON_RECORDS TO_JSON_STRING FILTER REDUCE TRANSFORM AS_MAP ENTRIES MAP_KEYS MAP_UNION MAP_VALUES ABS ACOS ASIN ATAN ATAN2 CBRT CEIL COS COSH COT DEGREES EXP FLOOR
GREATEST LEAST LN LOG PI POWER RADIANS RANDOM ROUND SIGN SIN SINH SQRT TAN TANH TRUNC REGEXP_EXTRACT REGEXP_EXTRACT_ALL REGEXP_REPLACE REGEXP_SPLIT_TO_ARRAY CHR
CONCAT CONCAT_WS ELT ENCODE FIELD FROM_BYTES INITCAP INSTR LCASE LEN LPAD MASK MASK_KEEP_LEFT MASK_KEEP_RIGHT MASK_LEFT MASK_RIGHT MD5 REPLACE RPAD SPLIT
SPLIT_TO_MAP SUBSTRING TO_BYTES TRIM UCASE UUID URL_DECODE_PARAM URL_ENCODE_PARAM URL_EXTRACT_FRAGMENT URL_EXTRACT_HOST URL_EXTRACT_PARAMETER URL_EXTRACT_PATH
URL_EXTRACT_PORT URL_EXTRACT_PROTOCOL URL_EXTRACT_QUERY AS_VALUE GEO_DISTANCE ATTR AVG COLLECT_LIST COLLECT_SET CORRELATION COUNT COUNT_DISTINCT
EARLIEST_BY_OFFSET HISTOGRAM LATEST_BY_OFFSET MAX MIN STDDEV_SAMP STDDEV_SAMPLE SUM SUM_LIST TOPK TOPKDISTINCT EXPLODE CUBE_EXPLODE""".split())  # noqa: SIM905


def page() -> str:
    """The whole page."""
    known = {f.name for f in list_functions()}
    absent, own = sorted(KSQLDB_FUNCTIONS - known), sorted(known - KSQLDB_FUNCTIONS)
    lines = [
        "# For those who know ksqlDB", "",
        "<!-- written by service/ksqldb_page.py; the test of it executes every example -->", "",
        "Statements, expressions, types, formats and functions are ksqlDB's, and so are their results; `tests/cases/KSQLDB.md` counts how far that was checked and says where "
        "results differ. What is different on purpose stands here. There is no REST API: SqlService of the gRPC API executes statements and answers queries, "
        "`client.sql(...)` and `client.query(...)` in Python, `penstock sql` on the command line.", "",
        "## Statements", "", "| statement | example | what differs |", "|---|---|---|",
        *(f"| {name} | `{_cell(example)}` | {_cell(text)} |" for name, example, text in STATEMENTS), "",
        f"Not there: {', '.join(name for name, _ in ABSENT)}. `t AT TIME ZONE 'z'` is CONVERT_TZ(t, 'UTC', 'z'): what clocks in the zone show.", "",
        "## Formats", "", f"{', '.join(FORMATS)}. Where no schema registry is configured the service keeps its own, with the same REST API.", "",
        "## Properties", "", "| property | default | meaning |", "|---|---|---|",
        *(f"| `{s.name}` | {f'`{s.default}`' if s.default else ''} | {_cell(s.text)}{'' if s.effect else ' Taken, without effect.'} |" for s in SETTINGS), "",
        "Names that begin with `ksql.functions.`, `ksql.streams.`, `ksql.query.pull.`, `ksql.query.push.`, `consumer.` and `producer.` are taken too.", "",
        "## Functions", "",
        f"{len(KSQLDB_FUNCTIONS & known)} of ksqlDB's {len(KSQLDB_FUNCTIONS)}" + (f"; not there: {', '.join(absent)}" if absent else "")
        + (f"; beyond ksqlDB: {', '.join(own)}" if own else "") + ".", "",
        "| function | kind | variants | what it does |", "|---|---|---|---|",
        *(f"| {f.name} | {f.kind.lower()} | {'<br>'.join(f'`{_cell(s)}`' for s in f.signatures)} | {_cell(f.text)} |" for f in list_functions()), "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if PAGE.read_text("utf-8") == page() else f"{PAGE.name} is not current: python service/ksqldb_page.py")
    PAGE.write_text(page(), encoding="utf-8")
