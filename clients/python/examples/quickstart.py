from penstock_client import Client, Topology

with Client("127.0.0.1:7550") as client:
    client.create_stream("purchases", "customer STRING KEY, item STRING, price DOUBLE")
    shop = Topology("shop")
    shop.stream("purchases").group_by().aggregate(total="SUM(price)").to("spend")
    client.register_topology(shop, wait=30)
    token = client.append("purchases", {"customer": "c042", "item": "lamp", "price": 12.5}).position
    print(client.get("spend", "c042", at_least=token).total)  # 12.5: the answer includes the append
    for row in client.subscribe("spend"):  # what is there, then every change; goes on over restarts of the service
        print(row.customer, row.total)
        break
