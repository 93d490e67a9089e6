package penstock.oracle;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Columns of a group that expressions fold. All expressions of a row see the accumulators as they were before it. */
final class Accumulators {
  private record One(String name, Function<Expression.Row, Object> init, List<Function<Expression.Row, Object>> add,
      Function<Expression.Row, Object> undo, Function<Expression.Row, Object> merge) {}

  private final List<One> all = new ArrayList<>();

  Accumulators(List<Object> given) {
    for (Object one : given) {
      Map<String, Object> body = Keys.Json.object(one);
      List<Function<Expression.Row, Object>> adds = new ArrayList<>();
      Keys.Json.list(body.get("add")).forEach(text -> adds.add(parsed(text)));
      var init = parsed(body.get("init"));
      var merge = parsed(body.get("merge"));
      all.add(new One((String) body.get("name"), init, adds, parsed(body.get("undo")), merge == null && init == null ? renamed(adds.get(0)) : merge));
    }
  }

  private static Function<Expression.Row, Object> parsed(Object text) {
    return text == null || ((String) text).isEmpty() ? null : Expression.parse((String) text);
  }

  /** A reduce merges as it adds: its row is then the other group. */
  private static Function<Expression.Row, Object> renamed(Function<Expression.Row, Object> add) {
    return row -> add.apply(name -> row.apply(name.startsWith("row.") ? "other." + name.substring(4) : name));
  }

  List<String> names() {
    return all.stream().map(One::name).toList();
  }

  /** Whether a group begins with the columns of its first row as they are. */
  boolean reduces() {
    return !all.isEmpty() && all.stream().allMatch(one -> one.init == null);
  }

  /** Puts the values of a group without rows into a state. */
  void start(Map<String, Object> state) {
    all.forEach(one -> state.put(one.name, one.init == null ? null : one.init.apply(name -> null)));
  }

  void add(int input, Expression.Row row, boolean fresh, Map<String, Object> state) {
    Map<String, Object> before = new HashMap<>(state);
    for (One one : all) {
      if (fresh && one.init == null) {
        state.put(one.name, row.apply(one.name));
      } else if (one.add.get(input) != null) {
        state.put(one.name, one.add.get(input).apply(both("row.", row, before)));
      }
    }
  }

  void undo(Expression.Row row, Map<String, Object> state) {
    Map<String, Object> before = new HashMap<>(state);
    all.forEach(one -> state.put(one.name, one.undo.apply(both("row.", row, before))));
  }

  void merge(Map<String, Object> other, Map<String, Object> state) {
    Map<String, Object> before = new HashMap<>(state);
    all.forEach(one -> state.put(one.name, one.merge.apply(both("other.", other::get, before))));
  }

  private static Expression.Row both(String prefix, Expression.Row row, Map<String, Object> state) {
    return name -> {
      if (name.startsWith("acc.")) {
        return state.get(name.substring(4));
      }
      return row.apply(name.startsWith(prefix) ? name.substring(prefix.length()) : name);
    };
  }

  /** Those columns of a row that are accumulated. */
  Map<String, Object> of(Expression.Row row) {
    Map<String, Object> found = new LinkedHashMap<>();
    all.forEach(one -> found.put(one.name, row.apply(one.name)));
    return found;
  }
}
