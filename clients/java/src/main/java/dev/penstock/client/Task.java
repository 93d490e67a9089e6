package dev.penstock.client;

import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;

/**
 * One partition of one sub-topology. state: of TaskState without its prefix, UNSPECIFIED before its worker has reported; node: which has it;
 * standbyNodes: have copies of its state; lag: input records that are not committed yet; restoreProgress: 0 to 1 while RESTORING.
 */
public record Task(
        String topology, String subTopology, int partition, String state, String stateReason, String worker, String node, List<String> standbyNodes,
        long lag, OptionalDouble restoreProgress, Instant updateTime) {

    static Task of(dev.penstock.v1.Task message) {
        return new Task(
                message.getTopology(), message.getSubTopology(), message.getPartition(), Names.bare(message.getState(), "TASK_STATE_"),
                message.getStateReason(), message.getWorker(), message.getNode(), List.copyOf(message.getStandbyNodesList()), message.getLag(),
                message.hasRestoreProgress() ? OptionalDouble.of(message.getRestoreProgress()) : OptionalDouble.empty(),
                Times.instant(message.getUpdateTime()));
    }
}
