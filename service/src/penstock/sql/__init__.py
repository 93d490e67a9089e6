"""ksqlDB's statements on Penstock: parsed with the grammar of expressions, analysed into topologies for the planner."""
