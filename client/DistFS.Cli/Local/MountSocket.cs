using System.Globalization;
using System.Runtime.Versioning;
using DistFS.Mount;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Failure = DistFS.Protocol.DescribeMountReply.Types.Failure;
using Operation = DistFS.Protocol.DescribeMountReply.Types.Operation;

namespace DistFS.Cli.Local;

/// <summary>
/// A socket by which others of this machine ask the process of a mount how it is doing, beside its
/// <see cref="SendingFile"/>: who may open it is said by the file system, which lets its owner and root.
/// </summary>
internal static class MountSocket
{
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(2);

    /// <summary>Answers, by the process of the mount. Ends with what is returned.</summary>
    /// <param name="mountPoint">Absolute.</param>
    /// <param name="folder">Of <see cref="SendingFile.FolderOf"/>.</param>
    /// <param name="describe">What it answers.</param>
    /// <exception cref="DistFsException">It cannot listen there.</exception>
    /// <exception cref="IOException">Likewise.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not.</exception>
    public static IAsyncDisposable Serve(string mountPoint, string folder, Func<DescribeMountReply> describe)
    {
        Directory.CreateDirectory(folder);
        foreach (var left in Find(mountPoint, [folder]).Where(static path => !IsAlive(path)))
        {
            File.Delete(left);
        }

        var dispatcher = new RpcDispatcher();
        dispatcher.Handle(
            MountMethods.Describe, (_, _) => new ValueTask<DescribeMountReply>(describe()), HandlerScheduling.Inline);
        var path = Path.Combine(folder, $"{PrefixOf(mountPoint)}{Environment.ProcessId}.sock");
        return FrameServer.Start(dispatcher, new FrameServerOptions { Listen = [RpcAddress.Unix(path)] });
    }

    /// <summary>How a mount is doing.</summary>
    [SupportedOSPlatform("linux")]
    public static DescribeMountReply Describe(ClusterMount mount, MountOptions options, RecentFailures failures)
    {
        var figures = mount.Figures;
        var reply = new DescribeMountReply
        {
            MountPoint = mount.MountPoint,
            Durability = options.Vfs.Durability.ToString().ToLowerInvariant(),
            ProcessId = (uint)Environment.ProcessId,
            UptimeMs = (ulong)mount.Uptime.TotalMilliseconds,
            BelievedMs = (ulong)figures.Believed.TotalMilliseconds,
            Nodes = (ulong)figures.Nodes,
            ActiveFiles = (ulong)figures.ActiveFiles,
            CachedBytes = (ulong)figures.CachedBytes,
            UnsentBytes = (ulong)figures.UnsentBytes,
            UnsentChanges = (ulong)figures.UnsentChanges,
        };
        reply.Metaservers.AddRange(options.Client.Metaservers.Select(static one => one.ToString()));
        reply.Operations.AddRange(mount.Operations.Snapshot().Select(static one => new Operation
        {
            Name = one.Opcode.ToString().ToLowerInvariant(),
            Count = (ulong)one.Count,
            Deferred = (ulong)one.Deferred,
            Failed = (ulong)one.Failed,
            Bytes = (ulong)one.Bytes,
            TotalUs = (ulong)one.Total.TotalMicroseconds,
            MedianUs = (ulong)one.Median.TotalMicroseconds,
            Percentile99Us = (ulong)one.Percentile99.TotalMicroseconds,
        }));
        reply.Failures.AddRange(failures.Snapshot().Select(static one => new Failure
        {
            Code = one.Code,
            Message = one.Message,
            Times = (ulong)one.Times,
            FirstUnixMs = (ulong)one.First.ToUnixTimeMilliseconds(),
            LastUnixMs = (ulong)one.Last.ToUnixTimeMilliseconds(),
        }));
        return reply;
    }

    /// <summary>Asks the process of a mount.</summary>
    /// <param name="mountPoint">Absolute.</param>
    /// <param name="folders">Where its socket may be.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">There is none, or it does not answer.</exception>
    public static async Task<DescribeMountReply> AskAsync(
        string mountPoint, IEnumerable<string> folders, CancellationToken cancellation)
    {
        Exception? last = null;
        foreach (var path in Find(mountPoint, folders).Where(IsAlive))
        {
            try
            {
                var channel = new FrameChannel(RpcAddress.Unix(path));
                await using (channel.ConfigureAwait(false))
                {
                    return await channel
                        .CallAsync(MountMethods.Describe, new DescribeMountRequest(), AskLimit, cancellation)
                        .ConfigureAwait(false);
                }
            }
            catch (DistFsException e)
            {
                last = e;
            }
        }

        throw new DistFsException(
            ErrorCatalog.MountFailed,
            last == null
                ? $"{mountPoint}: no process of this user serves a mount there."
                : $"{mountPoint}: its process does not answer: {last.Message}",
            last);
    }

    private static IReadOnlyList<string> Find(string mountPoint, IEnumerable<string> folders) =>
    [
        .. folders.Where(Directory.Exists)
            .SelectMany(folder => Directory.GetFiles(folder, $"{PrefixOf(mountPoint)}*.sock")),
    ];

    private static string PrefixOf(string mountPoint) => $"stats-{SendingFile.HashOf(mountPoint)}.";

    private static bool IsAlive(string path) =>
        int.TryParse(Path.GetFileName(path).Split('.')[1], CultureInfo.InvariantCulture, out var id)
        && Directory.Exists($"/proc/{id}");
}
