package dev.penstock.client;

import dev.penstock.v1.RestoreRegistryResponse;
import java.time.Instant;
import java.util.List;

/**
 * What a restore of the registry did, or would do. types, functions, schemas: how many; forgotten: names that the registry had and the backup has
 * not; missingTopics: what the log does not have and something restored needs; position: includes the restored registry, empty where it was only
 * validated.
 */
public record Restored(
        Instant backupTime, List<String> topologies, List<String> relations, int types, int functions, int schemas, List<String> forgotten,
        List<String> missingTopics, String position) {

    static Restored of(RestoreRegistryResponse message) {
        return new Restored(
                Times.instant(message.getBackupTime()), List.copyOf(message.getTopologiesList()), List.copyOf(message.getRelationsList()),
                message.getTypes(), message.getFunctions(), message.getSchemas(), List.copyOf(message.getForgottenList()),
                List.copyOf(message.getMissingTopicsList()), message.getPosition().getValue());
    }
}
