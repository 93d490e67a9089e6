package dev.penstock.client;

import dev.penstock.v1.ExecuteResponse;
import dev.penstock.v1.PositionToken;
import dev.penstock.v1.SqlSession;
import java.util.List;
import java.util.Map;

/** What SET and DEFINE leave for a client's later statements, and the position of its last one, so that the next sees it on any node. */
public final class Session {

    private SqlSession message = SqlSession.getDefaultInstance();
    private String position = "";

    Session() {
    }

    /** What SET changed, by name. */
    public Map<String, String> properties() {
        return message().getPropertiesMap();
    }

    /** What DEFINE set, by name. */
    public Map<String, String> variables() {
        return message().getVariablesMap();
    }

    /** Includes the last statement. */
    public synchronized String position() {
        return position;
    }

    synchronized SqlSession message() {
        return message;
    }

    List<PositionToken> positions() {
        return Freshness.tokens(position());
    }

    synchronized void follow(ExecuteResponse response) {
        if (response.hasSession()) {
            message = response.getSession();
        }
        if (!response.getPosition().getValue().isEmpty()) {
            position = response.getPosition().getValue();
        }
    }
}
