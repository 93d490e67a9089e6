package penstock

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// ErrClosed says that the client, subscription, scan or appender was closed.
var ErrClosed = errors.New("penstock: closed")

const (
	errorDomain  = "penstock.v1"
	reasonPrefix = "ERROR_REASON_"
)

// Reason names why the service refused a call: an ErrorReason without its prefix. A newer service may know reasons that have no constant here.
type Reason string

// Error is anything that the service refuses or that fails on the way to it. Errors of a known reason are also of its own type, such as
// *UnknownRelationError; errors.As finds either.
type Error struct {
	// Reason is empty when the service gave none.
	Reason Reason
	// Message is for people.
	Message string
	// Code is the gRPC status code.
	Code codes.Code
	// Metadata is what the reason's documentation names.
	Metadata map[string]string
	// RetryAfter is when a repeat makes sense; 0 when the service named no time.
	RetryAfter time.Duration
	// Expression is the place of a mistake in an expression, else nil.
	Expression *ExpressionPlace
	// RowErrors are the refused rows of an append.
	RowErrors []RowError

	cause error
}

// base is Error under another name, so that types which embed it keep the promoted method Error.
type base = Error

func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("penstock: %s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("penstock: %s: %s", e.Reason, e.Message)
}

// Unwrap gives context.Canceled or context.DeadlineExceeded where the caller's context ended the call.
func (e *Error) Unwrap() error { return e.cause }

// UnreachableError says that no service answered: it is not there, or the connection broke.
type UnreachableError struct{ *base }

// Unwrap gives the *Error.
func (e *UnreachableError) Unwrap() error { return e.base }

// ExpressionPlace is where an expression is wrong. Field is its path in the request, Node the node's name; Start and End count code points.
type ExpressionPlace struct {
	Field, Node string
	Start, End  int
	Message     string
}

// RowError says why one row of a batch was refused; Row counts from 0.
type RowError struct {
	Row      int
	Reason   Reason
	Message  string
	Metadata map[string]string
}

// fromRPC is the typed error of a failed call.
func fromRPC(ctx context.Context, err error) error {
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	failure, known := fromStatus(st.Proto())
	if known {
		if failure.Code == codes.DeadlineExceeded {
			failure.cause = ctx.Err()
		}
		return typed(failure)
	}
	switch {
	case st.Code() == codes.Unavailable:
		return &UnreachableError{failure}
	case st.Code() == codes.DeadlineExceeded:
		failure.Reason, failure.cause = ReasonDeadlineExceeded, context.DeadlineExceeded
		return typed(failure)
	case st.Code() == codes.Canceled:
		failure.cause = ctx.Err()
	case st.Code() == codes.ResourceExhausted && strings.Contains(st.Message(), "larger than max"):
		// The transport refuses such a message before the service sees it.
		failure.Reason = ReasonRequestTooLarge
		return typed(failure)
	}
	return failure
}

// fromStatus reads a status; false when it has no ErrorInfo of this API.
func fromStatus(st *statuspb.Status) (*Error, bool) {
	failure := &Error{Message: st.GetMessage(), Code: codes.Code(st.GetCode())}
	known := false
	for _, detail := range status.FromProto(st).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			known = detail.GetDomain() == errorDomain
			failure.Reason = Reason(strings.TrimPrefix(detail.GetReason(), reasonPrefix))
			failure.Metadata = detail.GetMetadata()
		case *errdetails.RetryInfo:
			failure.RetryAfter = detail.GetRetryDelay().AsDuration()
		case *pb.ExpressionError:
			failure.Expression = &ExpressionPlace{
				detail.GetField(), detail.GetNode(), int(detail.GetStart()), int(detail.GetEnd()), detail.GetMessage(),
			}
		}
	}
	if !known {
		failure.Reason = ""
	}
	return failure, known
}

// rowErrors reads the refused rows of an acknowledgement.
func rowErrors(messages []*pb.RowError) []RowError {
	out := make([]RowError, 0, len(messages))
	for _, message := range messages {
		failure, _ := fromStatus(message.GetError())
		out = append(out, RowError{int(message.GetRow()), failure.Reason, failure.Message, failure.Metadata})
	}
	return out
}

// asError is the *Error in err, nil when there is none.
func asError(err error) *Error {
	var failure *Error
	errors.As(err, &failure)
	return failure
}
