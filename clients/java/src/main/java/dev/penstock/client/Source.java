package dev.penstock.client;

import dev.penstock.v1.InlineRelation;
import dev.penstock.v1.OnBadTime;
import dev.penstock.v1.Origin;
import dev.penstock.v1.TimeColumn;
import dev.penstock.v1.TopicSet;
import dev.penstock.v1.WindowInfo;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What a stream or table of a topology reads: one relation of the catalog, a relation that is declared here, or, for streams, several topics at once. */
public final class Source {

    private final String base;
    private final Origin.Builder origin = Origin.newBuilder();
    private final TimeColumn.Builder time = TimeColumn.newBuilder();
    private Duration history;

    private Source(String base) {
        this.base = base.isEmpty() ? "source" : base.replace(".", "_"); // `topology.node` has a point, which node names do not
    }

    /** A relation of the catalog, or `topology.node`. */
    public static Source relation(String name) {
        Source out = new Source(name);
        out.origin.setRelation(name);
        return out;
    }

    /** Declares the topic of that name, published under the node's name. columns: as `NAME TYPE [KEY], ...`. */
    public static Source declared(String topic, String columns) {
        return declared(topic, columns, new Binding().topic(topic));
    }

    /** As declared() with a binding of its own. */
    public static Source declared(String name, String columns, Binding binding) {
        Source out = new Source(name);
        out.origin.getInlineBuilder().setSchema(Columns.parse(columns)).setTopic(binding.message());
        return out;
    }

    /** Relations of the catalog with equal columns, read as one stream. */
    public static Source relations(String... names) {
        return set(TopicSet.newBuilder().addAllRelations(List.of(names)));
    }

    /** Topics by name, read as one stream; a binding says their formats. */
    public static Source topics(List<String> names, String columns, Binding binding) {
        return set(TopicSet.newBuilder().addAllNames(names).setRelation(inline(columns, binding)));
    }

    /** Topics whose whole name matches a regular expression, later ones included, read as one stream. */
    public static Source pattern(String pattern, String columns, Binding binding) {
        return set(TopicSet.newBuilder().setPattern(pattern).setRelation(inline(columns, binding)));
    }

    private static Source set(TopicSet.Builder topics) {
        Source out = new Source("");
        out.origin.setTopics(topics);
        return out;
    }

    private static InlineRelation inline(String columns, Binding binding) {
        return InlineRelation.newBuilder().setSchema(Columns.parse(columns)).setTopic(binding.message()).build();
    }

    /** Where a new topology begins; the beginning otherwise. */
    public Source start(Start start) {
        origin.setStart(start.message);
        return this;
    }

    /** The keys of what is declared are windowed. */
    public Source windowed(Window window) {
        if (!origin.hasInline()) {
            throw new IllegalArgumentException("a relation of the catalog says itself whether it is windowed");
        }
        origin.getInlineBuilder().setWindow(WindowInfo.newBuilder()
                .setKind(window.message.getKind()).setSize(window.message.getSize()).setAdvance(window.message.getAdvance()));
        return this;
    }

    /** The column that gives the rowtime. */
    public Source time(String column) {
        time.setColumn(column);
        return this;
    }

    /** The STRING column that gives the rowtime, its java.time pattern, and what becomes of a row without a time. */
    public Source time(String column, String format, OnBadTime otherwise) {
        time.setColumn(column).setFormat(format).setOnBadTime(otherwise);
        return this;
    }

    /** Makes a table versioned: how long earlier rows are kept. */
    public Source history(Duration kept) {
        history = kept;
        return this;
    }

    String base() {
        return base;
    }

    Origin origin() {
        return origin.build();
    }

    Optional<TimeColumn> time() {
        return time.getColumn().isEmpty() ? Optional.empty() : Optional.of(time.build());
    }

    Optional<Duration> history() {
        return Optional.ofNullable(history);
    }
}
