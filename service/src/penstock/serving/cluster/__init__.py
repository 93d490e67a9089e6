"""Many nodes on one Kafka: who is there, who has which task, and how a gateway reads what another node has."""
