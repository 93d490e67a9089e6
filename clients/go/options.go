package penstock

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
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

// WithAddresses names more nodes of the service: the client uses one of them, and the next when that one is gone. A node that drains names it
// another, which needs no option.
func WithAddresses(addresses ...string) Option {
	return func(s *settings) { s.addresses = append(s.addresses, addresses...) }
}

// WithTLS speaks TLS. Client certificates and the server's name are in the configuration; nil trusts the system's authorities.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) {
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		s.tls = config
	}
}

// WithToken sends a bearer token with each call. The function is asked before each call, so that tokens can be renewed; a stream whose token has
// expired goes on with what it gives then. Without TLS only loopback addresses are allowed.
func WithToken(token func(context.Context) (string, error)) Option {
	return func(s *settings) { s.token = token }
}

// TokenFile gives the token in a file to WithToken, read again when the file changes.
func TokenFile(path string) func(context.Context) (string, error) {
	var mutex sync.Mutex
	var seen os.FileInfo
	var token string
	return func(context.Context) (string, error) {
		mutex.Lock()
		defer mutex.Unlock()
		found, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		if seen != nil && os.SameFile(seen, found) && seen.ModTime().Equal(found.ModTime()) {
			return token, nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		words := strings.Fields(string(text))
		if len(words) != 1 {
			return "", fmt.Errorf("%s does not hold a token and nothing else", path)
		}
		token, seen = words[0], found
		return token, nil
	}
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

// connect is a connection to one node, which grpc opens at the first call.
func (s *settings) connect(address string) (*grpc.ClientConn, error) {
	if err := checkAddress(address, s.token != nil && s.tls == nil); err != nil {
		return nil, err
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
	return grpc.NewClient(address, append(options, s.more...)...)
}

func checkAddress(address string, needsLoopback bool) error {
	if strings.HasPrefix(address, "unix:") {
		return nil
	}
	host, _, err := net.SplitHostPort(strings.TrimPrefix(address, "dns:///"))
	if err != nil {
		return fmt.Errorf("the address is not host:port: %w", err)
	}
	ip := net.ParseIP(host)
	if needsLoopback && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("a token would be sent in plain text: use WithTLS")
	}
	return nil
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
