package penstock

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// BatchFunc computes a function of expressions for many rows: columns are its arguments, a slice each, and the results one for each row. An error
// has the rows come again, unless it is a *BadRows.
type BatchFunc func(columns [][]any) ([]any, error)

// RowFunction makes a BatchFunc of a function of one row's arguments. A row for which it gives an error, or panics, is a bad one.
func RowFunction(function func(arguments ...any) (any, error)) BatchFunc {
	return func(columns [][]any) ([]any, error) {
		out, bad := make([]any, len(columns[0])), &BadRows{}
		for row := range out {
			arguments := make([]any, len(columns))
			for i, column := range columns {
				arguments[i] = column[row]
			}
			var err error
			out[row], err = called(function, arguments)
			if fatal := bad.add(err, &bad.Rows, row); fatal != nil {
				return nil, fatal
			}
		}
		return out, bad.orNil()
	}
}

func called(function func(arguments ...any) (any, error), arguments []any) (out any, err error) {
	defer recovered(&err)
	return function(arguments...)
}

// RemoteFunction declares a function that workers compute.
type RemoteFunction struct {
	Name string
	// Arguments and Result are types, such as `DECIMAL(8, 2)`.
	Arguments []string
	Result    string
	// Version is that of its meaning; 0 means 1.
	Version uint32
	// Deterministic says that equal arguments give equal results; CacheRows of them are kept by a task.
	Deterministic bool
	CacheRows     uint32
	// CalledOnNull calls it with null arguments too; else the result is null then.
	CalledOnNull bool
	// Timeout, MaxAttempts and BundleRows are as those of Remote.
	Timeout     time.Duration
	MaxAttempts uint32
	BundleRows  uint32
	Description string
}

// CreateFunction declares a function for expressions. *NameTakenError when one of the name is declared otherwise, unless the version is greater.
func (c *Client) CreateFunction(ctx context.Context, function RemoteFunction) (Function, error) {
	message := &pb.RemoteFunction{
		Name: function.Name, Result: &pb.Type{Sql: function.Result}, Version: function.Version, Deterministic: function.Deterministic,
		CacheRows: function.CacheRows, CalledOnNull: function.CalledOnNull, Timeout: unlessZero(function.Timeout), MaxAttempts: function.MaxAttempts,
		BundleRows: function.BundleRows, Description: function.Description,
	}
	for _, argument := range function.Arguments {
		message.Arguments = append(message.Arguments, &pb.Type{Sql: argument})
	}
	response, err := call(ctx, c, c.Raw.Catalog.CreateFunction, &pb.CreateFunctionRequest{Function: message}, repeatable, 0)
	return functionOf(response.GetFunction()), err
}

// DropFunction forgets a declared function; topologies that call it go on. The position.
func (c *Client) DropFunction(ctx context.Context, name string) (string, error) {
	response, err := call(ctx, c, c.Raw.Catalog.DropFunction, &pb.DropFunctionRequest{Name: name}, once, 0)
	return response.GetPosition().GetValue(), err
}

// served is `NAME/version` of a function as workers name it.
func served(name string) (*pb.ServedFunction, error) {
	name, text, there := strings.Cut(name, "/")
	version := uint64(1)
	if there {
		var err error
		if version, err = strconv.ParseUint(text, 10, 32); err != nil {
			return nil, fmt.Errorf("penstock: function %s/%s: the version is no number", name, text)
		}
	}
	return &pb.ServedFunction{Name: strings.ToUpper(name), Version: uint32(version)}, nil
}

// results is what a function makes of a bundle of calls.
func results(function BatchFunc, node *ProcessorNode, message *pb.Bundle) (*pb.BundleResult, error) {
	rows, err := batchOf(node.Input, message.GetRows(), "", false)
	if err != nil {
		return nil, err
	}
	columns := make([][]any, len(rows.columns))
	for i, column := range rows.columns {
		columns[i] = make([]any, rows.Len())
		for row := range columns[i] {
			columns[i][row] = column.at(row)
		}
	}
	found, err := computed(function, columns)
	if err != nil {
		return nil, err
	}
	if len(found) != rows.Len() {
		return nil, fmt.Errorf("the function gave %d results for %d rows", len(found), rows.Len())
	}
	schema := node.Outputs["result"]
	if schema == nil {
		return nil, errors.New("penstock: the service said no result of the function")
	}
	named := make([]map[string]any, len(found))
	for i, value := range found {
		named[i] = map[string]any{schema.Columns[0].Name: value}
	}
	batch, err := encodeRows(schema, "result", named, nil)
	if err != nil {
		return nil, err
	}
	return &pb.BundleResult{Lease: message.GetLease(), Bundle: message.GetBundle(), Outputs: []*pb.OutputRows{{Output: "result", Rows: batch}}}, nil
}

func computed(function BatchFunc, columns [][]any) (out []any, err error) {
	defer recovered(&err)
	return function(columns)
}
