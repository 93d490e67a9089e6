package penstock

import (
	"context"

	"go.opentelemetry.io/otel"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// headers is outgoing metadata as OpenTelemetry's propagators write it.
type headers metadata.MD

func (h headers) Get(key string) string {
	if values := metadata.MD(h).Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (h headers) Set(key, value string) { metadata.MD(h).Set(key, value) }

func (h headers) Keys() []string {
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	return keys
}

// traced is ctx with the trace context in its metadata. Without a propagator, which the app sets, nothing is added.
func traced(ctx context.Context) context.Context {
	propagator := otel.GetTextMapPropagator()
	if len(propagator.Fields()) == 0 {
		return ctx
	}
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	outgoing = outgoing.Copy()
	if outgoing == nil {
		outgoing = metadata.MD{}
	}
	propagator.Inject(ctx, headers(outgoing))
	return metadata.NewOutgoingContext(ctx, outgoing)
}

func traceUnary(
	ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoker grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	return invoker(traced(ctx), method, request, reply, conn, options...)
}

func traceStream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return streamer(traced(ctx), desc, conn, method, options...)
}
