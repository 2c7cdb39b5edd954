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
    private readonly VfsOptions _options;
    private readonly IVfsKernel _kernel;
    private readonly CancellationTokenSource _stop = new();
    private DistFsNodes _cluster = null!;
    private Task _keeping = Task.CompletedTask;
    private long _uses;

    private VfsMount(VfsOptions options, IVfsKernel kernel) => (_options, _kernel) = (options, kernel);

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
        ArgumentNullException.ThrowIfNull(options);
        var mount = new VfsMount(options, kernel);
        mount._cluster = await DistFsNodes.ConnectAsync(client, mount, cancellation).ConfigureAwait(false);
        mount._keeping = Task.Run(mount.KeepAsync, CancellationToken.None);
        return mount;
    }

    /// <summary>Sends everything that was written, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        foreach (var node in _nodes.Values)
        {
            if (node.File is { } file)
            {
                await file.CloseAsync(isEnd: true).ConfigureAwait(false);
            }
        }

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
            }
        }
    }

    internal DistFsNodes Cluster => _cluster;

    internal VfsOptions Options => _options;

    internal IVfsKernel Kernel => _kernel;

    internal void Report(DistFsException failure) => _options.Failed?.Invoke(failure);

    internal VfsNode NodeOf(InodeId inode)
    {
        var node = _nodes.GetOrAdd(inode, static inode => new VfsNode(inode));
        node.UsedAt = Interlocked.Increment(ref _uses);
        return node;
    }

    /// <summary>Under the node's gate: whether the cache of an inode may be used now.</summary>
    internal bool Holds(VfsNode node, LeaseMode mode) =>
        !node.IsGivingUp && _cluster.ModeOf(node.Inode) >= mode;

    /// <summary>What a failure of the cluster is to a program.</summary>
    internal FsStatus StatusOf(DistFsException failure)
    {
        if (failure.Status is FsStatus.NotFound or FsStatus.Stale)
        {
            // Of an inode by its number: it lost its last name since that was looked up. The kernel looks once more.
            return FsStatus.Stale;
        }

        Report(failure);
        return failure.Status is FsStatus.Ok or FsStatus.TryAgain ? FsStatus.IoError : failure.Status;
    }

    /// <summary>Until the end: what was written is sent within a second, and what nobody uses is forgotten.</summary>
    private async Task KeepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), _options.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                foreach (var node in _nodes.Values)
                {
                    if (node.File is { } file)
                    {
                        await file.SendAsync(_stop.Token).ConfigureAwait(false);
                        await EndUnopenedAsync(node, file).ConfigureAwait(false);
                    }
                }

                await TrimAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The mount ends.
        }
    }

    /// <summary>It was kept for somebody who might have opened it, and has not.</summary>
    private async Task EndUnopenedAsync(VfsNode node, VfsFile file)
    {
        lock (node.Gate)
        {
            if (file.Opens > 0 || _options.Clock.GetElapsedTime(node.ToldAt) < _options.OpensAfterLookup)
            {
                return;
            }
        }

        await EndAsync(node, file).ConfigureAwait(false);
    }

    /// <summary>Too many inodes are remembered: those that nobody used for the longest time go.</summary>
    private async Task TrimAsync()
    {
        var tooMany = _nodes.Count - _options.NodesMax;
        if (tooMany <= 0)
        {
            return;
        }

        List<InodeId> gone = [];
        foreach (var node in _nodes.Values.OrderBy(static node => node.UsedAt).Take(tooMany + (_options.NodesMax / 16)))
        {
            lock (node.Gate)
            {
                if (node.Lookups == 0 && node.File == null && !node.IsGivingUp)
                {
                    node.Forget();
                    gone.Add(node.Inode);
                    _nodes.TryRemove(KeyValuePair.Create(node.Inode, node));
                }
            }
        }

        foreach (var part in gone.Chunk(LeasesAtOnce))
        {
            await _cluster.ReleaseAsync(part).ConfigureAwait(false);
        }
    }
}
