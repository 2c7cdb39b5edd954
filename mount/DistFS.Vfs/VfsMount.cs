using System.Collections.Concurrent;
using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// A cluster as a file system (docs/design/vfs.md): what POSIX asks of it, over caches under leases. Any thread.
/// Refusals are statuses; of what the cluster cannot do at the moment too (EIO, EAGAIN), told by
/// <see cref="VfsOptions.Failed"/>.
/// </summary>
/// <remarks>
/// A request never waits for a lease that is being given up here: that may wait for the kernel, which waits for the
/// request. It is done without the lease, and what the kernel keeps of it is forgotten behind it.
/// </remarks>
public sealed partial class VfsMount : ILeaseHolder, IAsyncDisposable
{
    /// <summary>Asked for at once; so many leases are at most one request.</summary>
    private const int LeasesAtOnce = 1_024;

    /// <summary>NAME_MAX of limits.h.</summary>
    private const int NameBytesMax = 255;

    private readonly ConcurrentDictionary<InodeId, VfsNode> _nodes = [];

    // Those with a file that is open, or has something to send.
    private readonly ConcurrentDictionary<InodeId, VfsNode> _active = [];

    // Without a name, an open and anybody who knows them.
    private readonly ConcurrentQueue<VfsNode> _removed = [];
    private readonly VfsOptions _options;
    private readonly IVfsKernel _kernel;
    private readonly CancellationTokenSource _stop = new();
    private DistFsNodes _cluster = null!;
    private Task _keeping = Task.CompletedTask;
    private long _uses;

    private VfsMount(VfsOptions options, IVfsKernel kernel) =>
        (_options, _kernel, Contents) = (options, kernel, new ContentCache(options.ContentCacheBytes));

    /// <summary>Inodes that are remembered.</summary>
    public int NodesCount => _nodes.Count;

    /// <summary>Connects to a cluster.</summary>
    /// <param name="client">Of the cluster. Its identity opens files, for whoever may.</param>
    /// <param name="options">Of the mount.</param>
    /// <param name="kernel">What keeps what it was told.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">Nobody leads within the client's patience.</exception>
    public static async Task<VfsMount> ConnectAsync(
        DistFsClientOptions client, VfsOptions options, IVfsKernel kernel, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(options);
        var mount = new VfsMount(options, kernel);
        mount._cluster = await DistFsNodes
            .ConnectAsync(client with { Failed = client.Failed ?? options.Failed }, mount, cancellation)
            .ConfigureAwait(false);
        mount._journal = new ChangeJournal(mount, mount.Refused);
        mount._keeping = Task.Run(mount.KeepAsync, CancellationToken.None);
        return mount;
    }

    /// <summary>Sends everything that was written, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        await Task.WhenAll(_active.Values.Select(async node =>
        {
            if (FileOf(node) is { } file)
            {
                await file.CloseAsync(isEnd: true).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        using (var limit = new CancellationTokenSource(_options.EndLimit, _options.Clock))
        {
            try
            {
                await _journal.SentAsync(limit.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or DistFsException)
            {
                Report(new DistFsException(
                    ErrorCatalog.WritesLost, "The cluster did not take the last changes of names before the end."));
            }
        }

        await _journal.DisposeAsync().ConfigureAwait(false);
        await _cluster.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>The kernel has forgotten so many of the times that it was told of an inode.</summary>
    public void Forget(InodeId inode, ulong lookups)
    {
        if (_nodes.TryGetValue(inode, out var node))
        {
            lock (node.Gate)
            {
                node.Lookups -= Math.Min(lookups, node.Lookups);
                if (node is { IsRemoved: true, Lookups: 0 })
                {
                    _removed.Enqueue(node);
                }
            }
        }
    }

    internal DistFsNodes Cluster => _cluster;

    internal VfsOptions Options => _options;

    internal IVfsKernel Kernel => _kernel;

    internal void Report(DistFsException failure) => _options.Failed?.Invoke(failure);

    internal VfsNode NodeOf(InodeId inode)
    {
        while (true)
        {
            var node = _nodes.GetOrAdd(inode, static inode => new VfsNode(inode));
            lock (node.Gate)
            {
                // One that is just being forgotten is nobody's any more.
                if (!node.IsGone)
                {
                    node.UsedAt = Interlocked.Increment(ref _uses);
                    return node;
                }
            }
        }
    }

    /// <summary>Under the node's gate: whether the cache of an inode may be used now.</summary>
    internal bool Holds(VfsNode node, LeaseMode mode)
    {
        if (node.IsGivingUp || _cluster.ModeOf(node.Inode) >= mode)
        {
            return !node.IsGivingUp;
        }

        // What was made here is found through where it was made only.
        for (var owner = node.Owner; owner is { IsGivingUp: false }; owner = owner.Owner)
        {
            if (_cluster.ModeOf(owner.Inode) == LeaseMode.Write)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What a failure of the cluster is to a program.</summary>
    internal FsStatus StatusOf(DistFsException failure)
    {
        if (failure.Status is FsStatus.NotFound or FsStatus.Stale)
        {
            // Of an inode by its number: it lost its last name since that was looked up. The kernel looks once more.
            return FsStatus.Stale;
        }

        Report(failure);

        // Of a file system nobody expects what connections say.
        return failure.Status is FsStatus.Ok or FsStatus.TryAgain or FsStatus.TimedOut or FsStatus.ConnectionReset
            or FsStatus.ConnectionRefused or FsStatus.NotConnected or FsStatus.Unreachable or FsStatus.ProtocolError
            or FsStatus.NotImplemented or FsStatus.MessageTooLarge
            ? FsStatus.IoError : failure.Status;
    }
}
