package dev.penstock.client;

import dev.penstock.v1.GetRequest;
import dev.penstock.v1.Value;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The nodes that have the tasks of keys, as the answers of lookups name them: the next lookup of a key goes straight there. */
final class Owners {

    private static final int MOST = 100_000;
    /** How long no lookup goes straight to a node that did not answer one. */
    private static final Duration SHUN = Duration.ofMinutes(1);

    private record Place(String relation, List<Value> key) {

        static Place of(GetRequest request) {
            return new Place(request.getRelation(), request.getKeyList());
        }
    }

    private final Map<Place, String> nodes = new ConcurrentHashMap<>();
    private final Set<String> reached = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> shunned = new ConcurrentHashMap<>(); // until when, by System.nanoTime()

    /** The owner of a lookup's key; null when it is not known. */
    String of(GetRequest request) {
        return nodes.isEmpty() ? null : nodes.get(Place.of(request));
    }

    /** Whether a node has answered since it last did not. */
    boolean reached(String address) {
        return reached.contains(address);
    }

    /** A lookup was answered, by a node that names the owner where that is another one. */
    void learn(GetRequest request, String owner) {
        Long until = owner.isEmpty() ? null : shunned.get(owner);
        if (owner.isEmpty() || until != null && System.nanoTime() - until < 0) {
            return;
        }
        if (nodes.size() >= MOST) {
            nodes.clear();
        }
        nodes.put(Place.of(request), owner);
    }

    /** A lookup that went straight to a node was answered. */
    void answered(String address) {
        reached.add(address);
    }

    /** A lookup that went straight to a node was not answered. */
    void shun(String address) {
        shunned.put(address, System.nanoTime() + SHUN.toNanos());
        reached.remove(address);
        nodes.values().removeIf(address::equals);
    }
}
