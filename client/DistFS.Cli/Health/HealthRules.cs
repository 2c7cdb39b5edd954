using DistFS.Primitives;

namespace DistFS.Cli.Health;

/// <summary>
/// What there is to say of a cluster, by what its leader tells. A code of the catalog for each rule: scripts look for
/// these, and they stay.
/// </summary>
internal static class HealthRules
{
    /// <summary>Percent of all capacity from which on somebody should do something.</summary>
    public const int NearlyFullPercent = 85;

    /// <summary>The report with its warnings, the gravest first.</summary>
    public static ClusterReport Judge(
        ulong? leader, MetaserverLine[] metaservers, ChunkserverLine[] chunkservers, ChunksLine? chunks)
    {
        var found = OfChunksLost(chunks)
            .Concat(OfMetaservers(leader, metaservers))
            .Concat(OfChunks(leader, chunks))
            .Concat(OfChunkservers(chunkservers))
            .ToList();

        // What was damaged is mended: a person should hear of it, and nothing is to be waited for.
        var isHealthy = found.TrueForAll(static one => one.Code == ErrorCatalog.BlocksDamaged);
        return new ClusterReport(
            isHealthy,
            leader,
            metaservers,
            chunkservers,
            chunks,
            [.. found.Select(static one => new WarningLine(one.Code.Id, one.Message))]);
    }

    private static IEnumerable<(ErrorCode Code, string Message)> OfChunksLost(ChunksLine? chunks)
    {
        if (chunks is { Missing: > 0 })
        {
            yield return (ErrorCatalog.ChunksMissing, $"{Chunks(chunks.Missing)} no copy that can be read");
        }

        if (chunks is { OneCopy: > 0 })
        {
            yield return (ErrorCatalog.ChunksAtRisk, $"{Chunks(chunks.OneCopy)} one copy left");
        }
    }

    private static IEnumerable<(ErrorCode Code, string Message)> OfMetaservers(
        ulong? leader, MetaserverLine[] metaservers)
    {
        if (leader == null)
        {
            yield return (ErrorCatalog.NoLeader, "no metaserver leads");
            yield break;
        }

        var (voters, alive) = (0, 0);
        foreach (var server in metaservers)
        {
            if (server.State == MetaserverState.Down)
            {
                yield return (ErrorCatalog.MetaserverDown, $"metaserver {server.Id} at {server.Address} is down");
            }

            if (server.State != MetaserverState.Learner)
            {
                voters++;
                alive += server.State == MetaserverState.Down ? 0 : 1;
            }
        }

        // One that is alone, or two, were meant so.
        if (voters > 2 && alive - 1 < (voters / 2) + 1)
        {
            yield return (
                ErrorCatalog.NoSpareMetaserver, $"{alive} of {voters} metaservers are alive: all of them are needed");
        }
    }

    private static IEnumerable<(ErrorCode Code, string Message)> OfChunks(ulong? leader, ChunksLine? chunks)
    {
        if (chunks == null)
        {
            if (leader != null)
            {
                yield return (ErrorCatalog.RepairUnknown, "the leader has just begun, and does not know of repair yet");
            }

            yield break;
        }

        if (chunks.UnderReplicated > 0)
        {
            yield return (
                ErrorCatalog.ChunksUnderReplicated, $"{Chunks(chunks.UnderReplicated)} fewer copies than wanted");
        }

        if (chunks.Waiting > 0)
        {
            yield return (
                ErrorCatalog.RepairBlocked,
                $"{Chunks(chunks.Waiting)} to wait: somebody writes (or died while he wrote, a minute ago), no server "
                    + "could take another copy, or the last attempt failed");
        }

        if (chunks.Corrupt > 0)
        {
            yield return (ErrorCatalog.ChunksCorrupt, $"{Chunks(chunks.Corrupt)} a damaged copy");
        }

        if (!chunks.Complete)
        {
            yield return (
                ErrorCatalog.RepairUnknown, "the leader looks through all chunks: there may be more to repair");
        }

        if (chunks.UnknownCopies > 0)
        {
            yield return (
                ErrorCatalog.CopiesUnknown, $"{chunks.UnknownCopies} copies on servers that nothing explains");
        }
    }

    private static IEnumerable<(ErrorCode Code, string Message)> OfChunkservers(ChunkserverLine[] servers)
    {
        var (used, capacity) = (0UL, 0UL);
        foreach (var server in servers)
        {
            var name = $"chunk server {server.Id} at {server.Address}";
            if (server.State is "suspect" or "away" or "dead")
            {
                yield return (ErrorCatalog.ChunkServerDown, server.State switch
                {
                    "suspect" => $"{name} has not been heard for some seconds",
                    "away" => $"{name} has stopped, and said that it would be back",
                    _ => $"{name} is down",
                });
                continue;
            }

            (used, capacity) = (used + server.Used, capacity + server.Capacity);
            if (server.State == "full")
            {
                yield return (ErrorCatalog.ChunkServerFull, $"{name} is full");
            }

            if (server.DamagedBlocks + server.LostCopies > 0)
            {
                yield return (
                    ErrorCatalog.BlocksDamaged,
                    $"{name} found {server.DamagedBlocks} damaged blocks and {server.LostCopies} lost copies");
            }
        }

        if (capacity > 0 && (UInt128)used * 100 > (UInt128)capacity * NearlyFullPercent)
        {
            yield return (
                ErrorCatalog.ClusterNearlyFull,
                $"{new ByteSize((long)used)} of {new ByteSize((long)capacity)} are used: "
                    + $"{(UInt128)used * 100 / capacity} %");
        }
    }

    private static string Chunks(ulong count) => count == 1 ? "1 chunk has" : $"{count} chunks have";
}

/// <summary>How a metaserver is.</summary>
internal static class MetaserverState
{
    public const string Leader = "leader";
    public const string Follower = "follower";
    public const string Learner = "learner";
    public const string Down = "down";
    public const string Unknown = "unknown";
}
