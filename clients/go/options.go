package penstock

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const maxMessageSize = 64 << 20

// Option is a setting of New.
type Option func(*settings)

type settings struct {
	addresses []string
	tls       *tls.Config
	token     func(context.Context) (string, error)
	keepalive keepalive.ClientParameters
	retry     Retry
	timeout   time.Duration
	more      []grpc.DialOption
}

func defaults(address string) *settings {
	return &settings{
		addresses: []string{address},
		// Pings find dead connections of idle subscriptions; servers refuse more than one in 10 s.
		keepalive: keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true},
		retry:     DefaultRetry,
		timeout:   30 * time.Second,
	}
}

// WithAddresses names more nodes of the service: calls go to all of them in turn, and to the others when one is gone.
func WithAddresses(addresses ...string) Option {
	return func(s *settings) { s.addresses = append(s.addresses, addresses...) }
}

// WithTLS speaks TLS. Client certificates are in the configuration; nil trusts the system's authorities.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) {
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		s.tls = config
	}
}

// WithToken sends a bearer token with each call. The function is asked before each call, so that tokens can be renewed. Without TLS only
// loopback addresses are allowed.
func WithToken(token func(context.Context) (string, error)) Option {
	return func(s *settings) { s.token = token }
}

// WithKeepalive replaces how dead connections are found: a ping after each time without traffic, and how long its answer may take. Servers
// refuse pings more often than each 10 s.
func WithKeepalive(every, timeout time.Duration) Option {
	return func(s *settings) { s.keepalive.Time, s.keepalive.Timeout = every, timeout }
}

// WithRetry replaces DefaultRetry.
func WithRetry(retry Retry) Option {
	return func(s *settings) { s.retry = retry }
}

// WithTimeout bounds each unary call whose context has no deadline, all its attempts together; 30 s otherwise.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithDialOptions adds options of grpc, such as otelgrpc's stats handler. The trace context of OpenTelemetry's propagator is sent without it.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.more = append(s.more, options...) }
}

// dial is the target and the options for grpc.
func (s *settings) dial() (string, []grpc.DialOption, error) {
	for _, address := range s.addresses {
		if err := checkAddress(address, s.token != nil && s.tls == nil); err != nil {
			return "", nil, err
		}
	}
	transport := insecure.NewCredentials()
	if s.tls != nil {
		transport = credentials.NewTLS(s.tls)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithKeepaliveParams(s.keepalive),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageSize), grpc.MaxCallSendMsgSize(maxMessageSize)),
		// A service that restarts is found again at once, not after grpc's two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		// Repeats are this client's own: grpc's would not see RetryInfo, nor resume.
		grpc.WithDisableRetry(),
		grpc.WithChainUnaryInterceptor(traceUnary),
		grpc.WithChainStreamInterceptor(traceStream),
	}
	if s.token != nil {
		options = append(options, grpc.WithPerRPCCredentials(bearer{s.token, s.tls != nil}))
	}
	target := s.addresses[0]
	if len(s.addresses) > 1 {
		options = append(options, grpc.WithResolvers(several(s.addresses)),
			grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`))
		target = "penstock:///"
	}
	return target, append(options, s.more...), nil
}

func checkAddress(address string, needsLoopback bool) error {
	if strings.HasPrefix(address, "unix:") {
		return nil
	}
	host, _, err := net.SplitHostPort(strings.TrimPrefix(address, "dns:///"))
	if err != nil {
		return fmt.Errorf("penstock: address %q is not host:port: %w", address, err)
	}
	ip := net.ParseIP(host)
	if needsLoopback && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("penstock: a token would be sent to %s in plain text: use WithTLS", address)
	}
	return nil
}

// several resolves the scheme `penstock` to all the addresses.
func several(addresses []string) resolver.Builder {
	builder := manual.NewBuilderWithScheme("penstock")
	endpoints := make([]resolver.Endpoint, len(addresses))
	for i, address := range addresses {
		host, _, _ := net.SplitHostPort(address) // checked before
		endpoints[i] = resolver.Endpoint{Addresses: []resolver.Address{{Addr: address, ServerName: host}}}
	}
	builder.InitialState(resolver.State{Endpoints: endpoints})
	return builder
}

// bearer sends a token as the header `authorization`.
type bearer struct {
	token  func(context.Context) (string, error)
	secure bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
