// Package penstock is the client of Penstock, a stream-processing service behind gRPC: register topologies, append rows, subscribe to results,
// look rows up.
//
//	client, err := penstock.New("127.0.0.1:7550")
//	written, err := client.Append(ctx, "purchases", penstock.Rows{{"customer": "c042", "price": 12.5}})
//	row, err := client.Get(ctx, "spend", "c042", penstock.AtLeast(written.Position))
//	for row, err := range client.Subscribe(ctx, "spend").Rows() {
//
// # Errors
//
// What the service refuses is an *Error; each reason has a type of its own besides, such as *UnknownRelationError, which errors.As finds. Where
// no service answers it is an *UnreachableError; what was closed gives ErrClosed. Mistakes that need no service (a column that a relation does
// not have, a value that does not fit) are plain errors, before anything is sent.
//
// # Positions
//
// Every append, lookup and pushed batch has a position, a plain string. Store it, compare it for equality, pass it back; never read it.
package penstock
