using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using DistFS.Primitives;

namespace DistFS.Rpc.Frames;

/// <summary>Makes one connection: socket, TLS where asked for, handshake.</summary>
internal sealed class FrameConnector(
    RpcAddress address, FrameOptions options, SslClientAuthenticationOptions? tls, FrameHandlers handlers)
{
    /// <exception cref="RpcException">It could not be made; the message names the address.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<FrameConnection> ConnectAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.HandshakeTimeout);
        Socket? socket = null;
        var connected = false;
        try
        {
            socket = address.CreateSocket();
            await socket.ConnectAsync(address.ToEndPoint(), limit.Token).ConfigureAwait(false);
            connected = true;
            var transport = tls == null || address.Path != null
                ? new SocketTransport(socket)
                : await SecureAsync(socket, tls, limit.Token).ConfigureAwait(false);
            var connection = FrameConnection.Start(transport, options, handlers);
            await connection.HandshakeAsync(limit.Token).ConfigureAwait(false);
            return connection;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            socket?.Dispose();
            throw connected ? NoHello(e) : new RpcException(
                ErrorCatalog.ConnectFailed,
                $"{address}: no connection within {options.HandshakeTimeout.TotalSeconds:0.#} s.",
                e,
                FsStatus.TimedOut);
        }
        catch (RpcException e) when (e.Code == ErrorCatalog.PeerStalled)
        {
            // The connection's own timer was first.
            throw NoHello(e);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new RpcException(
                ErrorCatalog.ConnectFailed, $"{address}: {Reason(e)}.", e, StatusOf(e.SocketErrorCode));
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            socket?.Dispose();
            throw new RpcException(ErrorCatalog.NotDistFs, $"{address}: TLS failed: {e.Message}", e);
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            // Such as what a certificate callback throws: a channel must not stop connecting for it.
            socket?.Dispose();
            throw new RpcException(ErrorCatalog.ConnectFailed, $"{address}: {e.Message}", e, FsStatus.IoError);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    // It may be another service; or ours, which has too much to do or is stopped: then another attempt ends better.
    private RpcException NoHello(Exception cause) => new(
        ErrorCatalog.PeerStalled,
        $"{address}: connected, but no Hello within {options.HandshakeTimeout.TotalSeconds:0.#} s. "
            + "Is this another service's port?",
        cause,
        FsStatus.TimedOut);

    // For a socket file that is not there the system says "cannot assign requested address".
    private string Reason(SocketException error) => address.Path != null && !File.Exists(address.Path)
        ? "there is no such socket; the process does not run, or listens elsewhere"
        : error.Message;

    private static async Task<FrameTransport> SecureAsync(
        Socket socket, SslClientAuthenticationOptions tls, CancellationToken cancellation)
    {
        socket.NoDelay = true;
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            await stream.AuthenticateAsClientAsync(tls, cancellation).ConfigureAwait(false);
            return new TlsTransport(socket, stream);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static FsStatus StatusOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => FsStatus.ConnectionRefused,
        SocketError.TimedOut => FsStatus.TimedOut,
        SocketError.AccessDenied => FsStatus.AccessDenied,
        _ => FsStatus.Unreachable,
    };
}
