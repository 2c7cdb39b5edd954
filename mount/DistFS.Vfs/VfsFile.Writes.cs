using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>What changes its content.</content>
internal sealed partial class VfsFile
{
    /// <summary>Writes: returns when it is copied; unless it is to be durable, or there is no lease.</summary>
    /// <param name="offset">Where; negative: at the end, wherever that is.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="isDurable">Whether it is on disks when this ends.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether the kernel may keep what it wrote, and where that is.</returns>
    public async ValueTask<(bool Keeps, long At)> WriteAsync(
        long offset, ReadOnlyMemory<byte> content, bool isDurable, CancellationToken cancellation)
    {
        var begun = mount.Options.Clock.GetTimestamp();
        for (var pause = PauseMin; ; pause = pause * 2 < PauseMax ? pause * 2 : PauseMax)
        {
            if (offset < 0)
            {
                // No page of the kernel is locked (it is written past its cache), so nobody who waits for this waits
                // for what is waited for here. Only if O_APPEND was set behind the open: then for a bounded time.
                await mount.Cluster.GivenUp(node.Inode).WaitAsync(cancellation).ConfigureAwait(false);
            }

            using (await AcquireAsync(cancellation).ConfigureAwait(false))
            {
                await _turn.WaitAsync(cancellation).ConfigureAwait(false);
                try
                {
                    if (IsHeld(LeaseMode.Write))
                    {
                        return (true, await WriteHereAsync(offset, content, isDurable, cancellation)
                            .ConfigureAwait(false));
                    }
                }
                finally
                {
                    _turn.Release();
                }
            }

            if (offset >= 0)
            {
                await WriteThroughAsync(offset, content, cancellation).ConfigureAwait(false);
                return (false, offset);
            }

            // Where the end is, and that it is written there, is one step under a lease only. A leader that has just
            // begun grants none before it knows of those that there are.
            if (mount.Options.Clock.GetElapsedTime(begun) > mount.Options.AppendPatience)
            {
                throw new DistFsException(
                    ErrorCatalog.LeaseHeld, $"Inode {node.Inode.Value}: others write it all the time.");
            }

            await Task.Delay(pause, mount.Options.Clock, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Under the turn and the lease.</summary>
    /// <returns>Where it stands.</returns>
    private async ValueTask<long> WriteHereAsync(
        long offset, ReadOnlyMemory<byte> content, bool isDurable, CancellationToken cancellation)
    {
        DropLost();
        if (!TryWriteHere(ref offset, content.Span))
        {
            await LeaveMemoryAsync(cancellation).ConfigureAwait(false);
            await OpenAsync(cancellation).ConfigureAwait(false);
            _writer ??= await mount.Cluster.WritableAsync(_open!, cancellation).ConfigureAwait(false);
            if (offset < 0)
            {
                offset = await EndAsync(cancellation).ConfigureAwait(false);
            }

            // Before it is: what is told meanwhile may have it, and must not fall behind it.
            Written(offset + content.Length, content.Length);
            _isDirty = true;
            await WriteOnAsync(_writer, offset, content, cancellation).ConfigureAwait(false);
        }

        if (isDurable)
        {
            await FlushAsync(FlushKind.Durable, cancellation).ConfigureAwait(false);
        }

        return offset;
    }

    /// <summary>
    /// One that is refused leaves nothing behind: neither a length that the file does not have, nor a writer that can
    /// go on no more.
    /// </summary>
    private async ValueTask WriteOnAsync(
        DistFsFile writer, long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        try
        {
            await writer.WriteAsync(offset, content, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException refused)
        {
            try
            {
                await LeaveAsync(CancellationToken.None, isRefused: true).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Code == refused.Code)
            {
                // It is told by this write, and what was written before is counted.
            }

            throw;
        }
    }

    /// <summary>
    /// Without a lease: the file's for everybody, and durable, when it ends. Not under the turn, for which whoever
    /// gives the lease up waits: the metaservers may let this wait for another client that waits for that.
    /// </summary>
    private async ValueTask WriteThroughAsync(
        long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        await LeftAsync(cancellation).ConfigureAwait(false);
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
                        await writer.WriteAsync(offset, content, cancellation).ConfigureAwait(false);
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

    /// <summary>Nothing of it is here only, and the metaservers have all that was changed here.</summary>
    private async Task LeftAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await LeaveAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }

        await mount.SentAsync(node, cancellation).ConfigureAwait(false);
    }

    /// <summary>Cuts it, or lets it grow, behind all that was written before.</summary>
    public async Task<FsStatus> SetLengthAsync(FileIdentity caller, long length, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _reader = null;
            DropLost();
            if (TryResizeHere(length))
            {
                return FsStatus.Ok;
            }

            await LeaveMemoryAsync(cancellation).ConfigureAwait(false);
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
            if (_here == null)
            {
                node.Changed();
            }

            _turn.Release();
        }

        // Nothing is written here, so nothing need be in order with it; others may be waited for.
        await mount.SentAsync(node, cancellation).ConfigureAwait(false);
        try
        {
            return (await mount.Cluster.SetLengthAsync(caller, node.Inode, length, cancellation)
                .ConfigureAwait(false)).Status;
        }
        finally
        {
            node.Changed();
        }
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

        await mount.SentAsync(node, cancellation).ConfigureAwait(false);
        try
        {
            return await mount.Cluster.PunchAsync(open, offset, length, grows, cancellation).ConfigureAwait(false);
        }
        finally
        {
            node.Changed();
        }
    }

    /// <summary>
    /// Asks for the lease to write, if there is none. Not under the turn: others may be waited for, and whoever gives
    /// up what is held here needs the turn.
    /// </summary>
    /// <returns>Disposed of when it was used; null: there is one, or it was made here.</returns>
    private async ValueTask<LeasePin?> AcquireAsync(CancellationToken cancellation)
    {
        if (IsHeld(LeaseMode.Write))
        {
            return null;
        }

        await mount.SentAsync(node, cancellation).ConfigureAwait(false);
        return await mount.Cluster
            .AcquireToWriteAsync(node.Inode, mount.Options.LeaseWait, cancellation).ConfigureAwait(false);
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

    private void Written(long end, int count)
    {
        lock (node.Gate)
        {
            _isWritten = true;
            node.Content = null;
            _added += count;
            _end = _isHere ? Math.Max(node.Known?.Size ?? _end, end) : Math.Max(_end, end);
            _isHere = false;
            _modified = _changed = mount.Now();
            node.Known = node.Known is { } known
                ? Overlay(known) with { Allocated = known.Allocated + count } : null;
        }
    }
}
