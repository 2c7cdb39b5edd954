using System.Diagnostics;
using System.Diagnostics.Metrics;
using DistFS.Primitives;

namespace DistFS.Rpc;

/// <summary>
/// Metrics per method on the meter "DistFS.Rpc", of servers over both transports and of clients over frames. Nothing is
/// measured while nobody listens.
/// </summary>
internal static class RpcMetrics
{
    private static readonly Meter Meter = new("DistFS.Rpc");

    private static readonly Histogram<double> ServerDuration =
        Meter.CreateHistogram<double>("distfs.rpc.server.duration", "s", "From the request's arrival to its reply.");

    private static readonly Histogram<double> ClientDuration =
        Meter.CreateHistogram<double>(
            "distfs.rpc.client.duration", "s", "From the call to its end, queueing included.");

    private static readonly UpDownCounter<long> Connections =
        Meter.CreateUpDownCounter<long>("distfs.rpc.connections", "{connection}", "Frame connections that are open.");

    private static readonly Counter<long> ConnectionFaults =
        Meter.CreateCounter<long>("distfs.rpc.connection.faults", "{fault}", "Connections that ended with an error.");

    /// <summary>A time stamp, or 0 while nobody listens.</summary>
    public static long ServerStart() => ServerDuration.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <inheritdoc cref="ServerStart"/>
    public static long ClientStart() => ClientDuration.Enabled ? Stopwatch.GetTimestamp() : 0;

    public static void ServerEnd(RpcMethod method, long start, FsStatus status) =>
        Record(ServerDuration, method, start, status);

    public static void ClientEnd(RpcMethod method, long start, FsStatus status) =>
        Record(ClientDuration, method, start, status);

    public static void ConnectionOpened() => Connections.Add(1);

    public static void ConnectionClosed(ErrorCode? fault)
    {
        Connections.Add(-1);
        if (fault != null)
        {
            ConnectionFaults.Add(1, new KeyValuePair<string, object?>("code", fault.Id));
        }
    }

    private static void Record(Histogram<double> histogram, RpcMethod method, long start, FsStatus status)
    {
        if (start != 0)
        {
            histogram.Record(
                Stopwatch.GetElapsedTime(start).TotalSeconds,
                new KeyValuePair<string, object?>("method", method.FullName),
                new KeyValuePair<string, object?>("status", status.ToPosixName()));
        }
    }
}
