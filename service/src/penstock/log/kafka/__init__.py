"""The Log port on Kafka, over aiokafka's connections and record objects.

    protocol    the requests, one fixed version of each          security    Kafka's property names -> connection settings
    codes       error codes -> what to do about them             cluster     brokers, connections, leaders, coordinators, retries
    reader      fetch, prefetch, isolation                       lookups     offsets: positions and groups'
    producer    idempotent and transactional producer            admin       topics, groups, records
    writer      TxnWriter                                        append      appends with sequences, compare-and-append
    membership  consumer groups in a thread of their own         assign      who runs which task (pure)
    log         open_kafka: all of it as one Log
"""
