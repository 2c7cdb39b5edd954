using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// A regular file as long as a program has it open, or something of it is to be sent: one for all opens of this mount.
/// </summary>
/// <remarks>
/// Under a lease to write there is a writer, which sends what it is given by itself; what it has is in
/// <see cref="Overlay"/>. Without one, each write has a writer of its own, and closes it before it is answered.
/// </remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "A semaphore whose wait handle nobody asks for has nothing to dispose of.")]
internal sealed class VfsFile(VfsMount mount, VfsNode node)
{
    /// <summary>Without a lease another client may begin to write at any moment: so often it is written anew.</summary>
    private const int AttemptsMax = 16;

    // What is under it ends without others: whoever gives a lease up needs it, and others wait for that.
    private readonly SemaphoreSlim _turn = new(1);

    // Writes without a lease.
    private readonly SemaphoreSlim _alone = new(1);

    // Under the turn.
    private NodeOpen? _open;
    private DistFsFile? _writer;
    private DistFsFile? _reader;
    private bool _isDirty;

    // Under the node's gate: what was written here, and the metaservers do not know yet.
    private long _end;
    private FileTime? _modified;
    private FileTime? _changed;
    private bool _isWritten;

    private TaskCompletionSource _lockLeft = NewSignal();

    // An error that no program was told of yet, and how many there were.
    private FsStatus _error;
    private long _errors;

    /// <summary>Processes that have locked ranges of it.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<ulong, byte> Owners { get; } = [];

    /// <summary>Programs that have it open. Under the node's gate.</summary>
    public int Opens { get; set; }

    /// <summary>So many errors of writes that were told as done: an open that has heard of fewer is told.</summary>
    public (long Count, FsStatus Last) Errors
    {
        get
        {
            lock (node.Gate)
            {
                return (_errors, _error);
            }
        }
    }

    /// <summary>What the metaservers tell, with what was written since.</summary>
    public FileStatus Overlay(FileStatus told) => !_isWritten ? told : told with
    {
        Size = Math.Max(told.Size, _end),
        ModifyTime = _modified ?? told.ModifyTime,
        ChangeTime = _changed ?? told.ChangeTime,
    };

    /// <summary>The file was made by this open.</summary>
    public void Begin(NodeOpen open) => _open = open;

    /// <summary>The metaservers know that it is open here: it stays when it loses its last name.</summary>
    public async Task RegisterAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await OpenAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>An open at the metaservers, by which locks are asked for.</summary>
    public async Task<NodeOpen> OpenedAsync(CancellationToken cancellation)
    {
        await RegisterAsync(cancellation).ConfigureAwait(false);
        return _open!;
    }

    /// <summary>Reads what is there, with all that was written here.</summary>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> into, CancellationToken cancellation)
    {
        DistFsFile source;
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var isHeld = IsHeld(LeaseMode.Read);
            if (_writer != null)
            {
                source = _writer;
            }
            else if (isHeld)
            {
                source = _reader ??= mount.Cluster.ContentOf(node.Inode, _open);
            }
            else
            {
                // Where its bytes are may have changed since anybody looked.
                (source, _reader) = (mount.Cluster.ContentOf(node.Inode, _open), null);
            }
        }
        finally
        {
            _turn.Release();
        }

        return await source.ReadAsync(offset, into, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes: returns when it is copied; unless it is to be durable, or there is no lease.</summary>
    /// <param name="offset">Where; negative: at the end, wherever that is.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="isDurable">Whether it is on disks when this ends.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether the kernel may keep what it wrote.</returns>
    public async ValueTask<bool> WriteAsync(
        long offset, ReadOnlyMemory<byte> content, bool isDurable, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (offset < 0)
            {
                // No page of the kernel is locked (it is written past its cache), so nobody who waits for this waits
                // for what is waited for here.
                await node.GivenUp.WaitAsync(cancellation).ConfigureAwait(false);
            }

            await AcquireAsync(cancellation).ConfigureAwait(false);
            await _turn.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                if (IsHeld(LeaseMode.Write))
                {
                    await WriteHereAsync(offset, content, isDurable, cancellation).ConfigureAwait(false);
                    return true;
                }
            }
            finally
            {
                _turn.Release();
            }

            if (offset >= 0 || attempt == AttemptsMax)
            {
                await WriteThroughAsync(offset, content, cancellation).ConfigureAwait(false);
                return false;
            }
        }
    }

    /// <summary>Under the turn and the lease.</summary>
    private async ValueTask WriteHereAsync(
        long offset, ReadOnlyMemory<byte> content, bool isDurable, CancellationToken cancellation)
    {
        await OpenAsync(cancellation).ConfigureAwait(false);
        _writer ??= await mount.Cluster.WritableAsync(_open!, cancellation).ConfigureAwait(false);
        if (offset < 0)
        {
            offset = await EndAsync(cancellation).ConfigureAwait(false);
        }

        // Before it is: what is told meanwhile may have it, and must not fall behind it.
        Written(offset + content.Length);
        _isDirty = true;
        await _writer.WriteAsync(offset, content, cancellation).ConfigureAwait(false);
        if (isDurable)
        {
            await FlushAsync(isDurable: true, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Without a lease: the file's for everybody, and durable, when it ends. Not under the turn, for which whoever gives
    /// the lease up waits: the metaservers may let this wait for another client that waits for that.
    /// </summary>
    private async ValueTask WriteThroughAsync(
        long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var open = await OpenedAsync(cancellation).ConfigureAwait(false);
        await _alone.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    var writer = await mount.Cluster.WritableAsync(open, cancellation).ConfigureAwait(false);
                    await using (writer.ConfigureAwait(false))
                    {
                        var at = offset >= 0 ? offset
                            : await writer.GetLengthAsync(cancellation).ConfigureAwait(false);
                        await writer.WriteAsync(at, content, cancellation).ConfigureAwait(false);
                        await writer.CloseAsync(null, cancellation).ConfigureAwait(false);
                        return;
                    }
                }
                catch (DistFsException e) when (
                    attempt < AttemptsMax && (e.Code == ErrorCatalog.WritesLost || e.Status == FsStatus.Stale))
                {
                    // Another client wrote at the same time, also without a lease. Nobody was told that this is
                    // written.
                }
            }
        }
        finally
        {
            node.Changed();
            _alone.Release();
        }
    }

    /// <summary>Cuts it, or lets it grow, behind all that was written before.</summary>
    public async Task<FsStatus> SetLengthAsync(FileIdentity caller, long length, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _reader = null;
            if (_writer != null)
            {
                await _writer.SetLengthAsync(length, cancellation).ConfigureAwait(false);
                lock (node.Gate)
                {
                    // The metaservers know all of it now.
                    Sent();
                }

                return FsStatus.Ok;
            }
        }
        finally
        {
            node.Changed();
            _turn.Release();
        }

        // Nothing is written here, so nothing need be in order with it; others may be waited for.
        var status = (await mount.Cluster.SetLengthAsync(caller, node.Inode, length, cancellation)
            .ConfigureAwait(false)).Status;
        node.Changed();
        return status;
    }

    /// <summary>A range becomes zeros that take no room (fallocate, FALLOC_FL_PUNCH_HOLE).</summary>
    public async Task<FsStatus> PunchAsync(
        long offset, long length, bool grows, CancellationToken cancellation)
    {
        NodeOpen open;
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await LeaveAsync(cancellation).ConfigureAwait(false);
            _reader = null;
            await OpenAsync(cancellation).ConfigureAwait(false);
            open = _open!;
        }
        finally
        {
            _turn.Release();
        }

        var status = await mount.Cluster.PunchAsync(open, offset, length, grows, cancellation).ConfigureAwait(false);
        node.Changed();
        return status;
    }

    /// <summary>All that was written is the file's for everybody; and on disks, if that is asked for.</summary>
    public async Task FlushAsync(bool isDurable, FileTime? modified, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (modified is { } time)
            {
                lock (node.Gate)
                {
                    _modified = _isWritten ? time : null;
                }
            }

            await FlushAsync(isDurable, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>In the background: what was written goes on its way. Its errors are told to who closes or syncs.</summary>
    public async Task SendAsync(CancellationToken cancellation)
    {
        if (!_isDirty || !await _turn.WaitAsync(0, cancellation).ConfigureAwait(false))
        {
            return;
        }

        try
        {
            if (_isDirty)
            {
                await FlushAsync(isDurable: false, cancellation).ConfigureAwait(false);
            }
        }
        catch (DistFsException e)
        {
            Failed(e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>A lock of the whole file was left by an open of this mount.</summary>
    public void LockLeft() => Interlocked.Exchange(ref _lockLeft, NewSignal()).TrySetResult();

    /// <summary>
    /// The next one. The kernel tells of the last close of an open only after it has ended, so whoever asks for a lock
    /// right behind it finds it held for a moment.
    /// </summary>
    public Task NextLockLeft => Volatile.Read(ref _lockLeft).Task;

    /// <summary>Others wait for it: everything is sent, and nothing of it is cached beyond what may stay.</summary>
    public async Task GiveUpAsync(LeaseMode keep)
    {
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (keep == LeaseMode.None)
            {
                // Others may take its last name away.
                await OpenAsync(CancellationToken.None).ConfigureAwait(false);
            }

            await LeaveAsync(CancellationToken.None).ConfigureAwait(false);
            _reader = keep == LeaseMode.None ? null : _reader;
        }
        catch (DistFsException e)
        {
            Failed(e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Nobody has it open any more: it is sent, and closed. If somebody opened it again, it is sent.</summary>
    /// <param name="isEnd">The mount ends: whoever has it open.</param>
    public async Task CloseAsync(bool isEnd)
    {
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (Opens > 0 && !isEnd)
            {
                await FlushAsync(isDurable: false, CancellationToken.None).ConfigureAwait(false);
                return;
            }

            await LeaveAsync(CancellationToken.None).ConfigureAwait(false);
            if (_open is { } open)
            {
                _open = null;
                await mount.Cluster.CloseAsync(open, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (DistFsException e)
        {
            Failed(e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The lease is gone, with what was not sent: who wrote it is told.</summary>
    public void Lost()
    {
        lock (node.Gate)
        {
            if (_isDirty)
            {
                (_error, _errors) = (FsStatus.IoError, _errors + 1);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool IsHeld(LeaseMode mode)
    {
        lock (node.Gate)
        {
            return mount.Holds(node, mode);
        }
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        if (_open is not { IsLost: false })
        {
            // What was written in a session that is over is lost, and was told to be.
            (_writer, _reader, _isDirty) = (null, null, false);
            _open = await mount.Cluster.OpenAsync(node.Inode, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Asks for the lease to write, if there is none. Not under the turn: others may be waited for, and whoever gives
    /// up what is held here needs the turn.
    /// </summary>
    private async Task AcquireAsync(CancellationToken cancellation)
    {
        if (!IsHeld(LeaseMode.Write))
        {
            await mount.Cluster
                .AcquireAsync([node.Inode], LeaseMode.Write, mount.Options.LeaseWait, cancellation)
                .ConfigureAwait(false);
        }
    }

    private async ValueTask<long> EndAsync(CancellationToken cancellation)
    {
        lock (node.Gate)
        {
            if (node.Known is { } known)
            {
                return known.Size;
            }
        }

        return await _writer!.GetLengthAsync(cancellation).ConfigureAwait(false);
    }

    private void Written(long end)
    {
        lock (node.Gate)
        {
            _isWritten = true;
            _end = Math.Max(_end, end);
            _modified = _changed = FileTime.Of(mount.Options.Clock.GetUtcNow());
            node.Known = node.Known is { } known ? Overlay(known) : null;
        }
    }

    private async Task FlushAsync(bool isDurable, CancellationToken cancellation)
    {
        if (_writer == null)
        {
            return;
        }

        _isDirty = false;
        try
        {
            await _writer.FlushAsync(isDurable, cancellation).ConfigureAwait(false);
            await KeepTimeAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            _isDirty = true;
            throw;
        }
    }

    /// <summary>Who was told when it was written is told the same for ever.</summary>
    private async Task KeepTimeAsync(CancellationToken cancellation)
    {
        AttributeChange? change;
        lock (node.Gate)
        {
            change = _isWritten && _modified != null
                ? new AttributeChange { ModifyTime = _modified, ChangeTime = _changed } : null;
        }

        if (change != null)
        {
            await mount.Cluster.SetAttributesAsync(
                FileIdentity.Root, node.Inode, change, cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Under the turn: the writer ends, and nothing of it is only here.</summary>
    private async Task LeaveAsync(CancellationToken cancellation)
    {
        if (_writer is not { } writer)
        {
            return;
        }

        try
        {
            await writer.CloseAsync(null, cancellation).ConfigureAwait(false);
            await KeepTimeAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            (_writer, _reader, _isDirty) = (null, null, false);
            lock (node.Gate)
            {
                Sent();
                node.Changed();
            }
        }
    }

    /// <summary>Under the node's gate: the metaservers know all that was written.</summary>
    private void Sent() => (_end, _modified, _changed, _isWritten) = (0, null, null, false);

    private void Failed(DistFsException failure)
    {
        var status = mount.StatusOf(failure);
        lock (node.Gate)
        {
            (_error, _errors) = (status, _errors + 1);
        }
    }
}
