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
        try
        {
            socket = address.CreateSocket();
            await socket.ConnectAsync(address.ToEndPoint(), limit.Token).ConfigureAwait(false);
            var transport = tls == null
                ? new SocketTransport(socket)
                : await SecureAsync(socket, tls, limit.Token).ConfigureAwait(false);
            var connection = FrameConnection.Start(transport, options, handlers);
            await connection.HandshakeAsync(limit.Token).ConfigureAwait(false);
            return connection;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            socket?.Dispose();
            throw new RpcException(
                ErrorCatalog.ConnectFailed,
                $"{address}: no connection within {options.HandshakeTimeout}.",
                e,
                FsStatus.TimedOut);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new RpcException(
                ErrorCatalog.ConnectFailed, $"{address}: {e.Message}.", e, StatusOf(e.SocketErrorCode));
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

    private static async Task<FrameTransport> SecureAsync(
        Socket socket, SslClientAuthenticationOptions tls, CancellationToken cancellation)
    {
        socket.NoDelay = true;
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        await stream.AuthenticateAsClientAsync(tls, cancellation).ConfigureAwait(false);
        return new TlsTransport(socket, stream);
    }

    private static FsStatus StatusOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => FsStatus.ConnectionRefused,
        SocketError.TimedOut => FsStatus.TimedOut,
        SocketError.AccessDenied => FsStatus.AccessDenied,
        _ => FsStatus.Unreachable,
    };
}
