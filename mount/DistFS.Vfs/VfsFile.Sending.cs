using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>What was written goes to the cluster, and leases go back.</content>
internal sealed partial class VfsFile
{
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

    /// <summary>
    /// In the background: what was written goes on its way. Its errors are told to who closes or syncs.
    /// </summary>
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
            var reply = await mount.Cluster
                .SetAttributesAsync(FileIdentity.Root, node.Inode, change, cancellation).ConfigureAwait(false);
            if (reply.Status != FsStatus.Ok)
            {
                throw new DistFsException(
                    ErrorCatalog.FileRefused, $"The times of inode {node.Inode.Value}.", null, reply.Status);
            }
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
