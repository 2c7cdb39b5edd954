using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Locks: of all mounts together (flock, fcntl).</content>
public sealed partial class VfsMount
{
    /// <summary>For so long the end of an open that has ended already is waited for.</summary>
    private static readonly TimeSpan ReleaseWait = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan LockPauseMin = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LockPauseMax = TimeSpan.FromMilliseconds(200);

    /// <summary>Locks, or leaves.</summary>
    /// <param name="handle">The open by which it is asked.</param>
    /// <param name="wanted">What; its owner is the kernel's.</param>
    /// <param name="leaves">It is left.</param>
    /// <param name="waits">Until it can be had; else EAGAIN.</param>
    /// <param name="cancellation">The program was interrupted: EINTR.</param>
    public async ValueTask<FsStatus> LockAsync(
        ulong handle, NodeLock wanted, bool leaves, bool waits, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open))
        {
            return FsStatus.BadHandle;
        }

        try
        {
            var by = await LockOpenAsync(open, wanted.IsRange, cancellation).ConfigureAwait(false);
            if (leaves)
            {
                return await _cluster.UnlockAsync(by, wanted, cancellation).ConfigureAwait(false);
            }

            if (wanted.IsRange)
            {
                open.Owners.TryAdd(wanted.Owner, 0);
                open.File.Owners.TryAdd(wanted.Owner, 0);
            }

            if (!waits && !wanted.IsRange)
            {
                return await TryFlockAsync(open, by, wanted, cancellation).ConfigureAwait(false);
            }

            // Once it is asked for, it is heard what became of it.
            var status = waits
                ? await _cluster.WaitForLockAsync(by, wanted, IsLeft, cancellation).ConfigureAwait(false)
                : await _cluster.LockAsync(by, wanted, CancellationToken.None).ConfigureAwait(false);
            if (status == FsStatus.Ok && wanted.IsRange)
            {
                // Whoever closed another descriptor meanwhile has left what there was then.
                open.Owners.TryAdd(wanted.Owner, 0);
                open.File.Owners.TryAdd(wanted.Owner, 0);
            }

            return status;
        }
        catch (OperationCanceledException)
        {
            return FsStatus.Interrupted;
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }

        // A flock goes with its open.
        bool IsLeft() => wanted.IsRange && !open.File.Owners.ContainsKey(wanted.Owner);
    }

    private async Task<FsStatus> TryFlockAsync(
        VfsHandle open, NodeOpen by, NodeLock wanted, CancellationToken cancellation)
    {
        var start = _options.Clock.GetTimestamp();
        for (var pause = LockPauseMin; ; pause = pause * 2 < LockPauseMax ? pause * 2 : LockPauseMax)
        {
            var left = open.File.NextLockLeft;
            var status = await _cluster.LockAsync(by, wanted, cancellation).ConfigureAwait(false);

            // One that is being closed here is waited for. Of any other one the news of its close may be on its way:
            // the kernel lets nobody wait for the last close of an open, here or at another mount.
            var isReleasing = _handles.Values.Any(other => other.Node == open.Node && other.IsReleasing);
            var rest = (isReleasing ? _options.SendPatience : ReleaseWait) - _options.Clock.GetElapsedTime(start);
            if (status != FsStatus.TryAgain || rest <= TimeSpan.Zero)
            {
                return status;
            }

            await left.WaitAsync(pause < rest ? pause : rest, _options.Clock, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What stands in the way of a lock (F_GETLK); null: nothing.</summary>
    public async ValueTask<(FsStatus Status, NodeLock? Held)> TestLockAsync(
        InodeId inode, NodeLock wanted, CancellationToken cancellation)
    {
        try
        {
            return await _cluster.TestLockAsync(inode, wanted, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), null);
        }
    }

    /// <summary>Ranges belong to a process and the file: flock to the open.</summary>
    private async Task<NodeOpen> LockOpenAsync(VfsHandle open, bool isRange, CancellationToken cancellation)
    {
        if (isRange)
        {
            return await open.File.OpenedAsync(cancellation).ConfigureAwait(false);
        }

        // One for all threads that lock by this open: one that is lost sight of would hold its lock for ever.
        await open.Locking.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await SentAsync(open.Node, cancellation).ConfigureAwait(false);
            return open.Lock is { IsLost: false } known ? known
                : open.Lock = await _cluster.OpenAsync(open.Node.Inode, cancellation).ConfigureAwait(false);
        }
        finally
        {
            open.Locking.Release();
        }
    }

    /// <summary>
    /// A process closes any descriptor of a file: all that it has locked of it is free (POSIX, fcntl).
    /// </summary>
    private async ValueTask<FsStatus> LeaveRangesAsync(VfsHandle open, ulong owner, CancellationToken cancellation)
    {
        open.Owners.TryRemove(owner, out _);
        if (!open.File.Owners.TryRemove(owner, out _))
        {
            return FsStatus.Ok;
        }

        try
        {
            var by = await open.File.OpenedAsync(cancellation).ConfigureAwait(false);
            return await _cluster
                .UnlockAsync(by, new NodeLock(true, owner, true, 0, 0, 0), cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            // The next close tries again.
            open.File.Owners.TryAdd(owner, 0);
            return StatusOf(e);
        }
    }

    /// <summary>
    /// The last descriptor of an open is closed. A process has left its ranges then; those of the open itself (OFD
    /// locks, fcntl(2)) the kernel does not leave for it.
    /// </summary>
    private async ValueTask LeaveLocksAsync(VfsHandle open)
    {
        foreach (var owner in open.Owners.Keys)
        {
            await LeaveRangesAsync(open, owner, CancellationToken.None).ConfigureAwait(false);
        }

        if (open.Lock is { } held)
        {
            try
            {
                await _cluster.CloseAsync(held, CancellationToken.None).ConfigureAwait(false);
                open.Lock = null;
                open.File.LockLeft();
            }
            catch (DistFsException e)
            {
                // It ends with the session.
                Report(e);
            }
        }
    }
}
