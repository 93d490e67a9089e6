package dev.penstock.client;

import java.util.List;

/** A topic of the log. relations: those that read or write it. */
public record TopicInfo(String name, int partitions, List<String> relations) {

    static TopicInfo of(dev.penstock.v1.TopicInfo message) {
        return new TopicInfo(message.getName(), message.getPartitions(), List.copyOf(message.getRelationsList()));
    }
}
