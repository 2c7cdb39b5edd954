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
            return Told(await AskAsync(caller, parent, name, cancellation).ConfigureAwait(false));
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
        directory, name, () => _cluster.MakeAsync(caller, directory, name, node, cancellation), null, cancellation);

    /// <summary>Another name of an inode.</summary>
    public ValueTask<VfsEntry> LinkAsync(
        FileIdentity caller,
        InodeId inode,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        CancellationToken cancellation) => MadeAsync(
        directory,
        name,
        () => _cluster.LinkAsync(caller, inode, directory, name, cancellation),
        NodeOf(inode),
        cancellation);

    /// <summary>A name goes.</summary>
    public ValueTask<FsStatus> UnlinkAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        ChangeNamesAsync(
            [(NodeOf(directory), name)],
            () => _cluster.UnlinkAsync(caller, directory, name, cancellation),
            cancellation);

    /// <summary>An empty directory goes.</summary>
    public ValueTask<FsStatus> RemoveDirectoryAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        ChangeNamesAsync(
            [(NodeOf(directory), name)],
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
        () => _cluster.RenameAsync(caller, from, to, mode, cancellation),
        cancellation);

    /// <summary>The target of a symbolic link.</summary>
    public async ValueTask<NodeData> ReadLinkAsync(InodeId inode, CancellationToken cancellation)
    {
        try
        {
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
                parent.Learn(name, default);
                entry = new VfsEntry(FsStatus.NotFound, null, valid, default, new LeaseUse(parent));
                return true;
            }
        }

        if (TryTell(NodeOf(inode), out entry))
        {
            entry = entry with { NameValid = valid, Use = entry.Use.And(parent) };
            return true;
        }

        parent.EndUse();
        return false;
    }

    private async ValueTask<VfsEntry> AskAsync(
        FileIdentity caller, VfsNode parent, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        var isHeld = await ReadLeaseAsync(parent, cancellation).ConfigureAwait(false);
        long stamp;
        lock (parent.Gate)
        {
            stamp = parent.Stamp;
        }

        var reply = await _cluster.LookupAsync(caller, parent.Inode, name, cancellation).ConfigureAwait(false);
        if (reply.Status is FsStatus.Ok or FsStatus.NotFound && isHeld)
        {
            lock (parent.Gate)
            {
                if (parent.Stamp == stamp && Holds(parent, LeaseMode.Read))
                {
                    parent.Learn(name.Span, reply.Attributes?.Inode ?? default);
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
        return told.Status != FsStatus.Ok ? VfsEntry.Refused(FsStatus.NotFound)
            : TryLookup(parent, name.Span, out var entry) ? entry
            : told with { NameValid = default, AttributesValid = default, Use = default };
    }

    /// <summary>
    /// Of a file that loses its name: if a program has it open, or may be about to open what it found under that name,
    /// which must not fail since another file has taken its place.
    /// </summary>
    private VfsFile? FileToKeep(VfsNode node, bool replaced)
    {
        lock (node.Gate)
        {
            if (node.File == null && replaced && node.ToldAt != 0
                && _options.Clock.GetElapsedTime(node.ToldAt) < _options.OpensAfterLookup)
            {
                node.File = new VfsFile(this, node);
            }

            return node.File;
        }
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
        Func<Task<NodeReply>> make,
        VfsNode? linked,
        CancellationToken cancellation)
    {
        if (_options.IsReadOnly || name.Length > NameBytesMax)
        {
            return VfsEntry.Refused(_options.IsReadOnly ? FsStatus.ReadOnly : FsStatus.NameTooLong);
        }

        var parent = NodeOf(directory);
        parent.Changed();
        linked?.Changed();
        try
        {
            var reply = await make().ConfigureAwait(false);
            return Told(await NamedAsync(parent, name, reply, cancellation).ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            lock (parent.Gate)
            {
                // It may have been made.
                parent.Changed();
                parent.Unlearn(name.Span);
            }

            return VfsEntry.Refused(StatusOf(e));
        }
        finally
        {
            linked?.Changed();
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
                parent.Learn(name.Span, made.Inode);
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

    private async ValueTask<FsStatus> ChangeNamesAsync(
        (VfsNode Directory, ReadOnlyMemory<byte> Name)[] changes,
        Func<Task<NodeReply>> change,
        CancellationToken cancellation)
    {
        if (_options.IsReadOnly || changes.Any(static one => one.Name.Length > NameBytesMax))
        {
            return _options.IsReadOnly ? FsStatus.ReadOnly : FsStatus.NameTooLong;
        }

        List<VfsNode> targets = [];
        try
        {
            foreach (var (directory, name) in changes)
            {
                // Of a rename, the second name.
                var replaced = changes.Length == 2 && directory == changes[1].Directory && name.Equals(changes[1].Name);
                if (await TargetAsync(directory, name, replaced, cancellation).ConfigureAwait(false) is { } target)
                {
                    targets.Add(target);
                }
            }

            Changed();
            return (await change().ConfigureAwait(false)).Status;
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
        finally
        {
            Changed();
        }

        void Changed()
        {
            var told = changes.Max(static one => one.Directory.NamesToldUntil);
            foreach (var (directory, name) in changes)
            {
                lock (directory.Gate)
                {
                    directory.Changed();
                    directory.Unlearn(name.Span);

                    // The kernel moves what it knows of a name to where it is renamed to, with the time for which it
                    // was told.
                    directory.NamesToldUntil = Math.Max(directory.NamesToldUntil, told);
                }
            }

            targets.ForEach(static target => target.Changed());
        }
    }

    /// <summary>
    /// What loses a name, or gets another one. If a program has it open, the metaservers are told before: it stays
    /// then.
    /// </summary>
    private async ValueTask<VfsNode?> TargetAsync(
        VfsNode directory, ReadOnlyMemory<byte> name, bool replaced, CancellationToken cancellation)
    {
        InodeId inode;
        lock (directory.Gate)
        {
            if (!Holds(directory, LeaseMode.Read) || !directory.TryFind(name.Span, out inode))
            {
                inode = default;
            }
        }

        if (inode.Value == 0)
        {
            var reply = await _cluster
                .LookupAsync(FileIdentity.Root, directory.Inode, name, cancellation).ConfigureAwait(false);
            inode = reply.Attributes?.Inode ?? default;
        }

        if (inode.Value == 0 || !_nodes.TryGetValue(inode, out var node))
        {
            return null;
        }

        if (FileToKeep(node, replaced) is { } file)
        {
            await file.RegisterAsync(cancellation).ConfigureAwait(false);
        }

        return node;
    }
}
