package dev.penstock.client;

import dev.penstock.v1.PositionToken;
import dev.penstock.v1.RegisteredTopology;
import java.time.Instant;
import java.util.List;

/**
 * A registered topology. stateReason: why it is FAILED or STARTING; version: grows by one with each reset and each update; relations: the names it
 * publishes; position: makes a later call see the change that was made; warnings: of registering, things that work but are likely not meant.
 */
public record TopologyInfo(
        String name, State state, String stateReason, long version, String etag, Instant registerTime, List<String> relations,
        dev.penstock.v1.Topology definition, String position, List<String> warnings) {

    /** What a topology does. */
    public enum State {
        /** A state of a newer service. */ UNKNOWN,
        /** Its tasks are not all there yet. */ STARTING,
        /** It processes. */ RUNNING,
        /** It was paused. */ PAUSED,
        /** A task cannot go on. */ FAILED
    }

    static TopologyInfo of(RegisteredTopology message, PositionToken position, List<String> warnings) {
        State state = switch (message.getState()) {
            case TOPOLOGY_STATE_STARTING -> State.STARTING;
            case TOPOLOGY_STATE_RUNNING -> State.RUNNING;
            case TOPOLOGY_STATE_PAUSED -> State.PAUSED;
            case TOPOLOGY_STATE_FAILED -> State.FAILED;
            default -> State.UNKNOWN;
        };
        return new TopologyInfo(
                message.getTopology().getName(), state, message.getStateReason(), message.getVersion(), message.getEtag(),
                Times.instant(message.getRegisterTime()), List.copyOf(message.getRelationsList()), message.getTopology(), position.getValue(),
                List.copyOf(warnings));
    }
}
