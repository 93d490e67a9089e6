from penstock_client import Client

batches = [[{"customer": f"c{n:03d}", "item": "pen", "price": 1.25} for n in range(100)] for _ in range(20)]
with Client("127.0.0.1:7550") as client, client.appender("purchases", producer_id="till-7") as appender:
    for rows in batches:  # lists of mappings
        appender.append(rows)
    print(appender.flush())  # durable, each row once, whatever happened to the connection
