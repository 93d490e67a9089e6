"""Second stage: the logical topology. Every node typed, every expression analysed; partitions, internal topics and stores still open."""
