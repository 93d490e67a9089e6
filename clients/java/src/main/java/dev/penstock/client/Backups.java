package dev.penstock.client;

import com.google.protobuf.ByteString;
import dev.penstock.v1.BackupRegistryRequest;
import dev.penstock.v1.BackupRegistryResponse;
import dev.penstock.v1.RegistryServiceGrpc;
import dev.penstock.v1.RestoreRegistryRequest;
import dev.penstock.v1.RestoreRegistryResponse;

/** Backup and restore of the service's registry, whose files travel in parts. */
final class Backups {

    private static final int CHUNK = 1 << 20;

    private Backups() {
    }

    static byte[] save(Connection connection) {
        return connection.streamed(RegistryServiceGrpc.BACKUP_REGISTRY, call -> {
            call.send(BackupRegistryRequest.getDefaultInstance());
            call.finish();
            ByteString file = ByteString.EMPTY;
            for (BackupRegistryResponse part = call.next(); part != null; part = call.next()) {
                file = file.concat(part.getChunk());
            }
            return file.toByteArray();
        });
    }

    static Restored restore(Connection connection, byte[] backup, dev.penstock.v1.RestoreOptions options) {
        return connection.streamed(RegistryServiceGrpc.RESTORE_REGISTRY, call -> {
            call.send(RestoreRegistryRequest.newBuilder().setOptions(options).build());
            for (int begin = 0; begin < backup.length; begin += CHUNK) {
                ByteString chunk = ByteString.copyFrom(backup, begin, Math.min(CHUNK, backup.length - begin));
                call.send(RestoreRegistryRequest.newBuilder().setChunk(chunk).build());
            }
            call.finish();
            RestoreRegistryResponse response = call.endless();
            return Restored.of(response);
        });
    }
}
