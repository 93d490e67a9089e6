package dev.penstock.client;

import dev.penstock.v1.ExecuteRequest;
import java.util.Map;

/** Settings of a script. */
public final class ScriptOptions {

    final ExecuteRequest.Builder request = ExecuteRequest.newBuilder();

    ScriptOptions() {
    }

    /** The values of {@code :name} in the statements. */
    public ScriptOptions with(Map<String, ?> parameters) {
        request.putAllParameters(Values.parameters(parameters));
        return this;
    }

    /** Answers statements that were executed before, in the same words, as done. */
    public ScriptOptions apply() {
        request.setApply(true);
        return this;
    }

    /** Analyses and changes nothing. */
    public ScriptOptions validateOnly() {
        request.setValidateOnly(true);
        return this;
    }
}
