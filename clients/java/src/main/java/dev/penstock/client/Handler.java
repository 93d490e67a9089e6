package dev.penstock.client;

/**
 * Computes the bundles of a remote processor in this program: a {@link RowHandler}, or something of its own, which is faster for simple work on
 * whole bundles. Whatever it does for a bundle is committed together with the bundle's rows, or not at all, so a bundle may be seen more than once:
 * keep nothing that counts outside of it.
 */
@FunctionalInterface
public interface Handler {

    /** Calls put() and send() of the bundle. An exception fails the whole bundle, which is tried again, unless it is a {@link BadRowsException}. */
    void process(Bundle bundle) throws Exception;
}
