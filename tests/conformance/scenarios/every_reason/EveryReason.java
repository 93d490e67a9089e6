package conformance;

import static conformance.Run.facts;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import dev.penstock.client.PenstockException.ExpressionPlace;
import dev.penstock.client.Retry;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;

/** Every reason has its exception, and only what is unavailable is asked again: see spec.md. */
final class EveryReason implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        Duration soon = Duration.ofMillis(1);
        PenstockClient client = run.connect(builder -> builder.retry(new Retry(2, soon, soon)));
        Map<String, PenstockException> errors = new LinkedHashMap<>();
        for (JsonElement name : run.ask("reasons").getAsJsonArray("reasons")) {
            try {
                client.topology(name.getAsString());
            } catch (PenstockException refused) {
                errors.put(name.getAsString(), refused);
            }
        }
        JsonObject calls = run.ask("calls").getAsJsonObject("calls");
        Map<String, String> codes = new LinkedHashMap<>();
        errors.forEach((name, error) -> codes.put(name, error.code().name()));
        return facts(
                "codes", codes,
                "untyped", those(errors, (name, error) -> !error.getClass().getSimpleName().equalsIgnoreCase(name.replace("_", "") + "Exception")),
                "other", those(errors, (name, error) -> !error.reason().equals(name) || !error.text().equals("refused: " + name)
                        || !name.equals(error.metadata().get("topology"))),
                "placed", those(errors, (name, error) -> new ExpressionPlace("name", "n", 3, 5, "here").equals(error.expression())),
                "later", those(errors, (name, error) -> error.retryAfter().toMillis() == 20),
                "repeated", those(errors, (name, error) -> calls.get(name).getAsInt() == 2));
    }

    private static List<String> those(Map<String, PenstockException> errors, BiPredicate<String, PenstockException> when) {
        return errors.entrySet().stream().filter(one -> when.test(one.getKey(), one.getValue())).map(Map.Entry::getKey).toList();
    }
}
