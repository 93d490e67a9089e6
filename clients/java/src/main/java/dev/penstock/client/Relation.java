package dev.penstock.client;

import java.time.Duration;
import java.util.List;

/**
 * A stream or a table of the catalog. columns: all, key columns first; topic: empty for a materialised node without one; windowed: keys have windows,
 * of windowSize, which is zero for sessions; readOnly: appends are refused; lookup: get and scan are answered; position: makes a later call see the
 * relation, after its creation.
 */
public record Relation(
        String name, Kind kind, List<Column> columns, String topic, String keyFormat, String valueFormat, boolean windowed, Duration windowSize,
        String ownerTopology, List<String> writerTopologies, List<String> readerTopologies, boolean readOnly, boolean lookup, String etag, String position) {

    /** Stream or table. */
    public enum Kind {
        /** Rows that come. */ STREAM,
        /** The newest row of each key. */ TABLE
    }

    static Relation of(dev.penstock.v1.Relation message, String position) {
        return new Relation(
                message.getName(), Kind.valueOf(Names.bare(message.getKind(), "RELATION_KIND_")), Column.of(message.getSchema()),
                message.getTopic().getTopic(), message.getTopic().getKeyFormat().getName(), message.getTopic().getValueFormat().getName(),
                message.hasWindow(), Times.duration(message.getWindow().getSize()), message.getOwnerTopology(),
                List.copyOf(message.getWriterTopologiesList()), List.copyOf(message.getReaderTopologiesList()), message.getReadOnly(),
                message.getLookup(), message.getEtag(), position);
    }

    /** The key columns in order. */
    public List<Column> key() {
        return columns.stream().filter(column -> column.role() == Column.Role.KEY).toList();
    }
}
