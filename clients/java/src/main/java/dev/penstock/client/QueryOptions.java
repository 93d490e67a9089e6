package dev.penstock.client;

import dev.penstock.v1.PositionToken;
import dev.penstock.v1.QueryRequest;
import java.time.Duration;
import java.util.Map;

/** Settings of a query. */
public final class QueryOptions extends Freshness<QueryOptions> {

    final QueryRequest.Builder request = QueryRequest.newBuilder();

    QueryOptions() {
    }

    /** The values of {@code :name} in the query. */
    public QueryOptions with(Map<String, ?> parameters) {
        request.putAllParameters(Values.parameters(parameters));
        return this;
    }

    /** Ends the query after that many rows. */
    public QueryOptions limit(long rows) {
        request.setLimit(rows);
        return this;
    }

    /** Goes on after an earlier position of the same push query. */
    public QueryOptions resume(String token) {
        request.setResume(PositionToken.newBuilder().setValue(token));
        return this;
    }

    /** The longest silence of a push query, 100 ms to 1 h; 10 s otherwise. */
    public QueryOptions progressInterval(Duration interval) {
        request.setProgressInterval(Times.message(interval));
        return this;
    }
}
