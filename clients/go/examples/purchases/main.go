// The purchases of a shop: card numbers are masked for everything downstream; patterns, rewards and totals come from what is masked. The points
// of each customer are computed by this program, as a worker of a remote processor, and kept by the service. It ends with a recount of what the service published against what was appended.
package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"time"

	"penstock.dev/client-go"
)

const count = 2000

// Purchase is one purchase; prices are quarters, so that sums are exact in any order.
type Purchase struct {
	Customer, Card, Item   string
	Price                  float64
	Department, Store, Zip string
}

func main() {
	address := penstock.DefaultAddress
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(context.Background(), address); err != nil {
		log.Fatal(err)
	}
}

// shop is the topology.
func shop() *penstock.Topology {
	t := penstock.NewTopology("shop_go")
	masked := t.Stream("purchases_go").Select("MASK_KEEP_RIGHT(card, 4) AS card", "item", "price", "department", "store", "zip").Named("masked")
	masked.To("purchases_masked_go")
	masked.Select("item", "ROWTIME AS sold_at", "zip").Named("where_and_when").To("patterns_go")
	rewards := masked.ProcessRemotely(penstock.Remote{
		Processor: "points_go", Stores: map[string]string{"totals": "points BIGINT"},
		Outputs: map[string]string{"rewards": "customer STRING KEY, points BIGINT"}, KeepsKey: true,
	}).Named("points")
	rewards.Output("rewards").ToTable(0).Named("rewards").To("rewards_go")
	masked.GroupBy("department").Window(penstock.Tumbling(time.Minute).Grace(time.Hour).Retention(24*time.Hour)).
		Aggregate("SUM(price) AS total", "COUNT(*) AS sold").Named("totals").To("department_totals_go")
	masked.Filter("price > 100").Named("expensive").To("high_value_go")
	return t
}

// points gives a point for each whole unit of money. Rows, state and input are committed together, exactly once.
var points = penstock.RowFunc(func(row *penstock.Row, c *penstock.RowContext) error {
	price, err := penstock.Cell[float64](row, "price")
	if err != nil {
		return err // the row becomes a dead letter
	}
	total := int64(price)
	if before := c.State("totals"); before != nil {
		total += before["points"].(int64)
	}
	c.Put("totals", map[string]any{"points": total})
	c.Send("rewards", map[string]any{"points": total})
	return nil
})

func generate() []Purchase {
	random := rand.New(rand.NewPCG(7, 7))
	departments := map[string]string{"coffee": "groceries", "bread": "groceries", "lamp": "home", "camera": "electronics", "novel": "books"}
	items := []string{"coffee", "bread", "lamp", "camera", "novel"}
	out := make([]Purchase, count)
	for i := range out {
		item := items[random.IntN(len(items))]
		out[i] = Purchase{
			Customer: fmt.Sprintf("c%03d", random.IntN(50)), Card: fmt.Sprintf("0000-0000-0000-%04d", random.IntN(10000)), Item: item,
			Price: float64(8+random.IntN(792)) / 4, Department: departments[item], Store: "Harbour", Zip: "20457",
		}
	}
	return out
}

func run(ctx context.Context, address string) error {
	client, err := penstock.New(address)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.CreateStream(ctx, "purchases_go",
		"customer STRING KEY, card STRING, item STRING, price DOUBLE, department STRING, store STRING, zip STRING",
		penstock.Binding{Partitions: 4, ValueFormat: "JSON"})
	if err != nil {
		return err
	}
	if _, err := client.RegisterTopology(ctx, shop(), penstock.RegisterOptions{Wait: 30 * time.Second}); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	worker := penstock.Worker{Addresses: []string{address}, Handlers: map[string]penstock.Handler{"points_go": points}}
	go func() {
		if err := worker.Run(working); err != nil {
			log.Print(err)
		}
	}()

	purchases := generate()
	position, err := send(ctx, client, purchases)
	if err != nil {
		return err
	}
	return recount(ctx, client, purchases, position)
}

// send appends the purchases in batches, many on their way at once; the position that includes them all.
func send(ctx context.Context, client *penstock.Client, purchases []Purchase) (string, error) {
	appender, err := client.Appender(ctx, "purchases_go")
	if err != nil {
		return "", err
	}
	defer appender.Close()
	for start := 0; start < len(purchases); start += 100 {
		if err := appender.Append(ctx, penstock.RowsOf(purchases[start:start+100]...)); err != nil {
			return "", err
		}
	}
	return appender.Flush(ctx)
}

// recount compares points, masked cards and high values.
func recount(ctx context.Context, client *penstock.Client, purchases []Purchase, position string) error {
	earned, masked, high := map[string]int64{}, map[string]int{}, 0
	for _, p := range purchases {
		earned[p.Customer] += int64(p.Price)
		masked["nnnn-nnnn-nnnn-"+p.Card[15:]]++
		if p.Price > 100 {
			high++
		}
	}
	last := purchases[len(purchases)-1].Customer
	row, err := client.Get(ctx, "rewards_go", last, penstock.AtLeast(position), penstock.MaxWait(20*time.Second))
	if err != nil {
		return err
	}
	fmt.Println("rewards of", last, "with the token of the last append:", row)

	published := map[string]int64{}
	for row, err := range client.Scan(ctx, "rewards_go", penstock.AtLeast(position)).Rows() {
		var reward struct {
			Customer string
			Points   int64
		}
		if err != nil {
			return err
		}
		if err := row.Decode(&reward); err != nil {
			return err
		}
		published[reward.Customer] = reward.Points
	}
	pushed, expensive := map[string]int{}, 0
	from := penstock.From(penstock.Earliest)
	for row, err := range client.Subscribe(ctx, "purchases_masked_go", from, penstock.Limit(uint64(len(purchases)))).Rows() {
		if err != nil {
			return err
		}
		card, err := penstock.Cell[string](row, "card")
		if err != nil {
			return err
		}
		pushed[card]++
	}
	for _, err := range client.Subscribe(ctx, "high_value_go", from, penstock.Limit(uint64(high))).Rows() {
		if err != nil {
			return err
		}
		expensive++
	}
	if !maps.Equal(earned, published) || !maps.Equal(masked, pushed) || expensive != high {
		return fmt.Errorf("the recount differs: %d of %d customers, %d of %d cards, %d of %d high values",
			len(published), len(earned), len(pushed), len(masked), expensive, high)
	}
	fmt.Printf("recount of %d purchases, %d customers: every value right\n", len(purchases), len(earned))
	return nil
}
