package penstock.bench;

import java.lang.management.ManagementFactory;

/**
 * Prints "PROGRESS records epoch_ms cpu_ms" at the first input record, at the middle and at the last, where cpu_ms is what this process has
 * used: the second half is past most of the JVM's compiling. Called by the only stream thread.
 */
final class Progress {
    private final com.sun.management.OperatingSystemMXBean system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long total;
    private long seen;

    Progress(long total) {
        this.total = total;
    }

    void one() {
        seen++;
        if (seen == 1 || seen == total / 2 || seen == total) {
            print();
        }
    }

    private void print() {
        System.out.println("PROGRESS " + seen + " " + System.currentTimeMillis() + " " + system.getProcessCpuTime() / 1_000_000);
        System.out.flush();
    }
}
