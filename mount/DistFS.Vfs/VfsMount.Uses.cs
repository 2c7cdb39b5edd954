using DistFS.Client.Leases;

namespace DistFS.Vfs;

/// <content>What the kernel may keep of content, and what it is made to forget behind the answer.</content>
public sealed partial class VfsMount
{
    /// <summary>
    /// Content is read under a lease, if it is free; else without one, and nobody waits here for what may wait for a
    /// page that is locked until this is answered.
    /// </summary>
    private async ValueTask<ContentUse> BeginReadAsync(
        VfsNode node, long offset, int length, CancellationToken cancellation)
    {
        for (var (asked, waited) = (false, false); ;)
        {
            bool isForgotten;
            lock (node.Gate)
            {
                if (Holds(node, LeaseMode.Read))
                {
                    node.BeginUse();
                    return new ContentUse(node);
                }

                isForgotten = node.IsForgotten && !waited;
                if (asked || (node.IsGivingUp && !isForgotten))
                {
                    node.BeginLoose();
                    return new ContentUse(this, node, (offset, length, offset));
                }
            }

            if (isForgotten)
            {
                waited = true;
                await GivenUpAsync(node, cancellation).ConfigureAwait(false);
            }
            else
            {
                // Whoever writes it keeps a lease to read: that needs nothing of its kernel, so it may be waited for.
                asked = true;
                await _cluster.AcquireAsync([node.Inode], LeaseMode.Read, _options.LeaseWait, cancellation)
                    .ConfigureAwait(false);
            }
        }
    }

    /// <summary>Its lease is given up; or that was waited for as long as for a lease.</summary>
    private async ValueTask GivenUpAsync(VfsNode node, CancellationToken cancellation)
    {
        try
        {
            await _cluster.GivenUp(node.Inode).WaitAsync(_options.LeaseWait, _options.Clock, cancellation)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It is read without one.
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

        return new ContentUse(this, open.Node, written);
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
