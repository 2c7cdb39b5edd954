using System.Diagnostics;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using DistFS.Primitives;

namespace DistFS.Benchmarks.Scale;

/// <summary>What the loss of one server cost.</summary>
/// <param name="Seconds">Of the model's time, until every chunk had its replicas again.</param>
/// <param name="IdealSeconds">If every other server gave all that repair may cost it, from the first moment.</param>
/// <param name="Copies">How many were made.</param>
/// <param name="Sources">Servers that gave.</param>
/// <param name="Targets">Servers that took.</param>
/// <param name="PlannerMicrosecondsPerCopy">What it cost the metaserver, ticks in vain included.</param>
internal readonly record struct RepairCost(
    double Seconds, double IdealSeconds, int Copies, int Sources, int Targets, double PlannerMicrosecondsPerCopy);

/// <summary>
/// The shipped planner, and servers that need one second for a copy of 64 MiB: what repair takes is then decided by
/// the planner and by what it may cost each server.
/// </summary>
internal static class RepairModel
{
    private const long TickMs = 100;
    private const long CopyMs = 1_000;

    /// <summary>Loses a server whose chunks are given; where they are is calculated again.</summary>
    public static RepairCost Lose(ServerInfo[] servers, ServerLoads loads, ServerId lost, List<ulong> chunks)
    {
        var records = new Dictionary<ulong, List<ServerId>>(chunks.Count);
        Span<ServerId> found = stackalloc ServerId[ScaleModel.Replicas];
        var plain = new ServerLoads(loads.Ring);
        foreach (var chunk in chunks)
        {
            // As they were placed but for the bound, which is no matter here: the lost one, and others in its stead.
            var request = new PlacementRequest(new ChunkId(chunk), ScaleModel.ChunkBytes, ScaleModel.Goal);
            Placer.Place(plain, request, found);
            var others = found.ToArray().Where(s => s != lost).Take(ScaleModel.Replicas - 1);
            records[chunk] = [lost, .. others];
        }

        var after = servers.Select(s => s with
        {
            UsedBytes = loads.UsedBytes(s.Id),
            State = s.Id == lost ? ServerState.Dead : ServerState.Up,
        });
        var options = new RepairOptions { ChunksMax = 1 << 20 };
        var ring = loads.Ring.With(after.ToArray());
        var planner = new RepairPlanner(options, new ServerLoads(ring), new CopyId(1), [], 0);
        var (sources, targets) = (new HashSet<ServerId>(), new HashSet<ServerId>());
        var ends = new Queue<(long AtMs, CopyAssignment Copy)>();
        var commands = new List<RepairCommand>();
        var (nowMs, lastMs, copies, watch) = (0L, 0L, 0, new Stopwatch());
        do
        {
            nowMs += TickMs;
            while (ends.TryPeek(out var end) && end.AtMs <= nowMs)
            {
                ends.Dequeue();
                records[end.Copy.Chunk.Value].Add(end.Copy.Target);
                var chunk = Chunk(records, end.Copy.Chunk.Value);
                watch.Start();
                planner.CopyDone(end.Copy.Copy, chunk);
                watch.Stop();
                lastMs = end.AtMs;
            }

            commands.Clear();
            watch.Start();
            planner.Tick(nowMs, commands);
            watch.Stop();
            foreach (var command in commands)
            {
                switch (command)
                {
                    case StartCopy start:
                        copies++;
                        sources.Add(start.Assignment.Source);
                        targets.Add(start.Assignment.Target);
                        ends.Enqueue((nowMs + CopyMs, start.Assignment));
                        break;
                    case ScanChunks scan:
                        watch.Start();
                        foreach (var chunk in chunks)
                        {
                            planner.Offer(Chunk(records, chunk));
                        }

                        planner.Scanned(scan.Server);
                        watch.Stop();
                        break;
                    case RemoveReplica remove:
                        records[remove.Chunk.Value].Remove(remove.Server);
                        planner.Offer(Chunk(records, remove.Chunk.Value));
                        break;
                    default:
                        throw new InvalidOperationException($"{command} in a model without failures.");
                }
            }
        }
        while (copies < chunks.Count || ends.Count > 0);

        var bytes = 2.0 * chunks.Count * ScaleModel.ChunkBytes;
        return new RepairCost(
            lastMs / 1000.0,
            bytes / ((servers.Length - 1.0) * options.BytesPerSecondMax),
            copies,
            sources.Count,
            targets.Count,
            watch.Elapsed.TotalMicroseconds / copies);
    }

    private static ChunkInfo Chunk(Dictionary<ulong, List<ServerId>> records, ulong id)
    {
        Span<Replica> replicas = stackalloc Replica[ChunkInfo.ReplicasMax];
        var servers = records[id];
        for (var i = 0; i < servers.Count; i++)
        {
            replicas[i] = new Replica(servers[i], ReplicaState.Good);
        }

        return new ChunkInfo(
            new ChunkId(id), default, ScaleModel.ChunkBytes, ScaleModel.Goal, replicas[..servers.Count]);
    }
}
