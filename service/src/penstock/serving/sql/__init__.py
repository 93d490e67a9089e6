"""SQL on a node: statements carried out on log and registry, queries answered from stores, tails and topologies of their own."""
