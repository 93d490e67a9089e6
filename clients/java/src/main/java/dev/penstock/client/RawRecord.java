package dev.penstock.client;

import com.google.protobuf.ByteString;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A record as bytes, in the relation's own formats. key, value: null for null; timestamp: the rowtime, null for the service's clock; partition: in
 * place of the hash of the key, null for that; headers: a null value is null.
 */
public record RawRecord(byte[] key, byte[] value, Instant timestamp, Integer partition, Map<String, byte[]> headers) {

    /** A record without more. */
    public RawRecord(byte[] key, byte[] value) {
        this(key, value, null, null, new LinkedHashMap<>());
    }

    dev.penstock.v1.RawRecord message() {
        dev.penstock.v1.RawRecord.Builder out = dev.penstock.v1.RawRecord.newBuilder();
        if (key != null) {
            out.setKey(ByteString.copyFrom(key));
        }
        if (value != null) {
            out.setValue(ByteString.copyFrom(value));
        }
        if (timestamp != null) {
            out.setTimestamp(Times.message(timestamp));
        }
        if (partition != null) {
            out.setPartition(partition);
        }
        headers.forEach((name, content) -> {
            dev.penstock.v1.RecordHeader.Builder header = dev.penstock.v1.RecordHeader.newBuilder().setKey(name);
            out.addHeaders(content == null ? header : header.setValue(ByteString.copyFrom(content)));
        });
        return out.build();
    }
}
