using System.Net;
using System.Net.Sockets;

namespace DistFS.Benchmarks.Rpc;

/// <summary>
/// The reference: the same bytes through a socket and nothing else. Small messages of the size of our smallest frame,
/// large ones acknowledged by a small one.
/// </summary>
internal static class BareSocket
{
    /// <summary>A frame header and the body of an EchoRequest.</summary>
    public const int SmallBytes = 50;

    /// <summary>
    /// Accepts connections; the first byte says the size of the client's messages, as a power of two or 0.
    /// </summary>
    public static IPEndPoint Listen(CancellationToken cancellation)
    {
        var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _ = Task.Run(
            async () =>
            {
                using (listener)
                {
                    while (true)
                    {
                        _ = ServeAsync(await listener.AcceptAsync(cancellation), cancellation);
                    }
                }
            },
            cancellation);
        return (IPEndPoint)listener.LocalEndPoint!;
    }

    /// <summary>Sends messages and awaits their answers.</summary>
    /// <param name="address">Of <see cref="Listen"/>.</param>
    /// <param name="sizeLog2">0 for small messages, else the size is 2 to this power.</param>
    /// <param name="inFlight">Messages sent ahead of their answers.</param>
    /// <param name="duration">How long.</param>
    /// <returns>Messages per second.</returns>
    public static async Task<double> RunAsync(IPEndPoint address, int sizeLog2, int inFlight, TimeSpan duration)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address);
        await socket.SendAsync(new[] { (byte)sizeLog2 });
        var size = Size(sizeLog2);
        var window = new SemaphoreSlim(inFlight);
        var measured = Load.Start(duration);
        var answers = Task.Run(async () =>
        {
            var buffer = new byte[SmallBytes];
            while (await ReceiveAllAsync(socket, buffer))
            {
                measured.Count();
                window.Release();
            }
        });
        var message = new byte[size];
        while (measured.Running)
        {
            await window.WaitAsync();
            await socket.SendAsync(message);
        }

        for (var i = 0; i < inFlight; i++)
        {
            await window.WaitAsync();
        }

        socket.Shutdown(SocketShutdown.Send);
        await answers;
        return measured.PerSecond;
    }

    /// <summary>One message in flight in the plainest loop there is: send, receive, again.</summary>
    public static async Task<double> PingPongAsync(IPEndPoint address, TimeSpan duration)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address);
        await socket.SendAsync(new byte[1]);
        var buffer = new byte[SmallBytes];
        var measured = Load.Start(duration);
        while (measured.Running)
        {
            await socket.SendAsync(buffer);
            if (!await ReceiveAllAsync(socket, buffer))
            {
                throw new InvalidOperationException("the server went away");
            }

            measured.Count();
        }

        return measured.PerSecond;
    }

    private static async Task ServeAsync(Socket socket, CancellationToken cancellation)
    {
        using (socket)
        {
            socket.NoDelay = true;
            var first = new byte[1];
            if (!await ReceiveAllAsync(socket, first))
            {
                return;
            }

            var message = new byte[Size(first[0])];
            while (await ReceiveAllAsync(socket, message))
            {
                await socket.SendAsync(message.AsMemory(0, SmallBytes), cancellation);
            }
        }
    }

    private static int Size(int sizeLog2) => sizeLog2 == 0 ? SmallBytes : 1 << sizeLog2;

    private static async ValueTask<bool> ReceiveAllAsync(Socket socket, Memory<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var count = await socket.ReceiveAsync(buffer);
            if (count == 0)
            {
                return false;
            }

            buffer = buffer[count..];
        }

        return true;
    }
}
