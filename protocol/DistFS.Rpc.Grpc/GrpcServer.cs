using System.Collections.Frozen;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using DistFS.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Rpc.Grpc;

/// <summary>What a gRPC server needs to know.</summary>
public sealed record GrpcServerOptions
{
    /// <summary>Where to listen; port 0 takes a free one (see <see cref="GrpcServer.Addresses"/>).</summary>
    public required IReadOnlyList<RpcAddress> Listen { get; init; }

    /// <summary>Set to use TLS; without it HTTP/2 is spoken in clear text, with prior knowledge.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>A message may have so many bytes. Default 8 MiB.</summary>
    public int MessageBytesMax { get; init; } = 8 << 20;

    /// <summary>Calls at a time on one connection. Default 256.</summary>
    public int StreamsPerConnectionMax { get; init; } = 256;

    /// <summary>Connections at a time. Default 10,000.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>Where unexpected errors of handlers go.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>
/// Serves a dispatcher's methods to any gRPC client: unary and server streaming, deadlines, cancellation, status and
/// trailers. What it does not honour (compression, streams of requests) it refuses with UNIMPLEMENTED.
/// </summary>
public sealed class GrpcServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly FrozenDictionary<string, GrpcHandler> _handlers;
    private readonly GrpcServerOptions _options;

    private GrpcServer(RpcDispatcher dispatcher, GrpcServerOptions options)
    {
        _options = options;
        var visitor = new GrpcHandler.Factory(dispatcher, options);
        _handlers = dispatcher.Bindings.Values
            .ToFrozenDictionary(b => "/" + b.Method.FullName, b => b.Accept(visitor), StringComparer.Ordinal);
        _app = Build();
    }

    /// <summary>Where it listens, with the ports that were chosen.</summary>
    public IReadOnlyList<RpcAddress> Addresses { get; private set; } = [];

    /// <summary>Listens; calls are served from here on.</summary>
    /// <exception cref="RpcException"><see cref="ErrorCatalog.ListenFailed"/>.</exception>
    public static async Task<GrpcServer> StartAsync(
        RpcDispatcher dispatcher, GrpcServerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        ArgumentNullException.ThrowIfNull(options);
        var server = new GrpcServer(dispatcher, options);
        try
        {
            await server._app.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw new RpcException(
                ErrorCatalog.ListenFailed, $"{string.Join(", ", options.Listen)}: {e.Message}", e);
        }

        server.Addresses = [.. server._app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Select(ToAddress)];
        return server;
    }

    /// <summary>Takes no new calls, lets those under way end until <paramref name="cancellation"/>, closes.</summary>
    public Task StopAsync(CancellationToken cancellation) => _app.StopAsync(cancellation);

    /// <summary>Stops without waiting for calls under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(ConfigureKestrel);
        if (_options.Certificate != null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        var app = builder.Build();
        app.Run(HandleAsync);
        return app;
    }

    private void ConfigureKestrel(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MaxConcurrentConnections = _options.ConnectionsMax;
        kestrel.Limits.Http2.MaxStreamsPerConnection = _options.StreamsPerConnectionMax;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        foreach (var address in _options.Listen)
        {
            if (address.Path != null)
            {
                kestrel.ListenUnixSocket(address.Path, ConfigureListener);
            }
            else
            {
                kestrel.Listen(Resolve(address), ConfigureListener);
            }
        }
    }

    private void ConfigureListener(ListenOptions listener)
    {
        listener.Protocols = HttpProtocols.Http2;
        if (_options.Certificate != null)
        {
            listener.UseHttps(_options.Certificate);
        }
    }

    private Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        }

        var contentType = context.Request.ContentType;
        if (contentType == null || !contentType.StartsWith(GrpcWire.ContentType, StringComparison.OrdinalIgnoreCase)
            || (contentType.Length > GrpcWire.ContentType.Length
                && contentType[GrpcWire.ContentType.Length] is not ('+' or ';')))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }

        return _handlers.TryGetValue(context.Request.Path.Value ?? "", out var handler)
            ? handler.HandleAsync(context)
            : GrpcHandler.RefuseAsync(
                context,
                new RpcException(ErrorCatalog.UnknownMethod, $"This process offers no method {context.Request.Path}."));
    }

    private static IPEndPoint Resolve(RpcAddress address) =>
        new(
            IPAddress.TryParse(address.Host, out var literal) ? literal : Dns.GetHostAddresses(address.Host!)[0],
            address.Port);

    private static RpcAddress ToAddress(string url)
    {
        const string UnixMark = "://unix:";
        var unix = url.IndexOf(UnixMark, StringComparison.Ordinal);
        if (unix >= 0)
        {
            return RpcAddress.Unix(url[(unix + UnixMark.Length)..]);
        }

        // Not Authority, which leaves out the usual port of a scheme.
        var parsed = new Uri(url);
        return RpcAddress.Parse($"{parsed.Host}:{parsed.Port}");
    }
}
