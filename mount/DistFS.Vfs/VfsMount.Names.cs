using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Names: found in the cache, changed at the metaservers.</content>
public sealed partial class VfsMount
{
    /// <summary>What a name stands for (the kernel counts it as told: <see cref="Forget"/>).</summary>
    public async ValueTask<VfsEntry> LookupAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        if (name.Length > NameBytesMax)
        {
            return VfsEntry.Refused(FsStatus.NameTooLong);
        }

        var parent = NodeOf(directory);
        if (TryLookup(parent, name.Span, out var found))
        {
            return Told(found);
        }

        try
        {
            return Told(await AskToOpenAsync(caller, parent, name, cancellation).ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            return VfsEntry.Refused(StatusOf(e));
        }
    }

    /// <summary>Attributes of an inode.</summary>
    public async ValueTask<VfsEntry> StatAsync(InodeId inode, CancellationToken cancellation)
    {
        try
        {
            return await StatAsync(NodeOf(inode), cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return VfsEntry.Refused(StatusOf(e));
        }
    }

    /// <summary>A new inode that is no file to be opened: directory, link, device, fifo, socket, or file.</summary>
    public ValueTask<VfsEntry> MakeAsync(
        FileIdentity caller,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        NewNode node,
        CancellationToken cancellation) => MadeAsync(
        directory,
        name,
        parent => MakeHereAsync(caller, parent, name, node, cancellation),
        () => _cluster.MakeAsync(caller, directory, name, node, cancellation),
        null,
        cancellation);

    /// <summary>Another name of an inode.</summary>
    public ValueTask<VfsEntry> LinkAsync(
        FileIdentity caller,
        InodeId inode,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        CancellationToken cancellation) => MadeAsync(
        directory,
        name,
        static _ => default,
        () => _cluster.LinkAsync(caller, inode, directory, name, cancellation),
        NodeOf(inode),
        cancellation);

    /// <summary>A name goes.</summary>
    public ValueTask<FsStatus> UnlinkAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        ChangeNamesAsync(
            [(NodeOf(directory), name)],
            here => RemoveHereAsync(caller, here[0].Directory, name, isDirectory: false, cancellation),
            () => _cluster.UnlinkAsync(caller, directory, name, cancellation),
            cancellation);

    /// <summary>An empty directory goes.</summary>
    public ValueTask<FsStatus> RemoveDirectoryAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        ChangeNamesAsync(
            [(NodeOf(directory), name)],
            here => RemoveHereAsync(caller, here[0].Directory, name, isDirectory: true, cancellation),
            () => _cluster.RemoveDirectoryAsync(caller, directory, name, cancellation),
            cancellation);

    /// <summary>A name becomes another one.</summary>
    public ValueTask<FsStatus> RenameAsync(
        FileIdentity caller,
        (InodeId Directory, ReadOnlyMemory<byte> Name) from,
        (InodeId Directory, ReadOnlyMemory<byte> Name) to,
        RenameMode mode,
        CancellationToken cancellation) => ChangeNamesAsync(
        [(NodeOf(from.Directory), from.Name), (NodeOf(to.Directory), to.Name)],
        here => RenameHereAsync(caller, here[0], here[1], mode, cancellation),
        () => _cluster.RenameAsync(caller, from, to, mode, cancellation),
        cancellation);

    /// <summary>The target of a symbolic link.</summary>
    public async ValueTask<NodeData> ReadLinkAsync(InodeId inode, CancellationToken cancellation)
    {
        try
        {
            await SentAsync(NodeOf(inode), cancellation).ConfigureAwait(false);
            return await _cluster.ReadLinkAsync(inode, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return new NodeData(StatusOf(e), default);
        }
    }

    /// <summary>The kernel is told of an inode once more.</summary>
    private VfsEntry Told(VfsEntry entry)
    {
        if (entry is { Status: FsStatus.Ok, Attributes: { } attributes })
        {
            var node = NodeOf(attributes.Inode);
            lock (node.Gate)
            {
                node.Lookups++;
                node.ToldAt = attributes.IsFile ? _options.Clock.GetTimestamp() : 0;
            }
        }

        return entry;
    }

    /// <summary>From the cache: the name, or that there is none.</summary>
    private bool TryLookup(VfsNode parent, ReadOnlySpan<byte> name, out VfsEntry entry)
    {
        InodeId inode;
        TimeSpan valid;
        lock (parent.Gate)
        {
            if (!Holds(parent, LeaseMode.Read) || !parent.TryFind(name, out inode))
            {
                entry = default;
                return false;
            }

            parent.BeginUse();
            valid = NameValid(parent);
            if (inode.Value == 0)
            {
                // Learned, so that it is among what the kernel has to forget.
                parent.Learn(name, default, default);
                entry = new VfsEntry(FsStatus.NotFound, null, valid, default, new LeaseUse(parent));
                return true;
            }
        }

        var node = NodeOf(inode);
        if (TryTell(node, out entry))
        {
            node.FoundIn = parent;
            entry = entry with { NameValid = valid, Use = entry.Use.And(parent) };
            return true;
        }

        parent.EndUse();
        return false;
    }

    private async ValueTask<VfsEntry> AskAsync(
        FileIdentity caller, VfsNode parent, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var found = await AskOnceAsync(caller, parent, name, cancellation).ConfigureAwait(false);
            if (found.Status != FsStatus.Stale || attempt == FindsMax)
            {
                return found;
            }

            // What was found went before it was looked at, and another may be in its place: it is not that there is
            // nothing of that name.
        }
    }

    /// <returns>ESTALE: it is gone again.</returns>
    private async ValueTask<VfsEntry> AskOnceAsync(
        FileIdentity caller, VfsNode parent, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        var isHeld = await ReadLeaseAsync(parent, cancellation).ConfigureAwait(false);
        long stamp;
        lock (parent.Gate)
        {
            stamp = parent.NamesStamp;
        }

        // Under a lease to write, what is on its way of other names makes no difference; of this one nothing is, or it
        // would be known.
        bool isOurs;
        lock (parent.Gate)
        {
            isOurs = Holds(parent, LeaseMode.Write);
        }

        if (!isOurs)
        {
            await SentAsync(parent, cancellation).ConfigureAwait(false);
        }

        var reply = await _cluster.LookupAsync(caller, parent.Inode, name, cancellation).ConfigureAwait(false);
        if (reply.Status is FsStatus.Ok or FsStatus.NotFound && isHeld)
        {
            lock (parent.Gate)
            {
                if (parent.NamesStamp == stamp && Holds(parent, LeaseMode.Read))
                {
                    parent.LearnOnce(
                        name.Span, reply.Attributes?.Inode ?? default, reply.Attributes?.Kind ?? default);
                }
            }
        }

        if (reply.Attributes is not { } attributes)
        {
            return TryLookup(parent, name.Span, out var none) && none.Status == reply.Status
                ? none : Ended(none, VfsEntry.Refused(reply.Status));
        }

        // The attributes under a lease of their own; the name as long as the directory's lease holds.
        var node = NodeOf(attributes.Inode);
        using var told = await StatAsync(node, cancellation).ConfigureAwait(false);
        return told.Status != FsStatus.Ok ? VfsEntry.Refused(told.Status)
            : TryLookup(parent, name.Span, out var entry) ? entry
            : told with { NameValid = default, AttributesValid = default, Use = default };
    }

    /// <summary>
    /// Of a file that loses its name: if a program has it open, or may be about to open what it found under that name,
    /// which must not fail since another file has taken its place. It stays until <see cref="Kept"/>.
    /// </summary>
    private VfsFile? FileToKeep(VfsNode node, bool replaced)
    {
        lock (node.Gate)
        {
            if (node.File == null && replaced && node.ToldAt != 0
                && _options.Clock.GetElapsedTime(node.ToldAt) < _options.OpensAfterLookup)
            {
                Activate(node);
            }

            if (node.File != null)
            {
                node.File.Keeps++;
            }

            return node.File;
        }
    }

    /// <summary>What <see cref="FileToKeep"/> gave has been used.</summary>
    private static void Kept(VfsNode node, VfsFile file)
    {
        lock (node.Gate)
        {
            file.Keeps--;
        }
    }

    /// <summary>Under the node's gate: it is open from here on, or has something to send.</summary>
    private VfsFile Activate(VfsNode node)
    {
        node.File ??= new VfsFile(this, node);
        _active[node.Inode] = node;
        return node.File;
    }

    private static VfsEntry Ended(VfsEntry unused, VfsEntry entry)
    {
        unused.Dispose();
        return entry;
    }

    /// <summary>Something gets a name.</summary>
    private async ValueTask<VfsEntry> MadeAsync(
        InodeId directory,
        ReadOnlyMemory<byte> name,
        Func<VfsNode, ValueTask<VfsEntry?>> makeHere,
        Func<Task<NodeReply>> make,
        VfsNode? linked,
        CancellationToken cancellation)
    {
        if (_options.IsReadOnly || name.Length > NameBytesMax)
        {
            return VfsEntry.Refused(_options.IsReadOnly ? FsStatus.ReadOnly : FsStatus.NameTooLong);
        }

        var parent = NodeOf(directory);
        try
        {
            if (await makeHere(parent).ConfigureAwait(false) is { } made)
            {
                return Told(made);
            }

            using var direct = await BeginDirectAsync(cancellation, parent, linked).ConfigureAwait(false);
            if (linked != null)
            {
                await LeaveOwnerAsync(linked, cancellation).ConfigureAwait(false);
            }

            try
            {
                return Told(await NamedAsync(parent, name, await make().ConfigureAwait(false), cancellation)
                    .ConfigureAwait(false));
            }
            catch (DistFsException)
            {
                // It may have been made.
                Unknown(parent, name);
                throw;
            }
        }
        catch (DistFsException e)
        {
            return VfsEntry.Refused(StatusOf(e));
        }
    }

    /// <summary>A name was made, or not: the directory has changed, and the name is known.</summary>
    private async ValueTask<VfsEntry> NamedAsync(
        VfsNode parent, ReadOnlyMemory<byte> name, NodeReply reply, CancellationToken cancellation)
    {
        lock (parent.Gate)
        {
            parent.Changed();
            if (reply.Attributes is { } made && Holds(parent, LeaseMode.Read))
            {
                parent.Learn(name.Span, made.Inode, made.Kind);
            }
            else
            {
                // Also that it is not there, which was known before, and may be believed again with the lease.
                parent.Unlearn(name.Span);
            }
        }

        if (reply.Attributes is not { } attributes)
        {
            return VfsEntry.Refused(reply.Status);
        }

        var node = NodeOf(attributes.Inode);
        node.Changed();
        using var told = await StatAsync(node, cancellation).ConfigureAwait(false);
        return TryLookup(parent, name.Span, out var entry) && entry.Status == FsStatus.Ok ? entry
            : Ended(entry, new VfsEntry(FsStatus.Ok, told.Attributes ?? attributes, default, default, default));
    }

    private static void Unknown(VfsNode parent, ReadOnlyMemory<byte> name)
    {
        lock (parent.Gate)
        {
            parent.Changed();
            parent.Unlearn(name.Span);
        }
    }

    private async ValueTask<FsStatus> ChangeNamesAsync(
        (VfsNode Directory, ReadOnlyMemory<byte> Name)[] changes,
        Func<(VfsNode Directory, ReadOnlyMemory<byte> Name)[], ValueTask<FsStatus?>> changeHere,
        Func<Task<NodeReply>> change,
        CancellationToken cancellation)
    {
        if (_options.IsReadOnly || changes.Any(static one => one.Name.Length > NameBytesMax))
        {
            return _options.IsReadOnly ? FsStatus.ReadOnly : FsStatus.NameTooLong;
        }

        try
        {
            return await changeHere(changes).ConfigureAwait(false)
                ?? await ChangeThereAsync(changes, change, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }
}
