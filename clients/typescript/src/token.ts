/** A bearer token kept in a file. */

import { readFile, stat } from "node:fs/promises";

/** The token in a file, read again when the file changes: `new Client(address, { tls: true, token: tokenFile(path) })`. */
export function tokenFile(path: string): () => Promise<string> {
  let seen = "";
  let token = "";
  return async () => {
    const { mtimeMs, ino } = await stat(path);
    const found = `${mtimeMs} ${ino}`;
    if (found !== seen) {
      const text = (await readFile(path, "utf8")).trim();
      if (!/^\S+$/.test(text)) {
        throw new TypeError(`${path} does not hold a token and nothing else`);
      }
      [token, seen] = [text, found];
    }
    return token;
  };
}
