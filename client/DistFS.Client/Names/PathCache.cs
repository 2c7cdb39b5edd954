using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;
using DistFS.Rpc.Cluster;

namespace DistFS.Client.Names;

/// <summary>
/// What paths stand for, as far as it is known under read leases: the thin shell of <see cref="PathBook"/>, which asks
/// for the leases that are worth it, behind whoever looked, and gives them up when others want to change something. Any
/// thread.
/// </summary>
/// <remarks>
/// The leases are those of a session of its own, so the metaservers recall them for changes of this very client too:
/// nothing here needs to know what those change.
/// </remarks>
internal sealed class PathCache : ILeaseHolder, IAsyncDisposable
{
    /// <summary>Inodes and names: some 10 MiB.</summary>
    private const int Room = 32_768;

    private const int AskedMax = 256;

    /// <summary>Others wait for so long at most if this process stands still.</summary>
    private static readonly TimeSpan LeaseMax = TimeSpan.FromSeconds(10);

    private readonly DistFsClientOptions _options;
    private readonly Func<InodeId, bool> _isLeased;
    private readonly Lock _gate = new();

    // Never disposed of: whoever looks at a client that has ended sees that it has.
    private readonly CancellationTokenSource _stop = new();

    // Under the gate.
    private readonly PathBook _book = new(Room);
    private readonly List<(InodeId Inode, ulong Ask)> _wanted = [];
    private Task _asking = Task.CompletedTask;
    private bool _isAsking;

    private volatile DistFsNodes? _nodes;
    private long _known;
    private long _asked;

    public PathCache(DistFsClientOptions options)
    {
        _options = options with
        {
            SessionLease = options.SessionLease < LeaseMax ? options.SessionLease : LeaseMax,
        };
        _isLeased = inode => _nodes is { } nodes && nodes.ModeOf(inode) >= LeaseMode.Read;
    }

    /// <summary>Walks, or parts of them, that were answered here, and that were asked for.</summary>
    public PathStatistics Statistics => new(Interlocked.Read(ref _known), Interlocked.Read(ref _asked));

    private long NowMs => LeaderChannel.NowMs(_options.Clock);

    /// <inheritdoc cref="PathBook.Walk"/>
    public FsStatus? Walk(InodeId at, IReadOnlyCollection<byte[]> names, bool needsStatus, List<PathStep> steps)
    {
        FsStatus? status;
        lock (_gate)
        {
            status = _book.Walk(at, names, needsStatus, _isLeased, steps);
        }

        if (status != null || steps.Count > 0)
        {
            Interlocked.Increment(ref _known);
        }

        return status;
    }

    /// <inheritdoc cref="PathBook.StatusOf"/>
    public FileStatus? StatusOf(InodeId inode)
    {
        lock (_gate)
        {
            return _book.StatusOf(inode, _isLeased);
        }
    }

    /// <inheritdoc cref="PathBook.Begin"/>
    public ulong Begin()
    {
        Interlocked.Increment(ref _asked);
        lock (_gate)
        {
            return _book.Begin();
        }
    }

    /// <inheritdoc cref="PathBook.Learn"/>
    public void Learn(
        ulong begun,
        InodeId at,
        IReadOnlyList<byte[]> names,
        IReadOnlyList<FileStatus> found,
        FsStatus status,
        bool needsStatus)
    {
        lock (_gate)
        {
            _book.Learn(begun, at, names, found, status, needsStatus, NowMs, _wanted);
            if (!_isAsking && (_wanted.Count > 0 || _book.Dropped.Count > 0) && !_stop.IsCancellationRequested)
            {
                (_isAsking, _asking) = (true, Task.Run(AskAsync));
            }
        }
    }

    /// <inheritdoc/>
    public Task GiveUpAsync(InodeId inode, LeaseMode keep)
    {
        if (keep == LeaseMode.None)
        {
            Lost(inode);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Lost(InodeId inode)
    {
        lock (_gate)
        {
            _book.Forget(inode, NowMs);
        }
    }

    /// <inheritdoc/>
    public void AllLost()
    {
        lock (_gate)
        {
            _book.ForgetAll();
        }
    }

    /// <summary>Gives all leases up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task asking;
        lock (_gate)
        {
            asking = _asking;
        }

        await asking.ConfigureAwait(false);
        if (_nodes is { } nodes)
        {
            await nodes.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>One at a time, as long as something is wanted.</summary>
    private async Task AskAsync()
    {
        while (true)
        {
            List<(InodeId Inode, ulong Ask)> asked;
            List<InodeId> dropped;
            lock (_gate)
            {
                // Some were recalled or forgotten since.
                _wanted.RemoveAll(one => !_book.IsAsked(one.Inode, one.Ask));
                asked = [.. _wanted.Take(AskedMax)];
                _wanted.RemoveRange(0, asked.Count);
                dropped = [.. _book.Dropped];
                _book.Dropped.Clear();
                if ((asked.Count == 0 && dropped.Count == 0) || _stop.IsCancellationRequested)
                {
                    _isAsking = false;
                    return;
                }
            }

            IReadOnlyList<NodeLease> leases = [];
            try
            {
                var nodes = _nodes ??= await DistFsNodes.ConnectAsync(_options, this, _stop.Token)
                    .ConfigureAwait(false);
                await nodes.ReleaseAsync(dropped).WaitAsync(_stop.Token).ConfigureAwait(false);
                if (asked.Count > 0)
                {
                    leases = await nodes
                        .AcquireAsync(
                            [.. asked.Select(static one => one.Inode)], LeaseMode.Read, TimeSpan.Zero, _stop.Token)
                        .ConfigureAwait(false);
                }
            }
            catch (Exception e) when (e is DistFsException or OperationCanceledException)
            {
                // A lease is optional: whoever needs an answer asks for that, and is told what is wrong.
            }

            await TakeAsync(asked, leases).ConfigureAwait(false);
        }
    }

    private async Task TakeAsync(List<(InodeId Inode, ulong Ask)> asked, IReadOnlyList<NodeLease> leases)
    {
        List<InodeId> useless = [];
        lock (_gate)
        {
            for (var i = 0; i < asked.Count; i++)
            {
                var lease = i < leases.Count ? leases[i] : default;
                if (!_book.Answered(asked[i].Inode, asked[i].Ask, lease.Mode, lease.Attributes, NowMs)
                    && lease.Mode != LeaseMode.None)
                {
                    useless.Add(asked[i].Inode);
                }
            }
        }

        if (useless.Count > 0 && _nodes is { } nodes)
        {
            // At the end all of them are given up, and nobody waits for that without limit.
            await nodes.ReleaseAsync(useless).WaitAsync(_stop.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

/// <summary>How a client found what paths stand for.</summary>
/// <param name="Known">Times something was answered by what is known under leases.</param>
/// <param name="Asked">Requests to the metaservers.</param>
public sealed record PathStatistics(long Known, long Asked);
