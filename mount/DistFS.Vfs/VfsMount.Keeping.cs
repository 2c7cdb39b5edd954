using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>What goes on in the background.</content>
public sealed partial class VfsMount
{
    /// <summary>Files whose content is sent at a time.</summary>
    private const int SendersMax = 16;

    private readonly SemaphoreSlim _senders = new(SendersMax);
    private long _unsentBytes;

    /// <summary>Content of new files that may be kept here yet, until it is sent: so much of it is taken.</summary>
    internal bool TryKeep(int bytes)
    {
        if (Interlocked.Add(ref _unsentBytes, bytes) <= _options.UnsentBytesMax)
        {
            return true;
        }

        Interlocked.Add(ref _unsentBytes, -bytes);
        return false;
    }

    /// <summary>So much of it was sent.</summary>
    internal void Sent(int bytes) => Interlocked.Add(ref _unsentBytes, -bytes);

    /// <summary>In turn: sending takes memory and connections.</summary>
    internal async Task SendingAsync(Func<Task> send)
    {
        await _senders.WaitAsync().ConfigureAwait(false);
        try
        {
            await send().ConfigureAwait(false);
        }
        finally
        {
            _senders.Release();
        }
    }

    /// <summary>A change that was told as made was refused: whoever asks hears of it, and sees how it is.</summary>
    private void Refused(VfsNode node, NodeChange change, FsStatus status)
    {
        Report(new DistFsException(
            ErrorCatalog.WritesLost,
            $"Inode {node.Inode.Value}: a change was not made ({status.ToPosixName()}): {change}.",
            null,
            status));
        VfsFile? file;
        lock (node.Gate)
        {
            node.Errors = (node.Errors.Count + 1, status);
            node.Owner = null;
            file = node.File;
        }

        file?.Failed(status);

        _ = ForgetAsync(node);
    }

    /// <summary>Until the end: what was written is sent within a second, and what nobody uses is forgotten.</summary>
    private async Task KeepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), _options.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                await KeepOnceAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The mount ends.
        }
    }

    /// <summary>One that waits for the cluster holds up no other; a defect is told, and ends nothing.</summary>
    private async Task KeepOnceAsync()
    {
        foreach (var node in _active.Values)
        {
            if (FileOf(node) is { } file && file.TryBeginKeeping())
            {
                _ = KeepAsync(node, file);
            }
        }

        try
        {
            await ForgetRemovedAsync().ConfigureAwait(false);
            await TrimAsync().ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            Report(e);
        }
    }

    private async Task KeepAsync(VfsNode node, VfsFile file)
    {
        try
        {
            await file.SendAsync(_stop.Token).ConfigureAwait(false);
            await EndUnopenedAsync(node, file).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The mount ends, and sends it then.
        }
        catch (Exception e)
        {
            Report(e as DistFsException ?? new DistFsException(
                ErrorCatalog.Internal, $"Inode {node.Inode.Value} could not be sent: {e.Message}", e));
        }
        finally
        {
            file.EndKeeping();
        }
    }

    /// <summary>It was kept for somebody who might have opened it, and has not.</summary>
    private async Task EndUnopenedAsync(VfsNode node, VfsFile file)
    {
        lock (node.Gate)
        {
            if (file.Opens + file.Keeps > 0
                || _options.Clock.GetElapsedTime(node.ToldAt) < _options.OpensAfterLookup)
            {
                return;
            }
        }

        await EndAsync(node, file).ConfigureAwait(false);
    }

    /// <summary>What has no name and that nobody knows any more goes, with its lease.</summary>
    private async Task ForgetRemovedAsync()
    {
        List<VfsNode> gone = [];
        for (var left = _removed.Count; left > 0 && _removed.TryDequeue(out var node); left--)
        {
            lock (node.Gate)
            {
                if (node is not { IsRemoved: true, Lookups: 0, File: null })
                {
                    continue;
                }
            }

            if (_journal.IsSent(node.ChangedAt))
            {
                gone.Add(node);
            }
            else
            {
                _removed.Enqueue(node);
            }
        }

        await LeaveAsync(gone).ConfigureAwait(false);
    }

    /// <summary>Too many inodes are remembered: those that nobody used for the longest time go.</summary>
    private async Task TrimAsync()
    {
        var tooMany = _nodes.Count - _options.NodesMax;
        if (tooMany > 0)
        {
            await LeaveAsync(
                [.. _nodes.Values.OrderBy(static node => node.UsedAt).Take(tooMany + (_options.NodesMax / 16))])
                .ConfigureAwait(false);
        }
    }

    /// <summary>Those that nobody uses are forgotten, and their leases left: in this order, for each.</summary>
    private async Task LeaveAsync(List<VfsNode> nodes)
    {
        List<(VfsNode Node, long UsedAt)> left = [];
        foreach (var node in nodes)
        {
            lock (node.Gate)
            {
                if (node is { Lookups: 0, File: null, IsGivingUp: false, IsUsed: false, Directs: 0, Owned.Count: 0 }
                    && _journal.IsSent(node.ChangedAt))
                {
                    // Nothing is told of it from here on, and no lease is asked for, until it has left.
                    _ = node.BeginGivingUp();
                    node.Forget();
                    left.Add((node, node.UsedAt));
                }
            }
        }

        foreach (var part in left.Chunk(LeasesAtOnce))
        {
            await _cluster.ReleaseAsync(part.Select(static one => one.Node.Inode)).ConfigureAwait(false);
        }

        foreach (var (node, usedAt) in left)
        {
            var owner = node.Owner;
            lock (node.Gate)
            {
                node.Owner = null;
                node.EndGivingUp();
                if (node is { Lookups: 0, File: null, IsUsed: false, Directs: 0 } && node.UsedAt == usedAt)
                {
                    node.IsGone = true;
                    _nodes.TryRemove(KeyValuePair.Create(node.Inode, node));
                }
            }

            if (owner != null)
            {
                lock (owner.Gate)
                {
                    owner.Disown(node);
                }
            }
        }
    }
}
