package conformance;

import java.util.Map;

/** One scenario in Java. Each is a class of this package beside its spec.md, named as its folder in camel case. */
interface Scenario {

    /** Plays it; its facts. */
    Map<String, Object> play(Run run) throws Exception;
}
