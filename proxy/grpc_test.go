package proxy_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

// grpcPortal serves the health service, and notes what it was told of each
// caller.
func grpcPortal(t *testing.T) (address string, told chan metadata.MD, service *health.Server) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	told = make(chan metadata.MD, 16)
	note := func(ctx context.Context) {
		md, _ := metadata.FromIncomingContext(ctx)
		told <- md
	}
	server := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, q any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			note(ctx)
			return next(ctx, q)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			note(ss.Context())
			return next(srv, ss)
		}))
	service = health.NewServer()
	grpc_health_v1.RegisterHealthServer(server, service)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return "http://" + listener.Addr().String(), told, service
}

func (r *rig) grpc() grpc_health_v1.HealthClient {
	conn, err := grpc.NewClient("passthrough:///"+r.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(publicHost))
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

func calling(t *testing.T, pairs ...string) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

func TestGRPC(t *testing.T) {
	address, told, service := grpcPortal(t)
	r := newRig(t, nil, func(c *proxy.Config) { c.Upstream, c.UpstreamHTTP2 = parse(address), true })
	ctx := calling(t, "cookie", r.cookie(linked(t)), "x-forwarded-user", "forged", "x_identity_name", "forged")
	answer, err := r.grpc().Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.GetStatus())
	md := <-told
	assert.Equal(t, []string{"u-17"}, md.Get("x-forwarded-user"))
	assert.Empty(t, md.Get("x_identity_name"))
	assert.NotContains(t, md.Get("cookie"), "vneid")

	// The portal's own status is the caller's.
	_, err = r.grpc().Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "unknown"})
	assert.Equal(t, codes.NotFound, status.Code(err))
	<-told

	// A stream tells each change as it comes.
	stream, err := r.grpc().Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	for _, want := range []grpc_health_v1.HealthCheckResponse_ServingStatus{
		grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING,
	} {
		answer, err := stream.Recv()
		require.NoError(t, err)
		assert.Equal(t, want, answer.GetStatus())
		service.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	}
}

func TestGRPCRefusals(t *testing.T) {
	address, _, _ := grpcPortal(t)
	verdict := proxy.Verdict{Action: proxy.Forward}
	validity := proxy.Live
	rules, err := proxy.NewRules([]proxy.Rule{{Path: "/grpc.health.v1.Health/Watch", Access: proxy.Denied}})
	require.NoError(t, err)
	up := func(c *proxy.Config) {
		c.Upstream, c.UpstreamHTTP2, c.Public, c.Rules = parse(address), true, nil, rules
		c.Admit = func(*session.Session, time.Time) proxy.Verdict { return verdict }
		c.Validity = func(*session.Session) proxy.Validity { return validity }
	}
	down := func(c *proxy.Config) { up(c); c.Upstream = parse(nowhere(t)) }
	ask := func(r *rig, cookie string) (codes.Code, string) {
		_, err := r.grpc().Check(calling(t, "cookie", cookie), &grpc_health_v1.HealthCheckRequest{})
		return status.Code(err), status.Convert(err).Message()
	}
	r := newRig(t, nil, up)
	cookie := r.cookie(linked(t))

	code, message := ask(r, "")
	assert.Equal(t, codes.Unauthenticated, code)
	assert.Equal(t, "sign_in", message)
	assert.Contains(t, r.scrape(), `decision="unauthorized"`)
	assert.Contains(t, r.scrape(), `code="4xx"`)

	verdict = proxy.Verdict{Action: proxy.ToLink, Reason: "unlinked"}
	code, message = ask(r, cookie)
	assert.Equal(t, codes.PermissionDenied, code)
	assert.Equal(t, "unlinked", message)
	verdict = proxy.Verdict{Action: proxy.Forward}

	validity = proxy.Unknown
	code, _ = ask(r, cookie)
	assert.Equal(t, codes.Unavailable, code)
	validity = proxy.Live

	stream, err := r.grpc().Watch(calling(t, "cookie", cookie), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	assert.Equal(t, codes.PermissionDenied, status.Code(err))

	code, message = ask(newRig(t, nil, down), cookie)
	assert.Equal(t, codes.Unavailable, code)
	assert.Equal(t, "upstream_unavailable", message)
}
