using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>What was written goes to the cluster, and leases go back.</content>
internal sealed partial class VfsFile
{
    /// <summary>All that was written is the file's for everybody; and on disks, if that is asked for.</summary>
    public async Task FlushAsync(FlushKind kind, FileTime? modified, CancellationToken cancellation)
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

            await FlushAsync(kind, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// In the background: what was written goes on its way. Its errors are told to who closes or syncs.
    /// </summary>
    public Task SendAsync(CancellationToken cancellation) => !_isDirty && !_isUntold ? Task.CompletedTask
        : IsLong ? mount.SendingAsync(() => SendOneAsync(cancellation)) : SendOneAsync(cancellation);

    private bool IsLong => _writer != null || _here is { Length: > NodeChange.ContentBytesMax };

    private async Task SendOneAsync(CancellationToken cancellation)
    {
        if (!(_isDirty || _isUntold) || !await _turn.WaitAsync(0, cancellation).ConfigureAwait(false))
        {
            return;
        }

        try
        {
            if (_isDirty || _isUntold)
            {
                await FlushAsync(FlushKind.Visible, cancellation).ConfigureAwait(false);
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

    /// <summary>Others wait for it: everything is sent, and nothing of it is cached beyond what may stay.</summary>
    /// <param name="keep">What may stay.</param>
    /// <param name="limit">Then it is lost, and told to be.</param>
    public async Task GiveUpAsync(LeaseMode keep, CancellationToken limit)
    {
        try
        {
            await _turn.WaitAsync(limit).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Failed(Lost($"Inode {node.Inode.Value}: it could not be sent in time, and others wait for it."));
            return;
        }

        try
        {
            if (keep == LeaseMode.None)
            {
                // Others may take its last name away.
                _reader = null;
                await OpenAsync(limit).ConfigureAwait(false);
            }

            await LeaveAsync(limit).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            Failed(e);
            DropHere();
        }
        catch (OperationCanceledException)
        {
            Failed(Lost($"Inode {node.Inode.Value}: it could not be sent in time, and others wait for it."));
            DropHere();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Under the turn: it was told as lost, and must not be sent behind what others write. What has no name any more
    /// nobody else writes, and whoever has it open may read it.
    /// </summary>
    private void DropHere()
    {
        if (_here is { } here && !node.IsRemoved)
        {
            here.Dispose();
            (_here, _isDirty) = (null, false);
            lock (node.Gate)
            {
                Sent();
            }

            node.Changed();
        }
    }

    /// <summary>Nobody has it open any more: it is sent, and closed. If somebody opened it again, it is sent.</summary>
    /// <param name="isEnd">The mount ends: whoever has it open.</param>
    public Task CloseAsync(bool isEnd) =>
        IsLong ? mount.SendingAsync(() => CloseOneAsync(isEnd)) : CloseOneAsync(isEnd);

    private async Task CloseOneAsync(bool isEnd)
    {
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (Opens > 0 && !isEnd)
            {
                await FlushAsync(FlushKind.Visible, CancellationToken.None).ConfigureAwait(false);
                return;
            }

            lock (node.Gate)
            {
                // Nobody can ask for what is in it any more.
                node.IsRemoved |= node.Known is { Links: 0 } && !isEnd;
            }

            await LeaveAsync(CancellationToken.None).ConfigureAwait(false);
            if (_open is { } open)
            {
                // Somebody who opens it in this moment must not read by what is closed here.
                (_open, _reader) = (null, null);
                if (!mount.Journal.TryRelease(open))
                {
                    await mount.Cluster.CloseAsync(open, CancellationToken.None).ConfigureAwait(false);
                }
            }
        }
        catch (DistFsException e)
        {
            Failed(e);
            if (e.Status == FsStatus.QuotaExceeded && Opens == 0)
            {
                // Where no server takes bytes one may tomorrow, so that is tried again; a quota does not go.
                DropHere();
            }
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

            _isHereLost = true;
        }
    }

    private async Task FlushAsync(FlushKind kind, CancellationToken cancellation)
    {
        DropLost();
        if (_isDirty && _here is { Length: > NodeChange.ContentBytesMax })
        {
            await LeaveMemoryAsync(cancellation).ConfigureAwait(false);
        }

        await SendHereAsync(cancellation).ConfigureAwait(false);
        if (kind != FlushKind.Visible)
        {
            // Its name too, and what was changed of it before.
            await mount.SentAsync(node, cancellation).ConfigureAwait(false);
        }

        if (_writer == null)
        {
            return;
        }

        _isDirty = false;
        try
        {
            await DistFsNodes.FlushAsync(_writer, kind, Times, cancellation).ConfigureAwait(false);
            _isUntold = kind == FlushKind.DurableData;
            if (_isUntold && (_open is { IsLost: true } || !IsHeld(LeaseMode.Write)))
            {
                // The metaservers were not asked, and it may be another's by now: they are, and say so.
                await DistFsNodes.FlushAsync(_writer, FlushKind.Durable, Times, cancellation).ConfigureAwait(false);
                _isUntold = false;
            }

            lock (node.Gate)
            {
                // What it takes on disks is known there.
                _added = 0;
            }
        }
        catch
        {
            _isDirty = true;
            throw;
        }
    }

    /// <summary>Who was told when it was written is told the same for ever.</summary>
    private AttributeChange? Times()
    {
        lock (node.Gate)
        {
            return _isWritten && _modified != null
                ? new AttributeChange { ModifyTime = _modified, ChangeTime = _changed } : null;
        }
    }

    /// <summary>Under the turn: the writer ends, and nothing of it is only here.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="isRefused">What was told of it has bytes that were refused: it is to be asked for.</param>
    private async Task LeaveAsync(CancellationToken cancellation, bool isRefused = false)
    {
        DropLost();
        if (_here is { } here)
        {
            if (_isDirty && here.Length > NodeChange.ContentBytesMax && !node.IsRemoved)
            {
                await LeaveMemoryAsync(cancellation).ConfigureAwait(false);
            }
            else
            {
                await SendHereAsync(cancellation).ConfigureAwait(false);
                here.Dispose();
                (_here, _isDirty) = (null, false);
            }
        }

        if (_writer is not { } writer)
        {
            return;
        }

        long? stored = null;
        try
        {
            await DistFsNodes.CloseAsync(writer, Times, cancellation).ConfigureAwait(false);
            stored = writer.StoredBytes;
        }
        catch (DistFsException e)
        {
            Failed(e);
            throw;
        }
        finally
        {
            (_writer, _reader, _isDirty, _isUntold) = (null, null, false, false);
            lock (node.Gate)
            {
                // Under a lease to write nobody else has changed it: so it is what was told of it all the time.
                var known = !isRefused && stored != null && node.Known != null && IsHeld(LeaseMode.Write)
                    ? Overlay(node.Known) with { Allocated = stored.Value } : null;
                Sent();
                node.Changed();
                if (known != null)
                {
                    node.ChangedHere(known);
                }
            }
        }
    }

    /// <summary>Under the node's gate: the metaservers know all that was written.</summary>
    private void Sent() =>
        (_end, _added, _modified, _changed, _isWritten, _isHere) = (0, 0, null, null, false, false);

    private void Failed(DistFsException failure)
    {
        if (node.IsRemoved)
        {
            // Nobody can ask for it any more.
            return;
        }

        Failed(mount.StatusOf(failure));
    }

    /// <summary>What was told as done could not be.</summary>
    public void Failed(FsStatus status)
    {
        lock (node.Gate)
        {
            (_error, _errors) = (status, _errors + 1);
        }
    }
}
