/** Backup and restore of the service's registry: the messages of the calls. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { RestoreRegistryRequestSchema, RestoreRegistryResponse } from "./gen/penstock/v1/registry_service_pb.js";

const CHUNK = 1 << 20;

/** How a backup is restored. */
export interface RestoreOptions {
  /** Also into a registry that is not empty: what the backup does not have is forgotten, and its topics stay. */
  replace?: boolean;
  /** Say what would be done, and do nothing. */
  validateOnly?: boolean;
}

/** What a restore did, or would do. */
export interface Restored {
  readonly backupTime: Date | undefined;
  readonly topologies: readonly string[];
  readonly relations: readonly string[];
  /** How many there are. */
  readonly types: number;
  readonly functions: number;
  readonly schemas: number;
  /** Names that the registry had and the backup has not. */
  readonly forgotten: readonly string[];
  /** What the log does not have and something restored needs. */
  readonly missingTopics: readonly string[];
  /** Includes the restored registry; empty where it was only validated. */
  readonly position: string;
}

/** The options, then the file in parts. */
export async function* parts(
  backup: Uint8Array,
  { replace = false, validateOnly = false }: RestoreOptions,
): AsyncGenerator<MessageInitShape<typeof RestoreRegistryRequestSchema>, void, undefined> {
  yield { message: { case: "options", value: { replace, validateOnly } } };
  for (let begin = 0; begin < backup.length; begin += CHUNK) {
    yield { message: { case: "chunk", value: backup.subarray(begin, begin + CHUNK) } };
  }
}

/** What the service answered. */
export function restoredOf(message: RestoreRegistryResponse): Restored {
  const { backupTime, topologies, relations, types, functions, schemas, forgotten, missingTopics, position } = message;
  return {
    backupTime: backupTime === undefined ? undefined : timestampDate(backupTime),
    topologies,
    relations,
    types,
    functions,
    schemas,
    forgotten,
    missingTopics,
    position: position?.value ?? "",
  };
}
