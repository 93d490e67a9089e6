package penstock.oracle;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Runs topologies in the TopologyTestDriver of Kafka Streams. One run is one line of standard input: {"topology": ProtoJSON, "relations":
 * [ProtoJSON], "cache": boolean, "inputs": [{"to":, "key": [columns] or null, "value": {} or null, "at": ms, "headers": [[name, text]],
 * "advance": ms by which the clock goes on before}]}.
 * Its answer is a line for each output record {"to":, "key":, "value":, "at":, "window": [start, end] or null, "headers":}, one for each
 * row of a store {"store":, ...}, then {"end": true} or {"error": text}.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      try {
        new Run(Keys.Json.object(Keys.Json.read(line.getBytes(StandardCharsets.UTF_8)))).run(row -> out.println(Keys.Json.text(row)));
        out.println(Keys.Json.text(Map.of("end", true)));
      } catch (Exception | StackOverflowError e) {
        var text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        out.println(Keys.Json.text(Map.of("error", text.toString())));
      }
      out.flush();
    }
  }
}
