package penstock.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Columns, literals, = and <, +. Comparison with null is false, addition with null is null. A name is looked up without regard to case;
 * `input.column` where several inputs meet.
 */
final class Expression {
  private final List<String> tokens = new ArrayList<>();
  private int at;

  private Expression(String text) {
    var found = java.util.regex.Pattern.compile("'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_.]*|\\d+|[()=<+]").matcher(text);
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
    while (peek().equals("+")) {
      at++;
      var first = left;
      var second = primary();
      left = row -> {
        Object a = first.apply(row);
        Object b = second.apply(row);
        return a == null || b == null ? null : a instanceof Long x ? (Object) (x + (Long) b) : a + (String) b;
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
    if (token.startsWith("'")) {
      String text = token.substring(1, token.length() - 1).replace("''", "'");
      return row -> text;
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
