package dev.penstock.client;

import dev.penstock.v1.WindowKind;
import java.time.Duration;

/** How an aggregate cuts time. */
public final class Window {

    final dev.penstock.v1.Window message;

    private Window(dev.penstock.v1.Window.Builder message) {
        this.message = message.build();
    }

    private static dev.penstock.v1.Window.Builder of(WindowKind kind) {
        return dev.penstock.v1.Window.newBuilder().setKind(kind);
    }

    /** Windows of a fixed size without gaps. */
    public static Window tumbling(Duration size) {
        return new Window(of(WindowKind.WINDOW_KIND_TUMBLING).setSize(Times.message(size)));
    }

    /** Windows of a fixed size that begin at every multiple of the advance: a record lies in several. */
    public static Window hopping(Duration size, Duration advance) {
        return new Window(of(WindowKind.WINDOW_KIND_HOPPING).setSize(Times.message(size)).setAdvance(Times.message(advance)));
    }

    /** Windows of records that are no further apart than the size; both ends belong to them. */
    public static Window sliding(Duration size) {
        return new Window(of(WindowKind.WINDOW_KIND_SLIDING).setSize(Times.message(size)));
    }

    /** Windows of records that follow each other within the gap. */
    public static Window sessions(Duration gap) {
        return new Window(of(WindowKind.WINDOW_KIND_SESSION).setGap(Times.message(gap)));
    }

    /** How late a record may be. */
    public Window grace(Duration grace) {
        return new Window(message.toBuilder().setGrace(Times.message(grace)));
    }

    /** How long a window can be looked up. */
    public Window retention(Duration retention) {
        return new Window(message.toBuilder().setRetention(Times.message(retention)));
    }
}
