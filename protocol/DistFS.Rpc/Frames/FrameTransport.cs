using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace DistFS.Rpc.Frames;

/// <summary>
/// Bytes in both directions: what is left of a socket below the frames. One receive and one send may be under way at a
/// time. After <see cref="Abort"/> both end, with an exception or with zero bytes.
/// </summary>
internal abstract class FrameTransport
{
    /// <summary>"tcp", "tls" or "unix".</summary>
    public abstract string Name { get; }

    public abstract EndPoint? RemoteAddress { get; }

    /// <summary>Zero bytes: the peer has closed.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> destination);

    public abstract ValueTask<int> SendAsync(ReadOnlyMemory<byte> source);

    /// <summary>
    /// How many bytes the peer's system has taken since the connection began; null where the system does not tell.
    /// A send that is under way says nothing before all of it was taken.
    /// </summary>
    public virtual long? BytesTaken() => null;

    public abstract void Abort();

    /// <summary>tcpi_bytes_acked of TCP_INFO (linux/tcp.h; Linux 4.1 and later).</summary>
    protected static long? BytesAcknowledged(Socket socket)
    {
        const int LevelTcp = 6;
        const int TcpInfo = 11;
        const int Offset = 120;
        if (!OperatingSystem.IsLinux() || socket.ProtocolType != ProtocolType.Tcp)
        {
            return null;
        }

        try
        {
            Span<byte> info = stackalloc byte[Offset + sizeof(long)];
            return socket.GetRawSocketOption(LevelTcp, TcpInfo, info) == info.Length
                ? BinaryPrimitives.ReadInt64LittleEndian(info[Offset..])
                : null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed meanwhile: whoever closed it has the reason.
            return null;
        }
    }
}

/// <summary>TCP and Unix sockets: no allocation per operation, since a Socket keeps its awaitables.</summary>
internal sealed class SocketTransport : FrameTransport
{
    private readonly Socket _socket;

    public SocketTransport(Socket socket)
    {
        _socket = socket;
        RemoteAddress = socket.RemoteEndPoint;
        if (socket.ProtocolType == ProtocolType.Tcp)
        {
            socket.NoDelay = true;
        }
    }

    public override string Name => _socket.AddressFamily == AddressFamily.Unix ? "unix" : "tcp";

    public override EndPoint? RemoteAddress { get; }

    public override ValueTask<int> ReceiveAsync(Memory<byte> destination) =>
        _socket.ReceiveAsync(destination, SocketFlags.None, CancellationToken.None);

    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> source) =>
        _socket.SendAsync(source, SocketFlags.None, CancellationToken.None);

    public override long? BytesTaken() => BytesAcknowledged(_socket);

    public override void Abort() => _socket.Dispose();
}

/// <summary>TLS over a socket.</summary>
/// <remarks>
/// An SslStream that is disposed under a read or write may throw anything: the read that comes next says, for example,
/// that it was never authenticated (InvalidOperationException). After <see cref="Abort"/> all of it means "closed".
/// </remarks>
internal sealed class TlsTransport(Socket socket, SslStream stream) : FrameTransport
{
    private volatile bool _aborted;

    public override string Name => "tls";

    public override EndPoint? RemoteAddress { get; } = socket.RemoteEndPoint;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReceiveAsync(Memory<byte> destination)
    {
        try
        {
            return await stream.ReadAsync(destination, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (_aborted)
        {
            throw new IOException("The connection was closed.", e);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> SendAsync(ReadOnlyMemory<byte> source)
    {
        try
        {
            await stream.WriteAsync(source, CancellationToken.None).ConfigureAwait(false);
            return source.Length;
        }
        catch (Exception e) when (_aborted)
        {
            throw new IOException("The connection was closed.", e);
        }
    }

    public override long? BytesTaken() => BytesAcknowledged(socket);

    // The socket first: an SslStream waits in its own disposal for a write that is under way.
    public override void Abort()
    {
        _aborted = true;
        socket.Dispose();
        stream.Dispose();
    }
}
