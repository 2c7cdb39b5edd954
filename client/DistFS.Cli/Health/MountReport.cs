using System.Text.Json.Serialization;
using DistFS.Protocol;

namespace DistFS.Cli.Health;

/// <summary>The document of <c>dfs mount --stats --json</c> and <c>dfs why --json</c>.</summary>
/// <param name="MountPoint">Absolute.</param>
/// <param name="Metaservers">Of the cluster that is mounted.</param>
/// <param name="Durability">posix, close or sync.</param>
/// <param name="Pid">Of the process that serves it.</param>
/// <param name="UptimeSeconds">Of this process.</param>
/// <param name="Heard">Whether the metaservers are heard, so that what is cached may be trusted.</param>
/// <param name="Nodes">Inodes that are known.</param>
/// <param name="ActiveFiles">Open, or with something to send.</param>
/// <param name="CachedBytes">Content that is kept to be read again.</param>
/// <param name="UnsentBytes">Content of new files that is to be sent.</param>
/// <param name="UnsentChanges">Changes of names and attributes that are to be sent.</param>
/// <param name="Operations">What was asked, the most frequent first.</param>
/// <param name="Failures">What could not be done of late, the last first.</param>
internal sealed record MountReport(
    string MountPoint,
    string[] Metaservers,
    string Durability,
    uint Pid,
    double UptimeSeconds,
    bool Heard,
    ulong Nodes,
    ulong ActiveFiles,
    ulong CachedBytes,
    ulong UnsentBytes,
    ulong UnsentChanges,
    OperationLine[] Operations,
    FailureLine[] Failures)
{
    public static MountReport Of(DescribeMountReply told) => new(
        told.MountPoint,
        [.. told.Metaservers],
        told.Durability,
        told.ProcessId,
        told.UptimeMs / 1000.0,
        told.BelievedMs > 0,
        told.Nodes,
        told.ActiveFiles,
        told.CachedBytes,
        told.UnsentBytes,
        told.UnsentChanges,
        [
            .. told.Operations.OrderByDescending(static one => one.Count).Select(static one => new OperationLine(
                one.Name, one.Count, one.Deferred, one.Failed, one.Bytes, one.TotalUs, one.MedianUs,
                one.Percentile99Us)),
        ],
        [
            .. told.Failures.Select(static one => new FailureLine(
                one.Code,
                one.Message,
                one.Times,
                DateTimeOffset.FromUnixTimeMilliseconds((long)one.FirstUnixMs),
                DateTimeOffset.FromUnixTimeMilliseconds((long)one.LastUnixMs))),
        ]);
}

/// <summary>What was asked of one sort, since the mount began.</summary>
/// <param name="Name">As the kernel calls it.</param>
/// <param name="Count">Answers.</param>
/// <param name="Deferred">Of these, not from what is known here.</param>
/// <param name="Failed">Of these, with an error; that there is no such name is one.</param>
/// <param name="Bytes">Of content.</param>
/// <param name="TotalUs">All together, in microseconds.</param>
/// <param name="MedianUs">Half of them took no longer.</param>
/// <param name="Percentile99Us">99 of 100 took no longer.</param>
internal sealed record OperationLine(
    string Name,
    ulong Count,
    ulong Deferred,
    ulong Failed,
    ulong Bytes,
    ulong TotalUs,
    ulong MedianUs,
    ulong Percentile99Us);

/// <summary>Something that could not be done.</summary>
/// <param name="Code">As <c>dfs explain</c> knows it.</param>
/// <param name="Message">For people.</param>
/// <param name="Times">How often.</param>
/// <param name="First">For the first time.</param>
/// <param name="Last">For the last time.</param>
internal sealed record FailureLine(
    string Code, string Message, ulong Times, DateTimeOffset First, DateTimeOffset Last);

[JsonSerializable(typeof(MountReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class MountReportJson : JsonSerializerContext;
