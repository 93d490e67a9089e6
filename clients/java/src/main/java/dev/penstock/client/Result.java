package dev.penstock.client;

import dev.penstock.v1.ExecuteResponse;
import dev.penstock.v1.ResultSet;
import java.util.List;

/**
 * What one statement did. message: for people. Of relation, topology, function and rows at most one is not null: rows are what SHOW and LIST give; text
 * is what EXPLAIN gives, else empty; details, else null, come with a described relation. unchanged: nothing had to be done; position: makes a later
 * call on any node see the statement.
 */
public record Result(
        int index, String statement, String message, Relation relation, TopologyInfo topology, FunctionInfo function, Batch rows, Batch details,
        String text, boolean unchanged, String position) {

    static Result of(ExecuteResponse response) {
        String position = response.getPosition().getValue();
        return new Result(
                response.getIndex(), response.getStatement(), response.getMessage(),
                response.hasRelation() ? Relation.of(response.getRelation(), position) : null,
                response.hasTopology() ? TopologyInfo.of(response.getTopology(), response.getPosition(), List.of()) : null,
                response.hasFunction() ? FunctionInfo.of(response.getFunction()) : null,
                response.hasRows() ? batch(response.getRows()) : null, response.hasDetails() ? batch(response.getDetails()) : null,
                response.getText(), response.getUnchanged(), position);
    }

    private static Batch batch(ResultSet message) {
        return Batch.of(RowSchema.of(message.getSchema()), message.getRows(), "", false);
    }
}
