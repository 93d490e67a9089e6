package penstock.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Columns, literals, = and <, + and -, COALESCE, ARRAY[...], CAST, FROM_BYTES of what is text here. Comparison with null is false, addition with null is null. A name is looked up without regard to case;
 * `input.column` where several inputs meet.
 */
final class Expression {
  private final List<String> tokens = new ArrayList<>();
  private int at;

  private Expression(String text) {
    var found = java.util.regex.Pattern.compile("'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_.]*|\\d+|[()=<+\\-,\\[\\]]").matcher(text);
    int end = 0;
    while (found.find()) {
      if (!text.substring(end, found.start()).isBlank()) {
        throw new IllegalArgumentException("not an oracle's expression: " + text);
      }
      tokens.add(found.group());
      end = found.end();
    }
  }

  /** Names of columns to values of one row (or two). */
  interface Row extends Function<String, Object> {}

  static Function<Row, Object> parse(String text) {
    var parser = new Expression(text);
    var found = parser.comparison();
    if (parser.at < parser.tokens.size()) {
      throw new IllegalArgumentException("not an oracle's expression: " + text);
    }
    return found;
  }

  private String peek() {
    return at < tokens.size() ? tokens.get(at) : "";
  }

  private Function<Row, Object> comparison() {
    var left = sum();
    if (!peek().equals("=") && !peek().equals("<")) {
      return left;
    }
    boolean equal = tokens.get(at++).equals("=");
    var right = sum();
    return row -> {
      Object a = left.apply(row);
      Object b = right.apply(row);
      return a != null && b != null && (equal ? a.equals(b) : compare(a, b) < 0);
    };
  }

  @SuppressWarnings("unchecked")
  static int compare(Object a, Object b) {
    return ((Comparable<Object>) a).compareTo(b);
  }

  private Function<Row, Object> sum() {
    var left = primary();
    while (peek().equals("+") || peek().equals("-")) {
      long sign = tokens.get(at++).equals("+") ? 1 : -1;
      var first = left;
      var second = primary();
      left = row -> {
        Object a = first.apply(row);
        Object b = second.apply(row);
        return a == null || b == null ? null : a instanceof Long x ? (Object) (x + sign * (Long) b) : a + (String) b;
      };
    }
    return left;
  }

  private Function<Row, Object> primary() {
    String token = tokens.get(at++);
    if (token.equals("(")) {
      var inner = comparison();
      at++;
      return inner;
    }
    if (token.equals("COALESCE") || token.equals("ARRAY")) {
      var parts = list();
      boolean array = token.equals("ARRAY");
      return row -> {
        List<Object> values = new ArrayList<>();
        parts.forEach(part -> values.add(part.apply(row)));
        return array ? values : values.stream().filter(v -> v != null).findFirst().orElse(null);
      };
    }
    if (token.equals("FROM_BYTES")) {
      return list().get(0);
    }
    if (token.equals("CAST")) {
      at++;
      var inner = comparison();
      at += 3; // AS, a type, the bracket: numbers are BIGINT here
      return inner;
    }
    if (token.startsWith("'")) {
      String text = token.substring(1, token.length() - 1).replace("''", "'");
      return row -> text;
    }
    if (token.equalsIgnoreCase("NULL")) {
      return row -> null;
    }
    if (Character.isDigit(token.charAt(0))) {
      Long number = Long.valueOf(token);
      return row -> number;
    }
    if (token.equalsIgnoreCase("TRUE") || token.equalsIgnoreCase("FALSE")) {
      Boolean value = token.equalsIgnoreCase("TRUE");
      return row -> value;
    }
    return row -> row.apply(token);
  }

  /** What stands in brackets, by comma. */
  private List<Function<Row, Object>> list() {
    List<Function<Row, Object>> parts = new ArrayList<>();
    do {
      at++;
      parts.add(comparison());
    } while (peek().equals(","));
    at++;
    return parts;
  }

  /** A column among columns by its exact name, else without regard to case. */
  static Object column(Map<String, Object> columns, String name) {
    if (columns.containsKey(name)) {
      return columns.get(name);
    }
    for (var entry : columns.entrySet()) {
      if (entry.getKey().equalsIgnoreCase(name)) {
        return entry.getValue();
      }
    }
    throw new IllegalArgumentException("no column " + name + " among " + columns.keySet());
  }
}
