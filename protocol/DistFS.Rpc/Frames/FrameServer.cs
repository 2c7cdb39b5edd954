using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using DistFS.Primitives;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Rpc.Frames;

/// <summary>What a frame server needs to know.</summary>
public sealed record FrameServerOptions
{
    /// <summary>Where to listen, at least one. Port 0 is any free one: <see cref="FrameServer.Addresses"/>.</summary>
    public required IReadOnlyList<RpcAddress> Listen { get; init; }

    /// <summary>Of each connection.</summary>
    public FrameOptions Frames { get; init; } = new();

    /// <summary>Set to use TLS on TCP; Unix sockets never use it.</summary>
    public SslServerAuthenticationOptions? Tls { get; init; }

    /// <summary>More connections are closed at once. Default 10,000.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>
    /// So long <see cref="FrameServer.DisposeAsync"/> waits for handlers that were cancelled. Default 5 s.
    /// </summary>
    public TimeSpan HandlersEndWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where faults of connections and handlers go.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>Listens for frame connections and serves a dispatcher's methods on them.</summary>
public sealed partial class FrameServer : IAsyncDisposable
{
    private readonly FrameServerOptions _options;
    private readonly FrameHandlers _handlers;
    private readonly ConcurrentDictionary<FrameConnection, FrameConnection> _connections = new();

    // Closed, and handlers that they called still run.
    private readonly ConcurrentDictionary<FrameConnection, FrameConnection> _ending = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Socket> _listeners = [];
    private readonly List<Task> _acceptLoops = [];
    private int _connectionCount;
    private int _disposed;

    private FrameServer(RpcDispatcher dispatcher, FrameServerOptions options)
    {
        _options = options;
        _handlers = new FrameHandlers(dispatcher, options.Logger);
    }

    /// <summary>Where it listens, with the ports that were chosen.</summary>
    public IReadOnlyList<RpcAddress> Addresses { get; private set; } = [];

    /// <summary>Connections now, those in their handshake included.</summary>
    public int ConnectionCount => Volatile.Read(ref _connectionCount);

    /// <summary>Who is connected.</summary>
    public IEnumerable<RpcPeer> Peers => _connections.Keys.Select(connection => connection.Peer);

    /// <summary>Listens; calls are served from here on.</summary>
    /// <exception cref="RpcException">
    /// <see cref="ErrorCatalog.ListenFailed"/>, or <see cref="ErrorCatalog.Configuration"/>.
    /// </exception>
    public static FrameServer Start(RpcDispatcher dispatcher, FrameServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Frames.Validate();
        if (options.Listen.Count == 0 || options.ConnectionsMax < 1)
        {
            throw new RpcException(
                ErrorCatalog.Configuration, "A server needs an address to listen on and connections to take.");
        }

        var server = new FrameServer(dispatcher, options);
        try
        {
            server.Addresses = [.. options.Listen.Select(server.Listen)];
        }
        catch
        {
            server.CloseListeners();
            throw;
        }

        server._acceptLoops.AddRange(server._listeners.Select(server.AcceptAsync));
        return server;
    }

    /// <summary>
    /// Takes no new connections and calls, lets the calls under way end until <paramref name="cancellation"/>, closes.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        CloseListeners();
        await Task.WhenAll(_acceptLoops).ConfigureAwait(false);
        await Task.WhenAll(_connections.Keys.Select(c => CloseQuietlyAsync(c, cancellation))).ConfigureAwait(false);
    }

    /// <summary>
    /// Stops without waiting for answers; handlers under way are cancelled, and end before this does: what they use may
    /// be disposed of afterwards. One that does not end in <see cref="FrameServerOptions.HandlersEndWithin"/> is logged
    /// and left.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
            try
            {
                await Task.WhenAll(_connections.Keys.Concat(_ending.Keys).Select(c => c.HandlersEnded))
                    .WaitAsync(_options.HandlersEndWithin).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                LogHandlersRun(_options.HandlersEndWithin);
            }

            _stopping.Dispose();
        }
    }

    private static async Task CloseQuietlyAsync(FrameConnection connection, CancellationToken cancellation)
    {
        try
        {
            await connection.CloseAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The time for calls under way is over; CloseAsync has closed the connection all the same.
        }
    }

    private RpcAddress Listen(RpcAddress address)
    {
        var socket = address.CreateSocket();
        try
        {
            if (address.Path != null)
            {
                RemoveDeadSocketFile(address);
            }

            socket.Bind(BindPoint(address));
            socket.Listen(512);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new RpcException(ErrorCatalog.ListenFailed, $"{address}: {e.Message}.", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _listeners.Add(socket);
        return socket.LocalEndPoint is IPEndPoint bound ? RpcAddress.Tcp(address.Host!, bound.Port) : address;
    }

    private static EndPoint BindPoint(RpcAddress address)
    {
        if (address.ToEndPoint() is not DnsEndPoint name)
        {
            return address.ToEndPoint();
        }

        var found = Dns.GetHostAddresses(name.Host);
        return new IPEndPoint(found[0], name.Port);
    }

    /// <summary>A server that was killed leaves its socket file behind: nobody answers on it.</summary>
    private static void RemoveDeadSocketFile(RpcAddress address)
    {
        if (!File.Exists(address.Path))
        {
            return;
        }

        // A socket has no length; connecting to any other file is refused just as by a dead socket.
        if (new FileInfo(address.Path).Length > 0)
        {
            throw new RpcException(
                ErrorCatalog.ListenFailed, $"{address}: there is a file of this name, which is no socket.");
        }

        using var probe = address.CreateSocket();
        try
        {
            probe.Connect(address.ToEndPoint());
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(address.Path);
            return;
        }

        throw new RpcException(ErrorCatalog.ListenFailed, $"{address}: another process listens on this socket.");
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException
                || _stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors, or the peer was gone before it was accepted: the listener itself goes on.
                LogAcceptFailed(e);
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None).ConfigureAwait(false);
                continue;
            }

            if (Interlocked.Increment(ref _connectionCount) > _options.ConnectionsMax)
            {
                LogTooManyConnections(_options.ConnectionsMax, socket.RemoteEndPoint);
                Interlocked.Decrement(ref _connectionCount);
                socket.Dispose();
                continue;
            }

            _ = ServeAsync(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            limit.CancelAfter(_options.Frames.HandshakeTimeout);
            FrameTransport transport = _options.Tls == null || socket.AddressFamily == AddressFamily.Unix
                ? new SocketTransport(socket)
                : await SecureAsync(socket, _options.Tls, limit.Token).ConfigureAwait(false);
            var connection = FrameConnection.Start(transport, _options.Frames, _handlers);
            _connections[connection] = connection;

            // StopAsync may have looked before.
            if (_stopping.IsCancellationRequested)
            {
                connection.Close(new RpcException(ErrorCatalog.ShuttingDown, "The server is stopping."), fault: false);
            }

            var fault = await connection.Closed.ConfigureAwait(false);
            if (!connection.HandlersEnded.IsCompleted)
            {
                _ending[connection] = connection;
                _ = ForgetAsync(connection);
            }

            _connections.TryRemove(connection, out _);
            if (fault != null)
            {
                LogConnectionFault(fault, fault.Code.Id, connection.Peer);
            }
        }
        catch (Exception e)
        {
            // Anything: a certificate callback of the embedding program may throw what it likes.
            LogHandshakeFailed(e, SafeAddress(socket));
            socket.Dispose();
        }
        finally
        {
            Interlocked.Decrement(ref _connectionCount);
        }
    }

    private async Task ForgetAsync(FrameConnection connection)
    {
        await connection.HandlersEnded.ConfigureAwait(false);
        _ending.TryRemove(connection, out _);
    }

    private static async Task<FrameTransport> SecureAsync(
        Socket socket, SslServerAuthenticationOptions tls, CancellationToken cancellation)
    {
        socket.NoDelay = true;
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            await stream.AuthenticateAsServerAsync(tls, cancellation).ConfigureAwait(false);
            return new TlsTransport(socket, stream);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void CloseListeners()
    {
        foreach (var listener in _listeners)
        {
            var path = (listener.LocalEndPoint as UnixDomainSocketEndPoint)?.ToString();
            listener.Dispose();
            if (path != null)
            {
                File.Delete(path);
            }
        }

        _listeners.Clear();
    }

    private static EndPoint? SafeAddress(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
