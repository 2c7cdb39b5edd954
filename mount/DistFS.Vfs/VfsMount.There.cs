using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>What is changed at the metaservers: in order with what was changed here.</content>
public sealed partial class VfsMount
{
    private async Task<FsStatus> ChangeThereAsync(
        (VfsNode Directory, ReadOnlyMemory<byte> Name)[] changes,
        Func<Task<NodeReply>> change,
        CancellationToken cancellation)
    {
        using var direct = await BeginDirectAsync(cancellation, changes[0].Directory, changes[^1].Directory)
            .ConfigureAwait(false);
        List<(VfsNode Node, VfsFile? File)> targets = [];
        try
        {
            foreach (var (directory, name) in changes)
            {
                // Of a rename, the second name.
                var replaced = changes.Length == 2 && directory == changes[1].Directory && name.Equals(changes[1].Name);
                if (await TargetAsync(directory, name, cancellation).ConfigureAwait(false) is { } node)
                {
                    targets.Add((node, BeginLeaving(node, replaced)));
                    if (targets[^1].File is { } file)
                    {
                        await TryRegisterAsync(file, cancellation).ConfigureAwait(false);
                    }

                    await LeaveOwnerAsync(node, cancellation).ConfigureAwait(false);
                }
            }

            Changed();
            return (await change().ConfigureAwait(false)).Status;
        }
        finally
        {
            Changed();
            foreach (var (node, file) in targets)
            {
                EndLeaving(node, file);
            }
        }

        void Changed()
        {
            var told = 0L;
            foreach (var (directory, _) in changes)
            {
                lock (directory.Gate)
                {
                    told = Math.Max(told, directory.NamesToldUntil);
                }
            }

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

            targets.ForEach(static target => target.Node.Changed());
        }
    }

    /// <summary>What loses a name, or gets another one; null: nothing.</summary>
    private async ValueTask<VfsNode?> TargetAsync(
        VfsNode directory, ReadOnlyMemory<byte> name, CancellationToken cancellation)
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

        return inode.Value == 0 ? null : NodeOf(inode);
    }

    /// <summary>
    /// From here on whoever opens it says so to the metaservers; and if a program has it open already, they are told
    /// before: it stays then.
    /// </summary>
    private VfsFile? BeginLeaving(VfsNode node, bool replaced)
    {
        lock (node.Gate)
        {
            node.Directs++;
            return FileToKeep(node, replaced);
        }
    }

    private static void EndLeaving(VfsNode node, VfsFile? file)
    {
        lock (node.Gate)
        {
            node.Directs--;
        }

        if (file != null)
        {
            Kept(node, file);
        }
    }

    /// <summary>
    /// It will be found otherwise than through the directory that it was made in: it needs a lease of its own.
    /// </summary>
    private async ValueTask LeaveOwnerAsync(VfsNode node, CancellationToken cancellation)
    {
        await SentAsync(node, cancellation).ConfigureAwait(false);
        if (node.Owner is { } owner)
        {
            await AdoptAsync(owner, [node]).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Something is changed at the metaservers: behind all that was changed of these here, and nothing of them is
    /// changed here until it ends.
    /// </summary>
    private async ValueTask<Direct> BeginDirectAsync(CancellationToken cancellation, params VfsNode?[] nodes)
    {
        var direct = new Direct([.. nodes.OfType<VfsNode>()]);
        try
        {
            foreach (var node in direct.Nodes)
            {
                await SentAsync(node, cancellation).ConfigureAwait(false);
            }

            return direct;
        }
        catch
        {
            direct.Dispose();
            throw;
        }
    }

    private sealed class Direct : IDisposable
    {
        public Direct(VfsNode[] nodes)
        {
            Nodes = nodes;
            Count(1);
        }

        public VfsNode[] Nodes { get; }

        public void Dispose() => Count(-1);

        private void Count(int more)
        {
            foreach (var node in Nodes)
            {
                lock (node.Gate)
                {
                    node.Directs += more;
                    node.Changed();
                }
            }
        }
    }
}
