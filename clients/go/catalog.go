package penstock

import (
	"context"
	"iter"
	"strings"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

const pageSize = 1000

// CreateStream declares a stream over a topic. columns are `NAME TYPE [KEY], ...`, such as "customer STRING KEY, price DOUBLE". An equal
// declaration again is answered as the first time.
func (c *Client) CreateStream(ctx context.Context, name, columns string, binding Binding) (*Relation, error) {
	return c.declare(ctx, pb.RelationKind_RELATION_KIND_STREAM, name, columns, binding)
}

// CreateTable declares a table over a topic; it needs key columns.
func (c *Client) CreateTable(ctx context.Context, name, columns string, binding Binding) (*Relation, error) {
	return c.declare(ctx, pb.RelationKind_RELATION_KIND_TABLE, name, columns, binding)
}

func (c *Client) declare(ctx context.Context, kind pb.RelationKind, name, columns string, binding Binding) (*Relation, error) {
	schema, err := parseColumns(columns)
	if err != nil {
		return nil, err
	}
	return c.CreateRelation(ctx, &pb.Relation{Name: name, Kind: kind, Schema: schema, Topic: binding.message()})
}

// CreateRelation declares a relation by its message.
func (c *Client) CreateRelation(ctx context.Context, relation *pb.Relation) (*Relation, error) {
	response, err := call(ctx, c, c.Raw.Catalog.CreateRelation, &pb.CreateRelationRequest{Relation: relation}, repeatable, 0)
	if err != nil {
		return nil, err
	}
	c.forget(relation.GetName())
	return relationOf(response.GetRelation(), response.GetPosition().GetValue())
}

// Relation describes a relation by its catalog name or `topology.node`. *UnknownRelationError.
func (c *Client) Relation(ctx context.Context, name string) (*Relation, error) {
	response, err := call(ctx, c, c.Raw.Catalog.GetRelation, &pb.GetRelationRequest{Name: name}, repeatable, 0)
	if err != nil {
		return nil, err
	}
	return relationOf(response.GetRelation(), "")
}

// Relations are all relations by name; with nodes also materialised nodes and dead-letter streams.
func (c *Client) Relations(ctx context.Context, nodes bool) iter.Seq2[*Relation, error] {
	return pages(func(token string) ([]*pb.Relation, string, error) {
		request := &pb.ListRelationsRequest{PageSize: pageSize, PageToken: token, IncludeNodes: nodes}
		response, err := call(ctx, c, c.Raw.Catalog.ListRelations, request, repeatable, 0)
		return response.GetRelations(), response.GetNextPageToken(), err
	}, func(message *pb.Relation) (*Relation, error) { return relationOf(message, "") })
}

// DropOptions say how a relation or topology is removed.
type DropOptions struct {
	// ETag must be the present one, else *EtagMismatchError; empty means any.
	ETag string
	// Topics deletes its topics too.
	Topics bool
}

// DropRelation forgets a declared relation; the position is returned. *RelationInUseError while topologies read or write it.
func (c *Client) DropRelation(ctx context.Context, name string, options DropOptions) (string, error) {
	request := &pb.DropRelationRequest{Name: name, Etag: options.ETag, DeleteTopic: options.Topics}
	response, err := call(ctx, c, c.Raw.Catalog.DropRelation, request, once, 0)
	c.forget(name)
	return response.GetPosition().GetValue(), err
}

// Topic is a topic of the log.
type Topic struct {
	Name       string
	Partitions int
	// Relations read or write it.
	Relations []string
}

// Topics are the topics by name; with internal also changelogs, repartition topics and the registry.
func (c *Client) Topics(ctx context.Context, internal bool) ([]Topic, error) {
	response, err := call(ctx, c, c.Raw.Catalog.ListTopics, &pb.ListTopicsRequest{IncludeInternal: internal}, repeatable, 0)
	var out []Topic
	for _, topic := range response.GetTopics() {
		out = append(out, Topic{topic.GetName(), int(topic.GetPartitions()), topic.GetRelations()})
	}
	return out, err
}

// Function is a function of expressions. Kind is SCALAR, AGGREGATE or TABLE.
type Function struct {
	Name, Kind  string
	Signatures  []string
	Description string
}

func functionOf(message *pb.FunctionInfo) Function {
	kind := strings.TrimPrefix(message.GetKind().String(), "FUNCTION_KIND_")
	return Function{message.GetName(), kind, message.GetSignatures(), message.GetDescription()}
}

// Functions are the functions by name.
func (c *Client) Functions(ctx context.Context) ([]Function, error) {
	response, err := call(ctx, c, c.Raw.Catalog.ListFunctions, &pb.ListFunctionsRequest{}, repeatable, 0)
	var out []Function
	for _, function := range response.GetFunctions() {
		out = append(out, functionOf(function))
	}
	return out, err
}

// Function describes one function. *UnknownFunctionError.
func (c *Client) Function(ctx context.Context, name string) (Function, error) {
	response, err := call(ctx, c, c.Raw.Catalog.GetFunction, &pb.GetFunctionRequest{Name: name}, repeatable, 0)
	return functionOf(response.GetFunction()), err
}

// known is the relation, asked for once.
func (c *Client) known(ctx context.Context, name string) (*Relation, error) {
	c.mutex.Lock()
	relation := c.relations[name]
	c.mutex.Unlock()
	if relation != nil {
		return relation, nil
	}
	relation, err := c.Relation(ctx, name)
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.relations[name] = relation
	return relation, nil
}

func (c *Client) forget(name string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.relations, name)
}

func (c *Client) forgetAll() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	clear(c.relations)
}

// pages iterates over the items of all pages.
func pages[M, T any](page func(token string) ([]M, string, error), read func(M) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for token := ""; ; {
			items, next, err := page(token)
			if err != nil {
				yield(none, err)
				return
			}
			for _, message := range items {
				if !yield(read(message)) {
					return
				}
			}
			if token = next; token == "" {
				return
			}
		}
	}
}
