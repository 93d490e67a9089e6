package penstock.oracle;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/** The aggregates of one node, and what expressions fold. A group's state is its row: COUNT, SUM (0 without values), MIN and MAX (null), COLLECT_LIST. */
final class Fold {
  private record Call(String name, String function, Function<Expression.Row, Object> argument) {}

  private final List<Call> calls = new ArrayList<>();
  final Accumulators accumulators;

  Fold(List<Object> projections, List<Object> accumulators) {
    this.accumulators = new Accumulators(accumulators);
    for (Object projection : projections) {
      Map<String, Object> one = Keys.Json.object(projection);
      String text = ((String) one.get("expression")).trim();
      int open = text.indexOf('(');
      String inner = text.substring(open + 1, text.length() - 1);
      calls.add(new Call(Graph.alias(one), text.substring(0, open).toUpperCase(), inner.equals("*") ? row -> true : Expression.parse(inner)));
    }
  }

  List<String> names() {
    return Stream.concat(calls.stream().map(Call::name), accumulators.names().stream()).toList();
  }

  /**
   * Of the DSL: a group begins as null, not as its initial state, since Kafka Streams sends what this gives on as the old value of a new
   * group; tables behind it would take away what was never added.
   */
  Object initial() {
    return null;
  }

  private Object start() {
    Map<String, Object> state = new LinkedHashMap<>();
    for (Call call : calls) {
      state.put(call.name, switch (call.function) {
        case "COUNT", "SUM" -> 0L;
        case "COLLECT_LIST" -> new ArrayList<>();
        case "MIN", "MAX" -> null;
        default -> throw new IllegalArgumentException("not an oracle's aggregate: " + call.function);
      });
    }
    accumulators.start(state);
    return state;
  }

  Object add(Expression.Row row, Object state) {
    return add(0, row, state);
  }

  /** A row of one of several inputs. */
  Object add(int input, Expression.Row row, Object before) {
    Map<String, Object> state = change(row, before, 1);
    accumulators.add(input, row, before == null, state);
    return state;
  }

  Object undo(Expression.Row row, Object before) {
    Map<String, Object> state = change(row, before, -1);
    accumulators.undo(row, state);
    return state;
  }

  private Map<String, Object> change(Expression.Row row, Object before, int sign) {
    Map<String, Object> state = new LinkedHashMap<>(Keys.Json.object(before == null ? start() : before));
    for (Call call : calls) {
      Object value = call.argument.apply(row);
      Object old = state.get(call.name);
      if (call.function.equals("COLLECT_LIST")) {
        List<Object> list = new ArrayList<>(Keys.Json.list(old));
        int last = list.lastIndexOf(value);
        if (sign > 0) {
          list.add(value);
        } else if (last >= 0) {
          list.remove(last);
        }
        state.put(call.name, list);
      } else if (value != null) {
        state.put(call.name, switch (call.function) {
          case "COUNT" -> (Long) old + sign;
          case "SUM" -> (Long) old + sign * (Long) value;
          case "MIN" -> old == null || Expression.compare(value, old) < 0 ? value : old;
          default -> old == null || Expression.compare(value, old) > 0 ? value : old;
        });
      }
    }
    return state;
  }

  /** Two sessions become one. */
  Object merge(Object one, Object other) {
    if (one == null && accumulators.reduces()) {
      return other;
    }
    Map<String, Object> left = Keys.Json.object(one == null ? start() : one);
    Map<String, Object> state = new LinkedHashMap<>(left);
    for (Call call : calls) {
      Object a = left.get(call.name);
      Object b = Keys.Json.object(other).get(call.name);
      state.put(call.name, switch (call.function) {
        case "COUNT", "SUM" -> (Long) a + (Long) b;
        case "COLLECT_LIST" -> {
          List<Object> list = new ArrayList<>(Keys.Json.list(a));
          list.addAll(Keys.Json.list(b));
          yield list;
        }
        case "MIN" -> a == null || b != null && Expression.compare(b, a) < 0 ? b : a;
        default -> a == null || b != null && Expression.compare(b, a) > 0 ? b : a;
      });
    }
    accumulators.merge(Keys.Json.object(other), state);
    return state;
  }
}
