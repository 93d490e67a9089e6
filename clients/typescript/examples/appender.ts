import { Client } from "@penstock/client";

const client = new Client("127.0.0.1:7550");
const appender = await client.appender("orders", { producerId: "till-7" });
for (let batch = 0; batch < 20; batch++) {
  await appender.append(Array.from({ length: 100 }, (_, n) => ({ customer: `c${n}`, item: "pen", price: 1.25 })));
}
console.log(await appender.flush()); // durable, each row once, whatever happened to the connection
await appender.close();
await client.close();
