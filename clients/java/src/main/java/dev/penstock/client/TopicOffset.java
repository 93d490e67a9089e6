package dev.penstock.client;

/** One record that was written straight to Kafka, as its producer returned it. */
public record TopicOffset(String topic, int partition, long offset) {
}
