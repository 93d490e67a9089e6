package penstock

import (
	"bytes"
	"context"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// backupChunk is how much of a backup a message has.
const backupChunk = 1 << 20

// RestoreOptions say how a backup is restored.
type RestoreOptions struct {
	// Replace also takes a registry that is not empty: what the backup does not have is forgotten, and its topics stay.
	Replace bool
	// ValidateOnly says what would be done, and does nothing.
	ValidateOnly bool
}

// Restored is what a restore did, or would do.
type Restored struct {
	BackupTime            time.Time
	Topologies, Relations []string
	// Types, Functions and Schemas are numbers.
	Types, Functions, Schemas int
	// Forgotten are names that the registry had and the backup has not.
	Forgotten []string
	// MissingTopics are what the log does not have and something restored needs.
	MissingTopics []string
	// Position includes the restored registry; empty where it was only validated.
	Position string
}

// BackupRegistry is what is registered, as a file that RestoreRegistry takes.
func (c *Client) BackupRegistry(ctx context.Context) ([]byte, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	stream, err := c.Raw.Registry.BackupRegistry(ctx, &pb.BackupRegistryRequest{})
	var file bytes.Buffer
	for err == nil {
		var part *pb.BackupRegistryResponse
		part, err = stream.Recv()
		file.Write(part.GetChunk())
	}
	if !isEnd(err) {
		return nil, c.ended(fromRPC(ctx, err))
	}
	return file.Bytes(), nil
}

// RestoreRegistry brings a backup back into an empty registry, or with Replace in the place of what it has. *RegistryNotEmptyError.
func (c *Client) RestoreRegistry(ctx context.Context, backup []byte, options RestoreOptions) (*Restored, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	stream, err := c.Raw.Registry.RestoreRegistry(ctx)
	if err != nil {
		return nil, c.ended(fromRPC(ctx, err))
	}
	how := &pb.RestoreOptions{Replace: options.Replace, ValidateOnly: options.ValidateOnly}
	part := &pb.RestoreRegistryRequest{Message: &pb.RestoreRegistryRequest_Options{Options: how}}
	// Send says io.EOF where the service has ended the call already: CloseAndRecv says why.
	for err = stream.Send(part); err == nil && len(backup) > 0; err = stream.Send(part) {
		size := min(len(backup), backupChunk)
		part = &pb.RestoreRegistryRequest{Message: &pb.RestoreRegistryRequest_Chunk{Chunk: backup[:size]}}
		backup = backup[size:]
	}
	if err != nil && !isEnd(err) {
		return nil, c.ended(fromRPC(ctx, err))
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return nil, c.ended(fromRPC(ctx, err))
	}
	out := &Restored{
		BackupTime: response.GetBackupTime().AsTime(), Topologies: response.GetTopologies(), Relations: response.GetRelations(),
		Types: int(response.GetTypes()), Functions: int(response.GetFunctions()), Schemas: int(response.GetSchemas()),
		Forgotten: response.GetForgotten(), MissingTopics: response.GetMissingTopics(), Position: response.GetPosition().GetValue(),
	}
	if !options.ValidateOnly {
		c.forgetAll()
	}
	return out, nil
}
