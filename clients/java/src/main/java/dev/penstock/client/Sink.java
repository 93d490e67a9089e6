package dev.penstock.client;

/** Settings of a sink. Without any: a topic of the relation's name, in the formats of the source. */
public final class Sink {

    final dev.penstock.v1.Sink.Builder message = dev.penstock.v1.Sink.newBuilder();
    String name = "";

    /** Topic and formats. */
    public Sink binding(Binding binding) {
        message.setTopic(binding.message());
        return this;
    }

    /** Adds a header to each record: a STRING or BYTES expression. */
    public Sink header(String name, String expression) {
        message.addHeadersBuilder().setAlias(name).setExpression(expression);
        return this;
    }

    /** Leaves out the headers of the record that caused a row. */
    public Sink dropHeaders() {
        message.setDropHeaders(true);
        return this;
    }

    /** Writes into a stream that exists. */
    public Sink insert() {
        message.setInsert(true);
        return this;
    }

    /** The node's name. */
    public Sink named(String node) {
        name = node;
        return this;
    }
}
