using System.Net;
using System.Net.Sockets;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>A peer that sends any bytes, and reads frames only when it is told to.</summary>
internal sealed class RawPeer(Socket socket) : IDisposable
{
    public static async Task<RawPeer> ConnectAsync(RpcAddress address, int receiveBufferBytes = 0)
    {
        var socket = address.CreateSocket();
        if (receiveBufferBytes > 0)
        {
            socket.ReceiveBufferSize = receiveBufferBytes;
        }

        await socket.ConnectAsync(address.ToEndPoint()).Soon();
        return new RawPeer(socket);
    }

    /// <summary>Connected, with both Hellos exchanged.</summary>
    public static async Task<RawPeer> GreetAsync(
        RpcAddress address, Action<Hello>? change = null, int receiveBufferBytes = 0)
    {
        var peer = await ConnectAsync(address, receiveBufferBytes);
        await peer.SendAsync(FrameBytes.HelloFrame(change));
        var (header, _) = Assert.NotNull(await peer.ReadAsync());
        Assert.Equal(FrameKind.Hello, header.Kind);
        return peer;
    }

    public async Task SendAsync(params byte[][] frames)
    {
        foreach (var frame in frames)
        {
            for (var sent = 0; sent < frame.Length;)
            {
                sent += await socket.SendAsync(frame.AsMemory(sent), SocketFlags.None).AsTask().Soon();
            }
        }
    }

    /// <summary>Sends what the other side takes; it may have hung up already.</summary>
    public async Task SendOrBreakAsync(params byte[][] frames)
    {
        try
        {
            await SendAsync(frames);
        }
        catch (SocketException)
        {
            // The other side is right to hang up in the middle.
        }
    }

    /// <summary>The next frame and its body and payload; null at the connection's end.</summary>
    public async Task<(FrameHeader Header, byte[] Data)?> ReadAsync()
    {
        var head = new byte[FrameHeader.Size];
        if (!await FillAsync(head))
        {
            return null;
        }

        Assert.Null(FrameHeader.TryRead(head, new FrameLimits(64 << 20, 64 << 20), out var header));
        var rest = new byte[header.BodyLength + header.PayloadLength];
        Assert.True(await FillAsync(rest), "the connection ended in the middle of a frame");
        Assert.True(FrameHeader.IsIntact([.. head, .. rest.AsSpan(0, header.BodyLength)]));
        return (header, rest);
    }

    /// <summary>Reads until a frame of this kind.</summary>
    public async Task<(FrameHeader Header, byte[] Data)> ReadUntilAsync(FrameKind kind)
    {
        while (true)
        {
            var frame = Assert.NotNull(await ReadAsync());
            if (frame.Header.Kind == kind)
            {
                return frame;
            }
        }
    }

    /// <summary>Reads to the connection's end; the reason that the other side gave before, or null for none.</summary>
    public async Task<RpcException?> ReadReasonAsync()
    {
        RpcException? reason = null;
        while (await ReadAsync() is var (header, rest))
        {
            if (header.Kind == FrameKind.GoAway)
            {
                reason = RpcException.FromInfo(GoAway.Parser.ParseFrom(rest).Reason);
            }
        }

        return reason;
    }

    /// <summary>Takes some bytes, whatever they are.</summary>
    public Task<int> SipAsync(int bytesMax) => socket.ReceiveAsync(new byte[bytesMax], SocketFlags.None).Soon();

    public void FinishSending() => socket.Shutdown(SocketShutdown.Send);

    public void Dispose() => socket.Dispose();

    private async Task<bool> FillAsync(Memory<byte> destination)
    {
        try
        {
            while (destination.Length > 0)
            {
                var count = await socket.ReceiveAsync(destination, SocketFlags.None).AsTask().Soon();
                if (count == 0)
                {
                    return false;
                }

                destination = destination[count..];
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>Something that listens and is no DistFS server.</summary>
internal sealed class RawListener : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RawListener()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    public RpcAddress Address => RpcAddress.Tcp("127.0.0.1", ((IPEndPoint)_listener.LocalEndPoint!).Port);

    public async Task<RawPeer> AcceptAsync() => new(await _listener.AcceptAsync().Soon());

    public void Dispose() => _listener.Dispose();
}
