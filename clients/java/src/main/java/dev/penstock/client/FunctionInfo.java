package dev.penstock.client;

import java.util.List;

/** A function of expressions. kind: SCALAR, AGGREGATE or TABLE. */
public record FunctionInfo(String name, String kind, List<String> signatures, String description) {

    static FunctionInfo of(dev.penstock.v1.FunctionInfo message) {
        return new FunctionInfo(
                message.getName(), Names.bare(message.getKind(), "FUNCTION_KIND_"), List.copyOf(message.getSignaturesList()), message.getDescription());
    }
}
