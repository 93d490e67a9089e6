import { Client, errors } from "@penstock/client";

const client = new Client("127.0.0.1:7550", { timeoutMs: 5000, retry: { attempts: 5 } });
try {
  await client.get("spent", "c042");
} catch (error) {
  if (!(error instanceof errors.UnknownRelationError)) {
    throw error;
  }
  console.log(error.code, error.metadata["candidates"]); // NOT_FOUND spend
}
await client.close();
