from penstock_client import Client, Topology
from penstock_client.worker import Worker

ADDRESS = "127.0.0.1:7550"


def points(row, context):
    """A point for each whole unit of money, accumulated by customer."""
    before = context.state("totals") or {"points": 0}
    now = {"points": before["points"] + int(row.price)}
    context.put("totals", now)
    context.send("points", now)


with Client(ADDRESS) as client, Worker(ADDRESS, {"points": points}):
    loyalty = Topology("loyalty")
    outputs, stores = {"points": "customer STRING KEY, points BIGINT"}, {"totals": "points BIGINT"}
    loyalty.stream("purchases").process_remotely("points", outputs, stores, keeps_key=True)["points"].to("loyalty_points")
    client.register_topology(loyalty, wait=30)
    for row in client.subscribe("loyalty_points", start="earliest", where="customer = 'c042'", limit=1):
        print(row.customer, row.points)  # c042 12
