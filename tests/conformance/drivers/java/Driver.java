package conformance;

import com.google.gson.Gson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The Java driver: runs one scenario, or prints those that it has. See README.md. */
final class Driver {

    private Driver() {
    }

    /** arguments: as in README.md. The system property `scenarios` is their folder. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            System.out.println(new Gson().toJson(names()));
            return;
        }
        Map<String, String> settings = new HashMap<>();
        for (String setting : List.of(arguments).subList(3, arguments.length)) {
            settings.put(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
        }
        try (Run run = new Run(arguments[1], arguments[2], settings)) {
            run.say(Map.of("facts", scenario(arguments[0]).play(run)));
        }
    }

    private static Scenario scenario(String name) throws ReflectiveOperationException {
        return (Scenario) Class.forName("conformance." + camel(name)).getDeclaredConstructor().newInstance();
    }

    private static List<String> names() throws java.io.IOException {
        try (Stream<Path> folders = Files.list(Path.of(System.getProperty("scenarios")))) {
            return folders.map(folder -> folder.getFileName().toString())
                    .filter(name -> Driver.class.getResource(camel(name) + ".class") != null).sorted().toList();
        }
    }

    private static String camel(String name) {
        return Arrays.stream(name.split("_")).map(word -> word.substring(0, 1).toUpperCase() + word.substring(1)).collect(Collectors.joining());
    }
}
