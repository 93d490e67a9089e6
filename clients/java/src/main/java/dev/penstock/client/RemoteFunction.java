package dev.penstock.client;

import java.time.Duration;

/** Declares a scalar function that workers compute. */
public final class RemoteFunction {

    final dev.penstock.v1.RemoteFunction.Builder message = dev.penstock.v1.RemoteFunction.newBuilder();

    /** result: the type of what it gives, and arguments: those of its arguments, such as `DECIMAL(8, 2)`. */
    public RemoteFunction(String name, String result, String... arguments) {
        message.setName(name).getResultBuilder().setSql(result);
        for (String argument : arguments) {
            message.addArgumentsBuilder().setSql(argument);
        }
    }

    /** The version of its meaning, which workers name; 1 otherwise. */
    public RemoteFunction version(int number) {
        message.setVersion(number);
        return this;
    }

    /** Equal arguments always give equal results: equal calls in a node are made once. */
    public RemoteFunction deterministic() {
        message.setDeterministic(true);
        return this;
    }

    /** How many results a task keeps, of a function that is deterministic; none otherwise. */
    public RemoteFunction cacheRows(int most) {
        message.setCacheRows(most);
        return this;
    }

    /** It is called with null arguments too; otherwise the result is null then. */
    public RemoteFunction calledOnNull() {
        message.setCalledOnNull(true);
        return this;
    }

    /** After how long without an answer a bundle goes to another program; 30 s otherwise. */
    public RemoteFunction timeout(Duration limit) {
        message.setTimeout(Times.message(limit));
        return this;
    }

    /** How often a bundle that fails as a whole is tried; without an end otherwise. */
    public RemoteFunction maxAttempts(int attempts) {
        message.setMaxAttempts(attempts);
        return this;
    }

    /** How many rows a bundle has at most; 1000 otherwise. */
    public RemoteFunction bundleRows(int most) {
        message.setBundleRows(most);
        return this;
    }

    /** What it does, for people. */
    public RemoteFunction description(String text) {
        message.setDescription(text);
        return this;
    }
}
