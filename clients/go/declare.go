package penstock

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Binding is how a relation is bound to a topic. The zero value is a topic of the relation's name, made when it is missing, in the service's
// default formats.
type Binding struct {
	// Topic is empty for the relation's name.
	Topic string
	// Partitions of the topic if it is made; 0 leaves the number to the service.
	Partitions uint32
	// Retention is how long a topic that is made keeps records; 0 leaves it to the cluster.
	Retention time.Duration
	// MustExist refuses a topic that is missing, which is made otherwise.
	MustExist bool
	// KeyFormat and ValueFormat are names such as JSON, KAFKA, DELIMITED, AVRO or NONE.
	KeyFormat, ValueFormat string
	// KeyProperties and ValueProperties are the formats' own settings.
	KeyProperties, ValueProperties map[string]string
	// TimestampColumn gives the rowtime, in TimestampFormat when it is a STRING.
	TimestampColumn, TimestampFormat string
}

func (b Binding) message() *pb.TopicBinding {
	out := &pb.TopicBinding{Topic: b.Topic, TimestampColumn: b.TimestampColumn, TimestampFormat: b.TimestampFormat}
	if b.KeyFormat != "" {
		out.KeyFormat = &pb.Format{Name: b.KeyFormat, Properties: b.KeyProperties}
	}
	if b.ValueFormat != "" {
		out.ValueFormat = &pb.Format{Name: b.ValueFormat, Properties: b.ValueProperties}
	}
	if !b.MustExist {
		out.Create = &pb.TopicSpec{Partitions: b.Partitions, Retention: unlessZero(b.Retention)}
	}
	return out
}

var columnPattern = regexp.MustCompile("(?is)^\\s*(?:`((?:[^`]|``)+)`|([^\\s`]+))\\s+(.+?)(\\s+(?:PRIMARY\\s+)?KEY)?\\s*$")

// parseColumns reads `NAME TYPE [KEY], ...`. Types are checked by the service.
func parseColumns(text string) (*pb.Schema, error) {
	out := &pb.Schema{}
	for _, part := range splitColumns(text) {
		match := columnPattern.FindStringSubmatch(part)
		if match == nil {
			return nil, fmt.Errorf("penstock: %q is no column: write NAME TYPE or NAME TYPE KEY", strings.TrimSpace(part))
		}
		name, role := match[2], pb.ColumnRole_COLUMN_ROLE_VALUE
		if match[1] != "" {
			name = strings.ReplaceAll(match[1], "``", "`")
		}
		if match[4] != "" {
			role = pb.ColumnRole_COLUMN_ROLE_KEY
		}
		out.Columns = append(out.Columns, &pb.Column{Name: name, Type: &pb.Type{Sql: match[3]}, Role: role})
	}
	return out, nil
}

// splitColumns cuts at the commas outside brackets and backquotes.
func splitColumns(text string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for place, char := range text {
		switch {
		case char == '`':
			quoted = !quoted
		case quoted:
		case char == '(' || char == '<':
			depth++
		case char == ')' || char == '>':
			depth--
		case char == ',' && depth == 0:
			parts = append(parts, text[start:place])
			start = place + 1
		}
	}
	return append(parts, text[start:])
}
