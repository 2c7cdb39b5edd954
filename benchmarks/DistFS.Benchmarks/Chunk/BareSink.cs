using System.Net;
using System.Net.Sockets;
using DistFS.Native;

namespace DistFS.Benchmarks.Chunk;

/// <summary>The references: the same bytes through one bare socket, into a file or into nothing.</summary>
internal static class BareSink
{
    private const int BufferBytes = 1 << 20;

    /// <summary>
    /// Accepts connections: the first byte is 1 for a file, with an fsync at the end, or 0. When the client has said
    /// all, one byte goes back; then the file is deleted, and when the disk is done with that, another one.
    /// </summary>
    public static IPEndPoint Listen(string folder, CancellationToken cancellation)
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
                        using var socket = await listener.AcceptAsync(cancellation);
                        await ServeAsync(socket, Path.Combine(folder, "bare"), cancellation);
                    }
                }
            },
            cancellation);
        return (IPEndPoint)listener.LocalEndPoint!;
    }

    /// <summary>Sends all of it, so often, and waits until it is there.</summary>
    /// <returns>Ends when the file is deleted: until then the disk has work of this one's.</returns>
    public static async Task<Task> SendAsync(IPEndPoint address, bool toFile, ReadOnlyMemory<byte> bytes, int times)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address);
        await socket.SendAsync(new[] { toFile ? (byte)1 : (byte)0 });
        for (var i = 0; i < times; i++)
        {
            for (var at = 0; at < bytes.Length; at += BufferBytes)
            {
                var part = bytes.Slice(at, Math.Min(BufferBytes, bytes.Length - at));
                while (!part.IsEmpty)
                {
                    part = part[await socket.SendAsync(part)..];
                }
            }
        }

        socket.Shutdown(SocketShutdown.Send);
        await AnswerAsync(socket);
        return EndAsync(socket);
    }

    private static async Task AnswerAsync(Socket socket)
    {
        if (await socket.ReceiveAsync(new byte[1]) != 1)
        {
            throw new InvalidOperationException("The bare sink ended.");
        }
    }

    private static async Task EndAsync(Socket socket)
    {
        using (socket)
        {
            await AnswerAsync(socket);
        }
    }

    private static async Task ServeAsync(Socket socket, string path, CancellationToken cancellation)
    {
        var buffer = new byte[BufferBytes];
        await socket.ReceiveAsync(buffer.AsMemory(0, 1), cancellation);
        var isFile = buffer[0] == 1;
        using (var file = isFile ? File.OpenHandle(path, FileMode.Create, FileAccess.Write) : null)
        {
            long offset = 0;
            int count;
            while ((count = await socket.ReceiveAsync(buffer, cancellation)) > 0)
            {
                if (file != null)
                {
                    RandomAccess.Write(file, buffer.AsSpan(0, count), offset);
                }

                offset += count;
            }

            if (file != null)
            {
                RandomAccess.FlushToDisk(file);
            }

            await socket.SendAsync(new byte[1], cancellation);
        }

        if (isFile)
        {
            // With the commit of its deletion a file system that is mounted with "discard" tells the disk which blocks
            // are free: 256 MiB of them keep it from writing for up to 0.7 s, which would be the next figure's.
            File.Delete(path);
            Posix.FsyncDirectory(Path.GetDirectoryName(path)!);
        }

        await socket.SendAsync(new byte[1], cancellation);
    }
}
