package dev.penstock.client;

import dev.penstock.v1.Format;
import dev.penstock.v1.TopicBinding;
import dev.penstock.v1.TopicSpec;
import java.time.Duration;
import java.util.Map;

/** How a relation is bound to a topic. Without settings: a topic of the relation's name, made when it is missing, in the service's default formats. */
public final class Binding {

    private final TopicBinding.Builder message = TopicBinding.newBuilder();
    private final TopicSpec.Builder create = TopicSpec.newBuilder();
    private boolean mustExist;

    /** A topic by another name than the relation's. */
    public Binding topic(String name) {
        message.setTopic(name);
        return this;
    }

    /** Partitions of the topic if it is made; otherwise the number is the service's choice. */
    public Binding partitions(int count) {
        create.setPartitions(count);
        return this;
    }

    /** Replicas of the topic if it is made. */
    public Binding replicas(int count) {
        create.setReplicas(count);
        return this;
    }

    /** How long the topic keeps records if it is made. */
    public Binding retention(Duration time) {
        create.setRetention(Times.message(time));
        return this;
    }

    /** Refuses a topic that is missing. */
    public Binding mustExist() {
        mustExist = true;
        return this;
    }

    /** The format of keys, such as JSON, KAFKA, DELIMITED, AVRO or NONE. */
    public Binding keyFormat(String name) {
        return keyFormat(name, Map.of());
    }

    /** The format of keys with its own settings. */
    public Binding keyFormat(String name, Map<String, String> properties) {
        message.setKeyFormat(Format.newBuilder().setName(name).putAllProperties(properties));
        return this;
    }

    /** The format of values. */
    public Binding valueFormat(String name) {
        return valueFormat(name, Map.of());
    }

    /** The format of values with its own settings. */
    public Binding valueFormat(String name, Map<String, String> properties) {
        message.setValueFormat(Format.newBuilder().setName(name).putAllProperties(properties));
        return this;
    }

    /** The column that gives the rowtime. */
    public Binding timestamp(String column) {
        message.setTimestampColumn(column);
        return this;
    }

    /** The STRING column that gives the rowtime, and its java.time pattern. */
    public Binding timestamp(String column, String format) {
        message.setTimestampFormat(format);
        return timestamp(column);
    }

    TopicBinding message() {
        return mustExist ? message.clone().clearCreate().build() : message.clone().setCreate(create).build();
    }
}
