// The program of the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"penstock.dev/client-go"
)

func main() {
	address := penstock.DefaultAddress
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(context.Background(), address); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address string) error {
	client, err := penstock.New(address)
	if err != nil {
		return err
	}
	defer client.Close()

	_, err = client.CreateStream(ctx, "sales", "customer STRING KEY, item STRING, price DOUBLE", penstock.Binding{})
	if err != nil {
		return err
	}
	tills := penstock.NewTopology("tills")
	tills.Stream("sales").GroupBy().Aggregate("SUM(price) AS total").To("revenue")
	if _, err := client.RegisterTopology(ctx, tills, penstock.RegisterOptions{Wait: 30 * time.Second}); err != nil {
		return err
	}

	written, err := client.Append(ctx, "sales", penstock.Rows{{"customer": "c042", "item": "lamp", "price": 12.5}})
	if err != nil {
		return err
	}
	row, err := client.Get(ctx, "revenue", "c042", penstock.AtLeast(written.Position)) // the answer includes the append
	if err != nil {
		return err
	}
	var revenue struct {
		Customer string
		Total    float64
	}
	if err := row.Decode(&revenue); err != nil {
		return err
	}
	fmt.Println(revenue.Customer, revenue.Total) // c042 12.5

	// What is there, then every change; it goes on over restarts of the service.
	for row, err := range client.Subscribe(ctx, "revenue").Rows() {
		if err != nil {
			return err
		}
		fmt.Println(row)
		break
	}
	if err := appendMany(ctx, client); err != nil {
		return err
	}
	return refused(ctx, client)
}

// refused shows what the service says of a relation that is not there.
func refused(ctx context.Context, client *penstock.Client) error {
	_, err := client.Get(ctx, "revenues", "c042")
	var unknown *penstock.UnknownRelationError
	if errors.As(err, &unknown) {
		fmt.Println(unknown.Reason, unknown.Metadata["candidates"])
		return nil
	}
	return fmt.Errorf("not refused: %w", err)
}

func appendMany(ctx context.Context, client *penstock.Client) error {
	type purchase struct {
		Customer, Item string
		Price          float64
	}
	batches := [][]purchase{{{"c042", "chair", 80}}, {{"c043", "atlas", 30}, {"c042", "novel", 8}}}

	appender, err := client.Appender(ctx, "sales", penstock.Producer("till-7", 0))
	if err != nil {
		return err
	}
	defer appender.Close()
	for _, batch := range batches {
		if err := appender.Append(ctx, penstock.RowsOf(batch...)); err != nil {
			return err
		}
	}
	position, err := appender.Flush(ctx) // durable, each row once, whatever happened to the connection
	if err != nil {
		return err
	}

	scan := client.Scan(ctx, "revenue", penstock.Where("total > :least"), penstock.With(penstock.Parameters{"least": 50}), penstock.AtLeast(position))
	for row, err := range scan.Rows() {
		if err != nil {
			return err
		}
		total, err := penstock.Cell[float64](row, "total")
		if err != nil {
			return err
		}
		fmt.Println("over 50:", total)
	}
	return nil
}
