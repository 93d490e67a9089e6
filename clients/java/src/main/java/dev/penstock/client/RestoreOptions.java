package dev.penstock.client;

/** Settings of a restore of the registry. */
public final class RestoreOptions {

    final dev.penstock.v1.RestoreOptions.Builder message = dev.penstock.v1.RestoreOptions.newBuilder();

    RestoreOptions() {
    }

    /** Also takes a registry that is not empty: what the backup does not have is forgotten, and its topics stay. */
    public RestoreOptions replace() {
        message.setReplace(true);
        return this;
    }

    /** Says what would be done, and does nothing. */
    public RestoreOptions validateOnly() {
        message.setValidateOnly(true);
        return this;
    }
}
