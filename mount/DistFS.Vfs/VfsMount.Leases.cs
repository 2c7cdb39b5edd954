using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Leases: asked for when something is looked at, and given up when others wait for it.</content>
public sealed partial class VfsMount
{
    /// <inheritdoc/>
    async Task ILeaseHolder.GiveUpAsync(InodeId inode, LeaseMode keep)
    {
        if (!_nodes.TryGetValue(inode, out var node))
        {
            return;
        }

        await node.BeginGivingUp().ConfigureAwait(false);
        try
        {
            // The session ends if this takes longer: then everything that is not sent would be lost, and not only this.
            using var limit = new CancellationTokenSource(_options.GiveUpLimit, _options.Clock);
            if (FileToKeep(node, replaced: keep == LeaseMode.None) is { } file)
            {
                await file.GiveUpAsync(keep, limit.Token).ConfigureAwait(false);
                Kept(node, file);
            }

            await LeaveHereAsync(node, limit.Token).ConfigureAwait(false);
            if (keep == LeaseMode.None)
            {
                await ForgetAsync(node).ConfigureAwait(false);
                await WaitAsync(node.HoldReads(), _options.ForgetWait, node).ConfigureAwait(false);
            }
            else
            {
                // Sent: what the metaservers say from here on is how it is.
                node.Changed();
            }
        }
        finally
        {
            node.EndGivingUp();
        }
    }

    /// <inheritdoc/>
    void ILeaseHolder.Lost(InodeId inode)
    {
        if (_nodes.TryGetValue(inode, out var node))
        {
            Lost(node);
        }
    }

    /// <summary>With it goes what was made in it, which has no lease of its own.</summary>
    private void Lost(VfsNode node)
    {
        List<VfsNode> owned;
        lock (node.Gate)
        {
            owned = [.. node.Owned];
            owned.ForEach(node.Disown);
        }

        node.File?.Lost();
        _ = ForgetAsync(node);
        foreach (var one in owned)
        {
            lock (one.Gate)
            {
                one.Owner = null;
            }

            Lost(one);
        }
    }

    /// <inheritdoc/>
    void ILeaseHolder.AllLost()
    {
        foreach (var node in _nodes.Values)
        {
            node.File?.Lost();
            lock (node.Gate)
            {
                node.Owner = null;
            }

            _ = ForgetAsync(node);
        }
    }

    /// <summary>
    /// What was changed here is sent; and what was made in a directory gets a lease of its own, since others find it
    /// from here on.
    /// </summary>
    private async Task LeaveHereAsync(VfsNode node, CancellationToken limit)
    {
        try
        {
            await SentAsync(node, limit).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or DistFsException)
        {
            // It is sent later, and refused if somebody has changed it in between.
            Report(new DistFsException(
                ErrorCatalog.LeaseHeld, $"Changes in inode {node.Inode.Value} could not be sent in time.", e));
        }

        List<VfsNode> owned;
        lock (node.Gate)
        {
            node.HereFrom = After(HerePause);
            owned = [.. node.Owned];
        }

        foreach (var part in owned.Chunk(LeasesAtOnce))
        {
            await AdoptAsync(node, part).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Leases of what was made here: asked for while nobody else can know of it. What gets none is forgotten.
    /// </summary>
    private async Task AdoptAsync(VfsNode? directory, VfsNode[] owned)
    {
        IReadOnlyList<NodeLease>? leases = null;
        try
        {
            leases = await _cluster.AcquireAsync(
                Array.ConvertAll(owned, static one => one.Inode), LeaseMode.Write, TimeSpan.Zero,
                CancellationToken.None).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            Report(e);
        }

        for (var i = 0; i < owned.Length; i++)
        {
            var node = owned[i];
            var mayStay = leases?[i].Mode == LeaseMode.Write;
            lock (node.Gate)
            {
                node.Owner = null;
            }

            if (directory != null)
            {
                lock (directory.Gate)
                {
                    directory.Disown(node);
                }
            }

            if (!mayStay)
            {
                await ForgetAsync(node).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The kernel forgets it too; that is waited for, but not for ever.</summary>
    private async Task ForgetAsync(VfsNode node)
    {
        var clock = _options.Clock;
        long toldUntil;
        lock (node.Gate)
        {
            (toldUntil, node.NamesToldUntil) = (node.NamesToldUntil, 0);
            node.SharedUntil = After(_options.SharedTime);
        }

        var names = node.Forget();
        await WaitAsync(_kernel.ForgetContentAsync(node.Inode, 0, 0), _options.ForgetWait, node).ConfigureAwait(false);
        var left = toldUntil == 0 ? TimeSpan.Zero : clock.GetElapsedTime(clock.GetTimestamp(), toldUntil);
        if (left > TimeSpan.Zero)
        {
            // Or until it has forgotten them by itself.
            await WaitAsync(_kernel.ForgetNamesAsync(node.Inode, names), left, null).ConfigureAwait(false);
        }
    }

    /// <param name="forgotten">What is waited for.</param>
    /// <param name="limit">For so long.</param>
    /// <param name="late">Of which it is told that it was not in time; null: that does no harm.</param>
    private async Task WaitAsync(Task forgotten, TimeSpan limit, VfsNode? late)
    {
        try
        {
            await forgotten.WaitAsync(limit, _options.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException) when (late == null)
        {
            // The time for which it was told is over.
        }
        catch (TimeoutException)
        {
            Report(new DistFsException(
                ErrorCatalog.Overloaded, $"The kernel does not forget inode {late!.Inode.Value} in time."));
        }
    }

    private long After(TimeSpan time) => _options.Clock.GetTimestamp()
        + (long)(time.TotalSeconds * _options.Clock.TimestampFrequency);

    /// <summary>Under the directory's gate: for how long the kernel may keep a name that it is told now.</summary>
    private TimeSpan NameValid(VfsNode directory)
    {
        var valid = _cluster.Believed;
        valid = valid < _options.NamesValid ? valid : _options.NamesValid;
        if (valid <= TimeSpan.Zero || _options.Clock.GetTimestamp() < directory.SharedUntil)
        {
            return TimeSpan.Zero;
        }

        // The kernel counts in ticks of up to 10 ms, and from when it is told, which may be late: one that gives the
        // directory up meanwhile waits for that first, and then for as long as this.
        directory.NamesToldUntil = After((2 * valid) + TimeSpan.FromMilliseconds(50));
        return valid;
    }

    /// <summary>Attributes as they are, under a lease if it is free.</summary>
    internal async ValueTask<VfsEntry> StatAsync(VfsNode node, CancellationToken cancellation)
    {
        if (TryTell(node, out var entry))
        {
            return entry;
        }

        // In this order: what is changed here from here on is not sent, and changes the stamp.
        long stamp;
        lock (node.Gate)
        {
            stamp = node.Stamp;
        }

        await SentAsync(node, cancellation).ConfigureAwait(false);
        var leases = await _cluster
            .AcquireAsync([node.Inode], LeaseMode.Read, TimeSpan.Zero, cancellation).ConfigureAwait(false);
        if (leases[0].Status == FsStatus.NotFound)
        {
            return Gone(node);
        }

        if (Learn(node, stamp, leases[0].Attributes) && TryTell(node, out entry))
        {
            return entry;
        }

        // Others write it: they are asked for what they have, and it holds for this moment.
        var reply = await _cluster.StatAsync(node.Inode, cancellation).ConfigureAwait(false);
        return reply.Status == FsStatus.NotFound
            ? Gone(node) : new VfsEntry(reply.Status, Overlaid(node, reply.Attributes), default, default, default);
    }

    /// <summary>
    /// The metaservers have it no more. A directory that a program has open, or works in, is looked at still; whoever
    /// has a file open has it open there.
    /// </summary>
    private static VfsEntry Gone(VfsNode node)
    {
        lock (node.Gate)
        {
            return node.Last is { } last && node.Lookups > 0
                ? new VfsEntry(FsStatus.Ok, last with { Links = 0 }, default, default, default)
                : VfsEntry.Refused(FsStatus.Stale);
        }
    }

    /// <summary>
    /// What was told under a lease is kept, unless it changed since it was asked for. Whoever asks takes the stamp
    /// first, and then sees that what was changed here before is sent: the metaservers would tell how it was.
    /// </summary>
    /// <returns>Whether it is known now.</returns>
    internal bool Learn(VfsNode node, long stamp, FileStatus? attributes)
    {
        lock (node.Gate)
        {
            if (attributes != null && node.Stamp == stamp && Holds(node, LeaseMode.Read))
            {
                node.Known = node.File?.Overlay(attributes) ?? attributes;
                node.Last = attributes.IsDirectory ? attributes : null;
            }

            return node.Known != null;
        }
    }

    /// <summary>Attributes from the cache.</summary>
    internal bool TryTell(VfsNode node, out VfsEntry entry)
    {
        // Before it is looked whether it holds: it may be renewed in between, not end.
        var valid = _cluster.Believed;
        lock (node.Gate)
        {
            if (node.Known is { } known && Holds(node, LeaseMode.Read))
            {
                node.BeginUse();
                entry = new VfsEntry(FsStatus.Ok, known, default, valid, new LeaseUse(node));
                return true;
            }
        }

        entry = default;
        return false;
    }

    private static FileStatus? Overlaid(VfsNode node, FileStatus? attributes)
    {
        lock (node.Gate)
        {
            return attributes == null ? null : node.File?.Overlay(attributes) ?? attributes;
        }
    }

    /// <summary>A directory's names may be kept from here on, if its lease is free.</summary>
    private async ValueTask<bool> ReadLeaseAsync(VfsNode node, CancellationToken cancellation)
    {
        long stamp;
        lock (node.Gate)
        {
            if (node.IsGivingUp)
            {
                return false;
            }

            if (Holds(node, LeaseMode.Read))
            {
                return true;
            }

            stamp = node.Stamp;
        }

        await SentAsync(node, cancellation).ConfigureAwait(false);
        var leases = await _cluster
            .AcquireAsync([node.Inode], LeaseMode.Read, TimeSpan.Zero, cancellation).ConfigureAwait(false);
        Learn(node, stamp, leases[0].Attributes);
        return leases[0].Mode >= LeaseMode.Read;
    }
}
