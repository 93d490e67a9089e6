package dev.penstock.client;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/** An iterator over what a supplier gives until it gives null. */
final class Pull<T> implements Iterator<T> {

    private final Supplier<T> source;
    private T ahead;

    Pull(Supplier<T> source) {
        this.source = source;
    }

    @Override
    public boolean hasNext() {
        if (ahead == null) {
            ahead = source.get();
        }
        return ahead != null;
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        T out = ahead;
        ahead = null;
        return out;
    }
}
