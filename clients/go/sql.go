package penstock

import (
	"context"
	"iter"
	"maps"
	"regexp"
	"sync"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Session is what SET and DEFINE leave for a client's later statements, and the position of its last one, so that the next sees it on any node.
type Session struct {
	mutex      sync.Mutex
	properties map[string]string
	variables  map[string]string
	position   string
}

// Properties are what SET changed, by name.
func (s *Session) Properties() map[string]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return maps.Clone(s.properties)
}

// Variables are what DEFINE set, by name.
func (s *Session) Variables() map[string]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return maps.Clone(s.variables)
}

// Position includes the last statement.
func (s *Session) Position() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.position
}

func (s *Session) message() *pb.SqlSession {
	return &pb.SqlSession{Properties: s.Properties(), Variables: s.Variables()}
}

func (s *Session) positions() []*pb.PositionToken { return tokens([]string{s.Position()}) }

func (s *Session) follow(response *pb.ExecuteResponse) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if session := response.GetSession(); session != nil {
		s.properties, s.variables = session.GetProperties(), session.GetVariables()
	}
	if position := response.GetPosition().GetValue(); position != "" {
		s.position = position
	}
}

// Result is what one statement did. Of Relation, Topology, Function, Rows and Text at most one is set; Details come with a described relation.
type Result struct {
	Index     int
	Statement string
	// Message is for people.
	Message  string
	Relation *Relation
	Topology *TopologyInfo
	Function *Function
	// Rows are what SHOW and LIST give, Text what EXPLAIN gives.
	Rows, Details *Batch
	Text          string
	// Unchanged says that nothing had to be done.
	Unchanged bool
	// Position makes a later call on any node see the statement.
	Position string
}

// ScriptOptions are settings of Execute.
type ScriptOptions struct {
	// Apply answers statements that were executed before, in the same words, as done.
	Apply bool
	// ValidateOnly analyses and changes nothing.
	ValidateOnly bool
}

// Execute runs a script of SQL statements; the results are there one by one. The first error ends it; earlier statements stay done. SET and
// DEFINE hold for later calls of this client.
func (c *Client) Execute(ctx context.Context, sql string, options ScriptOptions) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		ctx, cancel := c.within(ctx)
		defer cancel()
		stream, err := c.Raw.SQL.Execute(ctx, &pb.ExecuteRequest{
			Sql: sql, Session: c.Session.message(), ValidateOnly: options.ValidateOnly, Apply: options.Apply, Positions: c.Session.positions(),
		})
		for err == nil {
			var response *pb.ExecuteResponse
			if response, err = stream.Recv(); err != nil {
				break
			}
			result, failed := c.result(response)
			if !yield(result, failed) || failed != nil {
				return
			}
		}
		if !isEnd(err) {
			yield(nil, c.ended(fromRPC(ctx, err)))
		}
	}
}

// SQL is Execute with all results at once.
func (c *Client) SQL(ctx context.Context, sql string) ([]*Result, error) {
	var out []*Result
	for result, err := range c.Execute(ctx, sql, ScriptOptions{}) {
		if err != nil {
			return out, err
		}
		out = append(out, result)
	}
	return out, nil
}

func (c *Client) result(response *pb.ExecuteResponse) (*Result, error) {
	if status := response.GetError(); status != nil {
		failure, _ := fromStatus(status)
		return nil, typed(failure)
	}
	c.Session.follow(response)
	out := &Result{
		Index: int(response.GetIndex()), Statement: response.GetStatement(), Message: response.GetMessage(), Text: response.GetText(),
		Unchanged: response.GetUnchanged(), Position: response.GetPosition().GetValue(),
	}
	var err error
	if response.GetRelation() != nil {
		if out.Relation, err = relationOf(response.GetRelation(), out.Position); err != nil {
			return nil, err
		}
		c.forget(out.Relation.Name)
	}
	if response.GetTopology() != nil {
		out.Topology = topologyOf(response.GetTopology(), response.GetPosition())
	}
	if response.GetFunction() != nil {
		function := functionOf(response.GetFunction())
		out.Function = &function
	}
	if out.Rows, err = resultSet(response.GetRows()); err != nil {
		return nil, err
	}
	out.Details, err = resultSet(response.GetDetails())
	return out, err
}

func resultSet(message *pb.ResultSet) (*Batch, error) {
	if message == nil {
		return nil, nil
	}
	return answered(message.GetSchema(), message.GetRows(), nil)
}

var (
	notCode = regexp.MustCompile(`'(?:''|[^'])*'|--[^\n]*|/\*[\s\S]*?\*/`)
	emits   = regexp.MustCompile(`(?i)\bEMIT\s+(CHANGES|FINAL)\b`)
)

// isPush says whether a query goes on for ever, so that what follows a position can be asked for.
func isPush(sql string) bool { return emits.MatchString(notCode.ReplaceAllString(sql, " ")) }
