/** SQL: a session's properties and variables, scripts and their results, queries as subscriptions. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromStatus } from "./errors.js";
import {
  type ExecuteRequestSchema,
  type ExecuteResponse,
  type QueryRequestSchema,
  type ResultSet,
  type SqlSessionSchema,
} from "./gen/penstock/v1/sql_service_pb.js";
import { type FunctionDescription, functionOf, type Relation, relationOf, type TopologyInfo, topologyOf } from "./model.js";
import { consistency, duration, type Freshness, token } from "./position.js";
import { Batch, RowSchema } from "./row.js";
import { left, type Wanted } from "./subscribing.js";
import { type Parameters, parameters } from "./values.js";

/** How a script is executed. */
export interface ExecuteOptions {
  /** Answer statements that were executed before, in the same words, as done. */
  apply?: boolean;
  /** Analyse every statement and change nothing. */
  validateOnly?: boolean;
}

/** What a query asks beside its text. */
export interface QueryOptions extends Omit<Freshness, "staleMs"> {
  /** Values of `:name`. */
  parameters?: Parameters;
  /** Token of an earlier event of the same push query, to go on after. */
  resume?: string;
  /** Rows at most; 0 is none. */
  limit?: number;
  /** The longest silence of a push query. Default 10,000. */
  progressIntervalMs?: number;
}

/** What one statement did. Of relation, topology, function, rows and text at most one is set. */
export interface SqlResult {
  readonly index: number;
  readonly statement: string;
  /** For people. */
  readonly message: string;
  readonly relation: Relation | undefined;
  readonly topology: TopologyInfo | undefined;
  readonly function: FunctionDescription | undefined;
  /** What SHOW and LIST give. */
  readonly rows: Batch | undefined;
  /** More rows behind a relation of DESCRIBE. */
  readonly details: Batch | undefined;
  /** What EXPLAIN gives. */
  readonly text: string;
  /** Whether nothing had to be done. */
  readonly unchanged: boolean;
  /** Includes the statement. */
  readonly position: string;
}

/** What SET and DEFINE leave for later statements of a client. */
export class SqlSession {
  properties: Record<string, string> = {};
  variables: Record<string, string> = {};
  /** Of the last statement, so that the next one sees it on any node. */
  position = "";

  /** For a request. @internal */
  message(): MessageInitShape<typeof SqlSessionSchema> {
    return { properties: this.properties, variables: this.variables };
  }

  /** What the catalog must include. @internal */
  positions() {
    return this.position === "" ? [] : [token(this.position)];
  }

  /** The request that executes a script in this session. @internal */
  request(sql: string, { apply = false, validateOnly = false }: ExecuteOptions): MessageInitShape<typeof ExecuteRequestSchema> {
    return { sql, session: this.message(), apply, validateOnly, positions: this.positions() };
  }

  /** The result of one statement, after which the session is what it left. Throws the statement's error. @internal */
  take(response: ExecuteResponse): SqlResult {
    const { index, statement, message, result, unchanged, details, position } = response;
    if (result.case === "error") {
      throw fromStatus(result.value);
    }
    if (result.case === "session") {
      this.properties = { ...result.value.properties };
      this.variables = { ...result.value.variables };
    }
    const at = position?.value ?? "";
    this.position = at || this.position;
    return {
      index,
      statement,
      message,
      unchanged,
      position: at,
      relation: result.case === "relation" ? relationOf(result.value, at) : undefined,
      topology: result.case === "topology" ? topologyOf(result.value, at) : undefined,
      function: result.case === "function" ? functionOf(result.value) : undefined,
      rows: result.case === "rows" ? rowsOf(result.value) : undefined,
      text: result.case === "text" ? result.value : "",
      details: details === undefined ? undefined : rowsOf(details),
    };
  }
}

function rowsOf({ schema, rows }: ResultSet): Batch {
  return Batch.of(RowSchema.of(schema), rows);
}

/** What a query asks for. Only push queries go on over broken connections. */
export function queryWanted(
  sql: string,
  session: SqlSession,
  options: QueryOptions,
): Wanted<MessageInitShape<typeof QueryRequestSchema>> {
  const plain = sql.replace(/'(?:''|[^'])*'|--[^\n]*|\/\*[\s\S]*?\*\//g, " ");
  const resumes = /\bEMIT\s+(CHANGES|FINAL)\b/i.test(plain);
  const { limit = 0, progressIntervalMs } = options;
  const wanted = consistency(options);
  return {
    resumes,
    request: (position, taken) => {
      const resume = position || (options.resume ?? "");
      return {
        sql,
        parameters: parameters(options.parameters),
        session: session.message(),
        positions: session.positions(),
        limit: left(limit, taken),
        ...(wanted === undefined ? {} : { consistency: wanted }),
        ...(resume !== "" && resumes ? { resume: token(resume) } : {}),
        ...(progressIntervalMs === undefined ? {} : { progressInterval: duration(progressIntervalMs) }),
      };
    },
  };
}
