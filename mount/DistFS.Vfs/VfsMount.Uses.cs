using DistFS.Client.Leases;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>What the kernel may keep of content, and what it is made to forget behind the answer.</content>
public sealed partial class VfsMount
{
    /// <summary>
    /// Content is read under a lease, if it is free; else without one, and nobody waits here for what may wait for a
    /// page that is locked until this is answered.
    /// </summary>
    private async ValueTask<ContentUse> BeginReadAsync(
        VfsNode node, ReadOrder.Read read, (long Offset, int Length) range, CancellationToken cancellation)
    {
        for (var (asked, refused, waited) = (false, false, false); ;)
        {
            bool waits;
            lock (node.Gate)
            {
                if (Holds(node, LeaseMode.Read))
                {
                    node.BeginUse();
                    return new ContentUse(node, read);
                }

                waits = !waited && (refused || node.IsForgotten);
                if ((node.IsGivingUp && !node.IsForgotten) || (asked && !waits))
                {
                    node.BeginLoose();
                    return new ContentUse(this, node, read, (range.Offset, range.Length, range.Offset));
                }
            }

            if (waits)
            {
                (asked, refused, waited) = (false, false, true);
                await GivenUpAsync(node, cancellation).ConfigureAwait(false);
            }
            else
            {
                // Whoever writes it keeps a lease to read: that needs nothing of its kernel, so it may be waited for.
                asked = true;
                var leases = await _cluster
                    .AcquireAsync([node.Inode], LeaseMode.Read, _options.LeaseWait, cancellation)
                    .ConfigureAwait(false);
                refused = leases[0].Status == FsStatus.TryAgain;
            }
        }
    }

    /// <summary>
    /// Its lease is given up; or that was waited for long enough: what is told without a lease, of the same page, may
    /// have to be forgotten first.
    /// </summary>
    private async ValueTask GivenUpAsync(VfsNode node, CancellationToken cancellation)
    {
        try
        {
            await _cluster.GivenUp(node.Inode).WaitAsync(_options.ForgetWait / 4, _options.Clock, cancellation)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It is read without one.
        }
    }

    /// <summary>
    /// Whether one of the reads that stand before this one, behind the end, reaches the end, and so says where it is. A
    /// program that reads on from what was answered before this may come to the end only then, if the kernel has its
    /// page, but not all of it (<see cref="ReadOrder"/>): so it has a moment to ask for that.
    /// </summary>
    private async ValueTask<bool> IsEndToldAsync(
        VfsFile file, ReadOrder.Read read, long offset, CancellationToken cancellation)
    {
        var one = new byte[1];
        if (await file.ReadAsync(offset - 1, one, cancellation).ConfigureAwait(false) == 1)
        {
            // It is the end.
            return false;
        }

        var (begun, seen) = (_options.Clock.GetTimestamp(), 0L);
        while (true)
        {
            var (isBehind, changed) = read.Look();
            if (seen != read.OthersEnd)
            {
                seen = read.OthersEnd;
                if (await file.ReadAsync(seen - 1, one, cancellation).ConfigureAwait(false) == 0)
                {
                    return true;
                }
            }

            var left = _options.ForgetWait - _options.Clock.GetElapsedTime(begun);
            var wait = isBehind ? left : _options.ReadOnWait < left ? _options.ReadOnWait : left;
            if (wait <= TimeSpan.Zero)
            {
                return false;
            }

            try
            {
                await changed.WaitAsync(wait, _options.Clock, cancellation).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return false;
            }
        }
    }

    /// <summary>What the kernel has of it now, where it believes it to stand, and where it stands.</summary>
    private async ValueTask<ContentUse> EndWriteAsync(
        VfsHandle open, (long Offset, int Length, long At) written, bool keeps)
    {
        var (offset, length, at) = written;
        if (keeps && at == offset)
        {
            return default;
        }

        if (keeps && open.Mode.Appends)
        {
            // Written past the kernel's pages, so none is locked until the answer: the end that it asks for next is not
            // dropped by what comes behind it.
            await WaitAsync(ForgetRangesAsync(open.Node, offset, length, at), _options.ForgetWait, open.Node)
                .ConfigureAwait(false);
            return default;
        }

        lock (open.Node.Gate)
        {
            open.Node.BeginLoose();
        }

        return new ContentUse(this, open.Node, null, written);
    }

    /// <summary>It was answered: the kernel forgets it, and then leases may be given up.</summary>
    internal async Task ForgetLooseAsync(VfsNode node, long offset, int length, long at)
    {
        try
        {
            await ForgetRangesAsync(node, offset, length, at).ConfigureAwait(false);
        }
        finally
        {
            node.EndLoose();
        }
    }

    private async Task ForgetRangesAsync(VfsNode node, long offset, int length, long at)
    {
        var believed = _kernel.ForgetContentAsync(node.Inode, offset, length);
        if (at != offset)
        {
            await _kernel.ForgetContentAsync(node.Inode, at, length).ConfigureAwait(false);
        }

        await believed.ConfigureAwait(false);
    }
}
