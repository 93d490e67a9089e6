package dev.penstock.client;

import dev.penstock.v1.ProcessorOutput;
import dev.penstock.v1.RemoteProcessor;
import java.time.Duration;

/** A remote processor: rows go to programs that serve it. */
public final class Remote {

    final RemoteProcessor.Builder message = RemoteProcessor.newBuilder();

    /** processor: the name that the programs register. */
    public Remote(String processor) {
        message.setProcessor(processor);
    }

    /** An output. columns: as `NAME TYPE [KEY], ...`. */
    public Remote output(String name, String columns) {
        message.addOutputsBuilder().setName(name).setSchema(Columns.parse(columns));
        return this;
    }

    /** A store. columns: without its key, which is that of the rows. */
    public Remote store(String name, String columns) {
        message.addStoresBuilder().setName(name).setSchema(Columns.parse(columns));
        return this;
    }

    /** Rows of every output declared so far have the key of the row that caused them. */
    public Remote keepsKey() {
        message.getOutputsBuilderList().forEach((ProcessorOutput.Builder output) -> output.setKeepsKey(true));
        return this;
    }

    /** A setting that the programs see. */
    public Remote config(String name, String value) {
        message.putConfig(name, value);
        return this;
    }

    /** How many rows a bundle has at most; 1000 otherwise. */
    public Remote bundleRows(int most) {
        message.setBundleRows(most);
        return this;
    }

    /** After how long without an answer a bundle goes to another program; 30 s otherwise. */
    public Remote bundleTimeout(Duration limit) {
        message.setBundleTimeout(Times.message(limit));
        return this;
    }

    /** How often a bundle that fails as a whole is tried; without an end otherwise. */
    public Remote maxAttempts(int attempts) {
        message.setMaxAttempts(attempts);
        return this;
    }

    /** Programs may set timers for the keys of the rows: a handler that does is a {@link TimedHandler}. */
    public Remote timers() {
        message.setTimers(true);
        return this;
    }
}
