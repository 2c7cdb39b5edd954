using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DistFS.TestCluster;

/// <summary>Addresses for processes of a test.</summary>
public static class Loopback
{
    // One that was given belongs to whom it was given to, although nobody listens there yet.
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>
    /// Below the ports that the kernel gives to outgoing connections: none of those has it while its owner is dead.
    /// Never the same twice.
    /// </summary>
    public static int FreePort()
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            var port = 12_000 + Random.Shared.Next(20_000);
            if (!Given.TryAdd(port, true))
            {
                continue;
            }

            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Another one.
            }
        }

        throw new InvalidOperationException("No free port.");
    }
}
