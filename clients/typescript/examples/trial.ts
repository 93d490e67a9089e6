import { type RowHandler, trial } from "@penstock/client";

const double: RowHandler = (row, context) => context.send("out", { n: row.get("n") * 2 });
const bundle = await trial(double, [{ n: 4 }], { columns: "n INT", outputs: { out: "n INT" } });
console.log(bundle.sent("out")); // [ { n: 8 } ]
