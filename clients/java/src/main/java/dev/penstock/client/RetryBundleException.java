package dev.penstock.client;

/** Says in a handler that the rows are not to blame: the whole bundle comes again after a while. */
public class RetryBundleException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** message: for people. */
    public RetryBundleException(String message) {
        super(message);
    }
}
