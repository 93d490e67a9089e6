package dev.penstock.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.function.Supplier;

/** The token in a file, read again when the file changes: {@code builder.token(new TokenFile(path))}. Safe for many threads. */
public final class TokenFile implements Supplier<String> {

    private record Seen(FileTime modified, Object file) {
    }

    private final Path path;
    private Seen seen;
    private String token;

    /** Reads the file. UncheckedIOException when that fails, IllegalArgumentException when it does not hold a token and nothing else. */
    public TokenFile(Path path) {
        this.path = path;
        get();
    }

    @Override
    public synchronized String get() {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            Seen found = new Seen(attributes.lastModifiedTime(), attributes.fileKey());
            if (!found.equals(seen)) {
                String text = Files.readString(path).strip();
                if (!text.matches("\\S+")) {
                    throw new IllegalArgumentException(path + " does not hold a token and nothing else");
                }
                token = text;
                seen = found;
            }
            return token;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
