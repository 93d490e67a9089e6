package dev.penstock.client;

import java.util.Collection;
import java.util.List;

/** How names are found and written. */
final class Names {

    private Names() {
    }

    /** The place of the name that is meant: exactly it, else in upper case, else the only one that differs by case alone; -1 for none. */
    static int find(List<String> names, String wanted) {
        int exact = names.indexOf(wanted);
        if (exact >= 0) {
            return exact;
        }
        int upper = names.indexOf(wanted.toUpperCase(java.util.Locale.ROOT));
        if (upper >= 0) {
            return upper;
        }
        int alike = -1;
        for (int place = 0; place < names.size(); place++) {
            if (names.get(place).equalsIgnoreCase(wanted)) {
                if (alike >= 0) {
                    return -1;
                }
                alike = place;
            }
        }
        return alike;
    }

    static IllegalArgumentException unknown(String what, Collection<String> there) {
        return new IllegalArgumentException(what + "; there are " + String.join(", ", there));
    }

    /** A name as SQL text: bare where it survives folding to upper case, else in backquotes. */
    static String quoted(String name) {
        return name.matches("[A-Z_][A-Z0-9_]*") ? name : "`" + name.replace("`", "``") + "`";
    }

    /** The name of an enum's value without its prefix. */
    static String bare(Enum<?> value, String prefix) {
        return value.name().startsWith(prefix) ? value.name().substring(prefix.length()) : value.name();
    }
}
