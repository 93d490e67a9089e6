package dev.penstock.client;

import dev.penstock.v1.ColumnRole;
import dev.penstock.v1.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Columns as text: {@code NAME TYPE [KEY], ...}, such as {@code customer STRING KEY, price DOUBLE}. */
final class Columns {

    private static final Pattern COLUMN = Pattern.compile(
            "\\s*(?:`((?:[^`]|``)+)`|([^\\s`]+))\\s+(.+?)(\\s+(?:PRIMARY\\s+)?KEY)?\\s*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private Columns() {
    }

    /** Types are checked by the service. IllegalArgumentException for what is no column. */
    static Schema parse(String text) {
        Schema.Builder out = Schema.newBuilder();
        for (String part : split(text)) {
            Matcher match = COLUMN.matcher(part);
            if (!match.matches()) {
                throw new IllegalArgumentException("'" + part.strip() + "' is no column: write NAME TYPE or NAME TYPE KEY");
            }
            out.addColumnsBuilder()
                    .setName(match.group(1) == null ? match.group(2) : match.group(1).replace("``", "`"))
                    .setRole(match.group(4) == null ? ColumnRole.COLUMN_ROLE_VALUE : ColumnRole.COLUMN_ROLE_KEY)
                    .getTypeBuilder().setSql(match.group(3));
        }
        return out.build();
    }

    /** Cuts at the commas outside brackets and backquotes. */
    private static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int start = 0;
        boolean quoted = false;
        for (int place = 0; place < text.length(); place++) {
            char c = text.charAt(place);
            if (c == '`') {
                quoted = !quoted;
            } else if (!quoted && (c == '(' || c == '<')) {
                depth++;
            } else if (!quoted && (c == ')' || c == '>')) {
                depth--;
            } else if (!quoted && c == ',' && depth == 0) {
                parts.add(text.substring(start, place));
                start = place + 1;
            }
        }
        parts.add(text.substring(start));
        return parts;
    }
}
