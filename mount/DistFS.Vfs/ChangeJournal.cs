using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// Changes that were made here, under leases to write, and are on their way to the metaservers: in their order, within
/// a second, a batch at a time (docs/design/vfs.md, "Changes made here"). Any thread.
/// </summary>
/// <remarks>
/// What is changed here is changed under <see cref="Gate"/>, with its entry: so the order here is the order there. It
/// is taken before the gate of a node, never behind it.
/// </remarks>
internal sealed class ChangeJournal : IAsyncDisposable
{
    private const int EntriesMax = 8_192;
    private const int BatchBytesMax = 1 << 20;
    private const int SendFrom = 256;
    private const int InodesMin = 32;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly VfsMount _mount;
    private readonly Action<VfsNode, NodeChange, FsStatus> _failed;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _preparing = new(1);
    private readonly Queue<Entry> _entries = [];
    private readonly Task _sending;
    private TaskCompletionSource _some = NewSignal();
    private TaskCompletionSource _wanted = NewSignal();
    private TaskCompletionSource _progress = NewSignal();
    private NodeSession? _session;

    // Each is used to its end before the next: a session has few that are not.
    private (ulong Next, ulong End) _inodes;
    private (ulong Next, ulong End) _inodesAfter;
    private long _appended;
    private long _sent;
    private long _wantedTo;

    /// <param name="mount">Whose.</param>
    /// <param name="failed">Told of each inode whose change was refused, or lost with the session.</param>
    public ChangeJournal(VfsMount mount, Action<VfsNode, NodeChange, FsStatus> failed)
    {
        (_mount, _failed) = (mount, failed);
        _sending = Task.Run(SendAsync);
    }

    /// <summary>Held while something is changed here.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Changes that are to be sent.</summary>
    public int Pending
    {
        get
        {
            lock (Gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Whether that change is at the metaservers, or never will be.</summary>
    public bool IsSent(long number) => Volatile.Read(ref _sent) >= number;

    /// <summary>
    /// There is room, and there are numbers for new inodes: asked for before the gate is taken. False: nothing can be
    /// changed here at the moment.
    /// </summary>
    public async ValueTask<bool> PrepareAsync(CancellationToken cancellation)
    {
        if (IsReady())
        {
            return true;
        }

        // Whoever comes while nobody answers waits together with the others, and not behind each of them.
        var patience = _mount.Options.SendPatience;
        if (!await _preparing.WaitAsync(patience, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        try
        {
            while (!IsReady())
            {
                Task progress;
                bool isFull;
                lock (Gate)
                {
                    (progress, isFull) = (_progress.Task, _entries.Count >= EntriesMax);
                    if (_session is { IsEnded: true } && _entries.Count > 0)
                    {
                        return false;
                    }
                }

                if (isFull)
                {
                    await progress.WaitAsync(patience, _mount.Options.Clock, cancellation).ConfigureAwait(false);
                    continue;
                }

                var session = await _mount.Cluster.SessionAsync(cancellation).ConfigureAwait(false);
                var count = _mount.Options.InodesAtOnce;
                var first = (await session.ReserveInodesAsync(count, cancellation).ConfigureAwait(false)).Value;
                lock (Gate)
                {
                    if (_entries.Count > 0 && _session is { IsEnded: true })
                    {
                        return false;
                    }

                    // Numbers of a session that is over are nobody's.
                    _inodes = _session is { IsEnded: false } ? _inodes : default;
                    (_session, _inodesAfter) = (session, (first, first + (ulong)count));
                }
            }

            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (DistFsException e)
        {
            // The request goes to the metaservers itself, and says what it hears of them.
            _mount.Report(e);
            return false;
        }
        finally
        {
            _preparing.Release();
        }
    }

    /// <summary>Under the gate: a number for a new inode, which is used at once; false: there is none.</summary>
    public bool TryTakeInode(out InodeId inode)
    {
        if (_inodes.Next == _inodes.End)
        {
            (_inodes, _inodesAfter) = (_inodesAfter, default);
        }

        inode = new InodeId(_inodes.Next);
        if (!CanAppend || _inodes.Next == _inodes.End)
        {
            return false;
        }

        _inodes.Next++;
        return true;
    }

    /// <summary>Under the gate: whether something may be changed here.</summary>
    public bool CanAppend => _session is { IsEnded: false } && _entries.Count < 2 * EntriesMax;

    /// <summary>An open ends, if it is of the session in which changes are sent; false: it is to be ended otherwise.
    /// </summary>
    public bool TryRelease(NodeOpen open)
    {
        lock (Gate)
        {
            if (!CanAppend || !_session!.Has(open))
            {
                return false;
            }

            Append(NodeChange.Release(open, _mount.Now()));
            return true;
        }
    }

    /// <summary>Under the gate, with the change itself.</summary>
    public void Append(NodeChange change, params ReadOnlySpan<VfsNode> nodes)
    {
        _appended++;
        foreach (var node in nodes)
        {
            node.ChangedAt = _appended;
        }

        _entries.Enqueue(new Entry(change, nodes.ToArray()));
        if (_entries.Count == 1)
        {
            _some.TrySetResult();
        }

        if (_entries.Count >= SendFrom)
        {
            _wanted.TrySetResult();
        }
    }

    /// <summary>Ends when that change is at the metaservers, or was refused; it is sent at once.</summary>
    /// <exception cref="DistFsException">The metaservers do not take it in time; they are asked on.</exception>
    public async ValueTask SentAsync(long number, CancellationToken cancellation)
    {
        try
        {
            await SentAsync(number).WaitAsync(_mount.Options.SendPatience, _mount.Options.Clock, cancellation)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new DistFsException(
                ErrorCatalog.DeadlineExceeded, "The metaservers do not take what was changed here.");
        }
    }

    /// <summary>Ends when all that was changed here until now is sent.</summary>
    /// <exception cref="DistFsException">The metaservers do not take it in time; they are asked on.</exception>
    public ValueTask SentAsync(CancellationToken cancellation)
    {
        long last;
        lock (Gate)
        {
            last = _appended;
        }

        return SentAsync(last, cancellation);
    }

    private async Task SentAsync(long number)
    {
        while (!IsSent(number))
        {
            Task progress;
            lock (Gate)
            {
                progress = _progress.Task;
                if (IsSent(number))
                {
                    return;
                }

                _wantedTo = Math.Max(_wantedTo, number);
                _wanted.TrySetResult();
            }

            await progress.ConfigureAwait(false);
        }
    }

    /// <summary>Nothing more is sent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
    }

    private bool IsReady()
    {
        lock (Gate)
        {
            var inodes = _inodes.End - _inodes.Next + _inodesAfter.End - _inodesAfter.Next;
            return _session is { IsEnded: false } && _entries.Count < EntriesMax && inodes >= InodesMin;
        }
    }

    private async Task SendAsync()
    {
        var clock = _mount.Options.Clock;
        try
        {
            while (true)
            {
                await _some.Task.WaitAsync(_stop.Token).ConfigureAwait(false);
                var gathered = Task.Delay(_mount.Options.Gathering, clock, _stop.Token);
                await Task.WhenAny(_wanted.Task, gathered).ConfigureAwait(false);
                List<Entry> batch = [];
                NodeSession session;
                lock (Gate)
                {
                    session = _session!;
                    var bytes = 0;
                    foreach (var next in _entries)
                    {
                        bytes += next.Change.Bytes;
                        if (batch.Count == NodeSession.ChangesMax || (bytes > BatchBytesMax && batch.Count > 0))
                        {
                            break;
                        }

                        batch.Add(next);
                    }
                }

                await SendAsync(session, batch).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The mount ends.
        }
    }

    private async Task SendAsync(NodeSession session, List<Entry> batch)
    {
        IReadOnlyList<FsStatus> done;
        try
        {
            done = await session
                .ApplyAsync(batch.ConvertAll(static entry => entry.Change), _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!_stop.IsCancellationRequested)
        {
            // The session is over, as a rule: nothing of it is taken any more. A defect is told as such.
            _mount.Report(e as DistFsException
                ?? new DistFsException(ErrorCatalog.Internal, $"Changes could not be sent: {e.Message}", e));
            lock (Gate)
            {
                batch = [.. _entries];
                _session = null;
            }

            done = [.. batch.Select(static _ => FsStatus.IoError)];
        }

        for (var i = 0; i < done.Count; i++)
        {
            if (batch[i].Change.IsLostBy(done[i]))
            {
                foreach (var node in batch[i].Nodes)
                {
                    _failed(node, batch[i].Change, done[i]);
                }
            }
        }

        TaskCompletionSource progress;
        lock (Gate)
        {
            for (var i = 0; i < done.Count; i++)
            {
                _entries.Dequeue();
            }

            Volatile.Write(ref _sent, _sent + done.Count);
            (progress, _progress) = (_progress, NewSignal());
            _some = _entries.Count == 0 ? NewSignal() : _some;
            if (_wanted.Task.IsCompleted && _sent >= _wantedTo && _entries.Count < SendFrom)
            {
                _wanted = NewSignal();
            }
        }

        progress.TrySetResult();
        if (done.Count == 0)
        {
            await Task.Delay(Pause, _mount.Options.Clock, _stop.Token).ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Entry(NodeChange Change, VfsNode[] Nodes);
}
