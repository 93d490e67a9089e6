"""Writes the stored plans of this version: python tests/plans/store.py DIRECTORY. Files that exist are left alone."""

from __future__ import annotations

import sys
from pathlib import Path

import penstock
from penstock.expr.remote import RemoteFunction
from penstock.plan.explain import explain
from penstock.plan.stored import dumps
from penstock.planner import plan_topology
from penstock.planner.definition import load_documents
from penstock.testing.relations import FixedRelations, relation_info
from penstock.types.sqltype import BIGINT, DOUBLE, STRING
from penstock_client.gen.penstock.v1 import relation_pb2

sys.path.insert(0, str(Path(__file__).parents[1] / "plugins"))
EXAMPLES = Path(str(penstock.__file__)).parent / "examples"

EVERYTHING = """
stream: orders
columns: [ID STRING KEY, CUSTOMER STRING, PRICE DECIMAL(10, 2), TAGS ARRAY<STRING>, AT TIMESTAMP, "H BYTES HEADER('h')"]
timestamp: AT
partitions: 2
---
topology: everything
settings: {updates: every, commit_interval: 250ms, on_bad_record: skip}
nodes:
  orders: {stream: orders, start: latest}
  more:
    stream: {columns: [ID STRING KEY, CUSTOMER STRING, PRICE DECIMAL(10, 2), TAGS ARRAY<STRING>, AT TIMESTAMP, "H BYTES HEADER('h')"],
             partitions: 2}
  all: {from: [orders, more], merge: {}}
  priced: {from: all, filter: {where: "PRICE BETWEEN 1 AND 2.50 OR PRICE > 1E3 AND CUSTOMER NOT LIKE 'x%'", negate: true}}
  tagged: {from: priced, explode: ["EXPLODE(TAGS) AS TAG", CUSTOMER, PRICE, "CASE WHEN PRICE > 5 THEN 'big' ELSE NULL END AS SIZE"]}
  sized: {from: tagged, branch: {big: "SIZE = 'big'", small: SIZE IS NULL, default: rest}}
  by_customer: {from: sized.big, partition_by: CUSTOMER}
  people:
    table: {columns: [ID STRING KEY, CITY STRING, "A STRUCT<B INT, C ARRAY<INT>>"], partitions: 2, value_format: JSON, key_format: KAFKA}
  joined: {from: [by_customer, people], join: {kind: left, columns: [TAG, people.CITY, "A->C[1] AS FIRST", "CAST(PRICE AS DOUBLE) AS P"]}}
  out: {from: joined, sink: out}
  by_tag: {from: joined, group_by: [TAG, CITY]}
  totals:
    from: by_tag
    aggregate: {N: COUNT(*), S: SUM(P), A: AVG(P), T: "TOPK(P, 3)", L: LATEST_BY_OFFSET(FIRST)}
    window: {tumbling: 1m, grace: 10s, retention: 1h}
  many: {from: totals, filter: N > 1 AND WINDOWSTART > '2020-01-01'}
  totals_out: {from: many, sink: {relation: totals, key_format: JSON}}
  latest: {from: sized.small, to_table: {}}
  by_size: {from: latest, group_by: TAG}
  sizes: {from: by_size, aggregate: {N: COUNT(*)}}
  changes: {from: sizes, to_stream: {}}
  sizes_out: {from: changes, sink: {relation: sizes, value_format: DELIMITED}}
"""
"""Every operator, many types."""

TABLE_JOINS = """
topology: table_joins
nodes:
  orders: {table: {columns: [ID STRING KEY, ITEM STRING, PRICE DECIMAL(10, 2)], partitions: 2}}
  bills: {table: {columns: [BILL STRING KEY, SUM BIGINT], partitions: 2}}
  large: {from: bills, filter: SUM > 10}
  both: {from: [orders, large], table_join: {kind: full, columns: [ITEM, SUM, "large.BILL AS BILL"]}}
  twice: {from: [both, both], table_join: {kind: left, columns: ["left.ITEM AS A", "right.SUM AS B"]}}
  by_item: {from: both, group_by: ITEM}
  sums: {from: by_item, aggregate: {S: SUM(SUM)}}
  out: {from: twice, sink: twice_out}
"""

STREAM_JOINS = """
topology: stream_joins
nodes:
  clicks: {stream: {columns: [ID STRING KEY, PAGE STRING, AT BIGINT], partitions: 2}}
  buys: {stream: {columns: [BUY STRING KEY, SUM DECIMAL(8, 2)], partitions: 2, key_format: JSON}}
  both: {from: [clicks, buys], stream_join: {kind: full, before: 1m, after: 5m, grace: 10s, columns: [PAGE, SUM, clicks.ROWTIME AS CLICKED]}}
  pairs: {from: [both, both], stream_join: {within: 1s, columns: ["left.PAGE AS A", "right.PAGE AS B"]}}
  out: {from: pairs, sink: pairs_out}
"""

FOREIGN_KEYS = """
topology: foreign_keys
nodes:
  orders: {table: {columns: [ID STRING KEY, CUSTOMER BIGINT, ITEM STRING], partitions: 2}}
  customers: {table: {columns: [NUMBER BIGINT KEY, NAME STRING], partitions: 3}}
  named: {from: [orders, customers], table_join: {kind: left, foreign_key: CUSTOMER + 1, columns: [ITEM, NAME, customers.ROWTIME AS SINCE]}}
  out: {from: named, sink: named_out}
"""

WINDOWS = """
topology: windows
nodes:
  clicks: {stream: {columns: [WHO STRING KEY, PAGE STRING, MS BIGINT], partitions: 2}}
  by_page: {from: clicks, group_by: PAGE}
  recent: {from: by_page, aggregate: {N: COUNT(*)}, window: {hopping: 1m, advance: 10s, grace: 5s}}
  near: {from: by_page, aggregate: {N: COUNT(*), M: MAX(MS)}, window: {sliding: 30s, retention: 2d}}
  visits: {from: by_page, aggregate: {N: COUNT(*), S: SUM(MS)}, window: {session: 10m, grace: 1m, retention: 1d}, emit: final}
  once: {from: recent, suppress: {until: window_close}}
  slow: {from: near, suppress: {until: 1m, max_records: 1000, max_bytes: 1000000}}
  recent_out: {from: once, sink: recent_out}
  near_out: {from: slow, sink: near_out}
  visits_out: {from: visits, sink: visits_out}
"""

VERSIONED = """
topology: versioned
nodes:
  orders: {stream: {columns: [ITEM STRING KEY, PIECES BIGINT, NOTE STRING], partitions: 2}}
  prices: {table: {columns: [ITEM STRING KEY, PRICE DECIMAL(8, 2)], partitions: 2}, history: 1d}
  last: {from: orders, to_table: {history: 1h}}
  dear: {from: prices, filter: PRICE > 100}
  priced: {from: [orders, dear], join: {kind: left, grace: 5m, columns: [PIECES, PRICE]}}
  seen: {from: [priced, last], join: {columns: [PRICE, NOTE]}}
  both: {from: [dear, last], table_join: {kind: full, columns: [PRICE, NOTE]}}
  seen_out: {from: seen, sink: seen_out}
  both_out: {from: both, sink: both_out}
"""

SINKS = """
topology: sinks
settings: {max_task_idle: 2s}
nodes:
  calls: {stream: {columns: [ID STRING KEY, REGION STRING, "TRACE BYTES HEADER('trace')"], partitions: 2}}
  out: {from: calls, sink: {relation: calls_out, drop_headers: true, headers: {region: REGION, trace: TRACE}}}
  routed: {from: calls, sink: {topic_expression: "'calls-' + REGION", partitions: 3, retention: 1d, value_format: DELIMITED, headers: {at: CAST(ROWTIME AS STRING)}}}
"""

PROCESSORS = """
topology: processors
nodes:
  readings: {stream: {columns: [K STRING KEY, V BIGINT], partitions: 2}}
  silence: {from: readings, processor: {name: silence, config: {limit: 10000}}}
  visits: {from: [readings, silence.alerts], processor: {name: visits, outputs: {loud: {columns: [K STRING KEY, V BIGINT], keeps_key: true}}}}
  by: {from: silence.alerts, group_by: {}}
  counts: {from: by, aggregate: {N: COUNT(*)}}
  out: {from: counts, sink: counts}
  loud_out: {from: visits.loud, sink: loud}
"""

REMOTE = """
topology: remote
nodes:
  readings: {stream: {columns: [K STRING KEY, V BIGINT], partitions: 2}}
  scored:
    from: readings
    remote_processor:
      processor: score
      config: {model: v3}
      outputs: {scores: {columns: [K STRING KEY, SCORE DOUBLE], keeps_key: true}, odd: [V BIGINT KEY]}
      stores: {seen: [N BIGINT, LAST TIMESTAMP]}
      bundle_timeout: 5s
      max_attempts: 3
  by: {from: scored.scores, group_by: {}}
  best: {from: by, aggregate: {BEST: MAX(SCORE)}}
  out: {from: best, sink: best_scores}
  odd_out: {from: scored.odd, sink: odd}
"""

SOURCES = """
topology: sources
nodes:
  listed: {stream: {topics: [bills-b, bills-a], columns: [ID STRING KEY, V BIGINT, AT STRING], time: {column: AT, format: yyyy-MM-dd, on_bad_time: skip}}}
  matching: {stream: {pattern: "sales-.*", columns: [ID STRING KEY, V BIGINT, AT STRING], start: latest}}
  all: {from: [listed, matching], merge: {}}
  out: {from: all, sink: everything}
"""
EXIST = ("bills-a", "bills-b", "sales-x", "sales-y")
"""Topics that exist, with two partitions each."""

FOLDS = """
topology: folds
nodes:
  buys: {stream: {columns: [WHO STRING KEY, PRICE DECIMAL(8, 2), N INT], partitions: 2}}
  backs: {stream: {columns: [WHO STRING KEY, PRICE DECIMAL(8, 2), N INT], partitions: 2}}
  stock: {table: {columns: [ITEM STRING KEY, SHELF STRING, N INT], partitions: 3}}
  once: {from: buys, deduplicate: {within: 10m, ids: [N + 1], grace: 1h}}
  wide: {from: once, repartition: 4}
  seen: {from: wide, peek: {columns: [WHO, N * 2 AS TWICE], max_per_second: 5}}
  seen_out: {from: seen, sink: seen_out}
  by: {from: buys, group_by: {}}
  back_by: {from: backs, group_by: {}}
  balance:
    from: [by, back_by]
    cogroup: {TOTAL: {init: "CAST(0 AS DECIMAL(8, 2))", add: ["CAST(acc.TOTAL + PRICE AS DECIMAL(8, 2))", null], merge: "CAST(acc.TOTAL + other.TOTAL AS DECIMAL(8, 2))"}}
    window: {session: 1m, grace: 1m}
  high: {from: by, reduce: {PRICE: CASE WHEN row.PRICE > acc.PRICE THEN row.PRICE ELSE acc.PRICE END}, window: {tumbling: 1m}}
  shelves: {from: stock, group_by: SHELF}
  pieces: {from: shelves, aggregate: {columns: {C: COUNT(*)}, accumulators: {N: {init: 0, add: acc.N + row.N, undo: acc.N - row.N}}}}
  balance_out: {from: balance, sink: balance_out}
  high_out: {from: high, sink: high_out}
  pieces_out: {from: pieces, sink: pieces_out}
"""

TIMERS = """
topology: timers
nodes:
  readings: {stream: {columns: [K STRING KEY, V BIGINT], partitions: 2}}
  watched: {from: readings, remote_processor: {processor: watch, outputs: {silent: {columns: [K STRING KEY, SINCE BIGINT], keeps_key: true}}, timers: true}}
  out: {from: watched.silent, sink: silent}
"""

FUNCTIONS = """
topology: functions
nodes:
  trips: {stream: {columns: [ID STRING KEY, START STRING, GOAL STRING, KM DOUBLE], partitions: 2}}
  far: {from: trips, filter: "DISTANCE(START, GOAL) > KM"}
  near: {from: far, select: ["DISTANCE(UCASE(START), PLACE(GOAL, 1)) AS D", "PLACE(GOAL, 1) AS P", KM]}
  out: {from: near, sink: near_out}
"""
DECLARED = (RemoteFunction("DISTANCE", (STRING, STRING), DOUBLE, version=2, deterministic=True, cache_rows=100),
            RemoteFunction("PLACE", (STRING, BIGINT), STRING, nulls=True, bundle_rows=10, max_attempts=3))
"""Functions that programs compute."""

GLOBAL_JOINS = """
topology: global_joins
nodes:
  visits: {stream: {columns: [VISITOR STRING KEY, PLACE STRING, SEQ INT], partitions: 2}}
  places: {global_table: {columns: [CODE STRING KEY, SEQ BIGINT KEY, NAME STRING], partitions: 3, key_format: JSON}}
  seen: {from: [visits, places], global_join: {keys: [UCASE(PLACE), "CAST(visits.SEQ AS BIGINT)"], kind: left, columns: [NAME, places.CODE AS CODE]}}
  out: {from: seen, sink: seen_out}
"""


def plans() -> dict[str, tuple[bytes, str]]:
    """(stored, explained) by name."""
    own = {name.lower(): text for name, text in globals().items() if name.isupper() and isinstance(text, str)}
    texts = own | {p.stem: p.read_text() for p in sorted(EXAMPLES.glob("*.yaml"))}
    found = {}
    for name, text in texts.items():
        documents = load_documents(text)
        known = FixedRelations([relation_info(d) for d in documents if isinstance(d, relation_pb2.Relation)], 2, EXIST, DECLARED)
        (topology,) = (d for d in documents if not isinstance(d, relation_pb2.Relation))
        plan = plan_topology(topology, known, service_id="penstock", incarnation=42)
        found[name] = dumps(plan), explain(plan)
    return found


def main() -> None:
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, (stored, text) in plans().items():
        path = directory / f"{name}.plan"
        if not path.exists():
            path.write_bytes(stored)
            path.with_suffix(".txt").write_text(text)


if __name__ == "__main__":
    main()
