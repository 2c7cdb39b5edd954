using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Names that go, or become others, here.</content>
public sealed partial class VfsMount
{
    /// <summary>From that many in a row on, leases of what may go next are asked for too.</summary>
    private const int RemovalsInARow = 3;
    private const int RemovalsAhead = 256;

    /// <summary>A name goes; null: that is for the metaservers.</summary>
    private async ValueTask<FsStatus?> RemoveHereAsync(
        FileIdentity caller,
        VfsNode parent,
        ReadOnlyMemory<byte> name,
        bool isDirectory,
        CancellationToken cancellation)
    {
        if (await FindHereAsync(parent, name, cancellation).ConfigureAwait(false) is not { } inode)
        {
            return null;
        }

        if (inode.Value == 0)
        {
            return FsStatus.NotFound;
        }

        var node = NodeOf(inode);
        if (!await MayRemoveAsync(parent, node, replaced: false, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        byte[] kept = name.ToArray();
        lock (_journal.Gate)
        {
            lock (parent.Gate)
            {
                lock (node.Gate)
                {
                    if (!_journal.CanAppend || !MayChange(parent) || !MayLose(node)
                        || !parent.TryFind(kept, out var found) || found != inode)
                    {
                        return null;
                    }

                    if (isDirectory != node.Known!.IsDirectory)
                    {
                        return isDirectory ? FsStatus.NotADirectory : FsStatus.IsADirectory;
                    }

                    if (isDirectory && node.IsEmpty() == false)
                    {
                        return FsStatus.NotEmpty;
                    }

                    var now = Now();
                    var change = NodeChange.Remove(caller, parent.Inode, kept, node.Known, now);
                    parent.Lose(kept);
                    parent.ChangedHere(Touched(parent.Known!, isDirectory ? -1 : 0, now));
                    LoseName(node, now);
                    _journal.Append(change, parent, node);
                    return FsStatus.Ok;
                }
            }
        }
    }

    /// <summary>A name becomes another one; null: that is for the metaservers.</summary>
    private async ValueTask<FsStatus?> RenameHereAsync(
        FileIdentity caller,
        (VfsNode Directory, ReadOnlyMemory<byte> Name) from,
        (VfsNode Directory, ReadOnlyMemory<byte> Name) to,
        RenameMode mode,
        CancellationToken cancellation)
    {
        if (mode == RenameMode.Exchange
            || await FindHereAsync(from.Directory, from.Name, cancellation).ConfigureAwait(false) is not { } inode
            || await FindHereAsync(to.Directory, to.Name, cancellation).ConfigureAwait(false) is not { } replaced)
        {
            return null;
        }

        if (inode.Value == 0 || (replaced.Value != 0 && mode == RenameMode.NoReplace) || inode == replaced)
        {
            // Two names of one file: POSIX wants nothing to happen.
            return inode.Value == 0 ? FsStatus.NotFound : inode == replaced ? FsStatus.Ok : FsStatus.AlreadyExists;
        }

        var node = NodeOf(inode);
        var target = replaced.Value == 0 ? null : NodeOf(replaced);
        if (!await IsOursAsync(from.Directory, node, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        // Whoever finds it under its new name finds what was written before. It may take long, and what it replaces is
        // kept for a moment only.
        if (FileOf(node) is { } file)
        {
            await file.FlushAsync(FlushKind.Visible, null, cancellation).ConfigureAwait(false);
        }

        if (target != null
            && !await MayRemoveAsync(to.Directory, target, replaced: true, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        from.Name = from.Name.ToArray();
        to.Name = to.Name.ToArray();
        lock (_journal.Gate)
        {
            return RenameHere(caller, from, to, node, target);
        }
    }

    /// <summary>Under the gate of the journal.</summary>
    private FsStatus? RenameHere(
        FileIdentity caller,
        (VfsNode Directory, ReadOnlyMemory<byte> Name) from,
        (VfsNode Directory, ReadOnlyMemory<byte> Name) to,
        VfsNode node,
        VfsNode? target)
    {
        // Nobody but this takes more than one gate, and all that do have the journal's: so there is no circle.
        var isElsewhere = from.Directory != to.Directory;
        using var gates = Gates(from.Directory, to.Directory, node, target);
        if (!_journal.CanAppend || !MayChange(from.Directory) || !MayChange(to.Directory) || !MayChange(node)
            || (target != null && !MayLose(target))
            || !from.Directory.TryFind(from.Name.Span, out var found) || found != node.Inode
            || !to.Directory.TryFind(to.Name.Span, out found) || found != (target?.Inode ?? default)
            || to.Directory.Known!.Links == 0)
        {
            return null;
        }

        // Whether it goes below itself, and whose quota it is, the metaservers say.
        var isDirectory = node.Known!.IsDirectory;
        if (isElsewhere && (isDirectory || from.Directory.Known!.HasQuota || to.Directory.Known.HasQuota))
        {
            return null;
        }

        if (target != null && target.Known!.IsDirectory != isDirectory)
        {
            return isDirectory ? FsStatus.NotADirectory : FsStatus.IsADirectory;
        }

        if (target != null && isDirectory && target.IsEmpty() == false)
        {
            return FsStatus.NotEmpty;
        }

        var now = Now();
        var change = NodeChange.Rename(
            caller, (from.Directory.Inode, from.Name), (to.Directory.Inode, to.Name), now);
        from.Directory.Lose(from.Name.Span);
        to.Directory.Learn(to.Name.Span, node.Inode, node.Known.Kind);
        var gone = target != null && isDirectory ? -1 : 0;
        from.Directory.ChangedHere(Touched(from.Directory.Known!, isElsewhere ? 0 : gone, now));
        if (isElsewhere)
        {
            to.Directory.ChangedHere(Touched(to.Directory.Known, gone, now));
            if (node.Owner == from.Directory)
            {
                from.Directory.Disown(node);
                to.Directory.Own(node);
                node.Owner = to.Directory;
            }
        }

        // The kernel moves what it knows of a name to where it is renamed to, with the time for which it was told.
        to.Directory.NamesToldUntil = Math.Max(to.Directory.NamesToldUntil, from.Directory.NamesToldUntil);
        node.ChangedHere(node.Known with { ChangeTime = now });
        if (target == null)
        {
            _journal.Append(change, from.Directory, to.Directory, node);
        }
        else
        {
            LoseName(target, now);
            _journal.Append(change, from.Directory, to.Directory, node, target);
        }

        return FsStatus.Ok;
    }

    /// <summary>What a name of a directory that is ready for changes stands for; null: it is not ready, or not known.
    /// </summary>
    private async ValueTask<InodeId?> FindHereAsync(
        VfsNode directory, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        if (!await IsHereAsync(directory, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        lock (directory.Gate)
        {
            return MayChange(directory) && directory.TryFind(name.Span, out var inode) ? inode : null;
        }
    }

    /// <summary>Under the node's gate: it may lose a name here; of a directory it is known which names are in it.
    /// </summary>
    private bool MayLose(VfsNode node) => MayChange(node) && (!node.Known!.IsDirectory || node.IsEmpty() != null);

    /// <summary>Under the node's gate.</summary>
    private static void LoseName(VfsNode node, FileTime now)
    {
        var links = node.Known!.IsDirectory ? 0 : node.Known.Links - 1;
        node.ChangedHere(node.Known with { Links = links, ChangeTime = now });
        node.IsRemoved = links == 0 && node.File is not { Opens: > 0 } and not { IsRegistered: true };
    }

    /// <summary>
    /// It is this mount's, and stays if a program has it open, or is about to open what it found (<see cref="
    /// FileToKeep"/>).
    /// </summary>
    private async ValueTask<bool> MayRemoveAsync(
        VfsNode parent, VfsNode node, bool replaced, CancellationToken cancellation)
    {
        if (!await IsOursAsync(parent, node, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        lock (node.Gate)
        {
            if (!replaced && node.File is not { Opens: > 0 })
            {
                return true;
            }
        }

        if (FileToKeep(node, replaced) is { } file)
        {
            try
            {
                await file.RegisterAsync(cancellation).ConfigureAwait(false);
            }
            finally
            {
                // From here on its open at the metaservers keeps it: for as long as it is open here, or may be opened.
                Kept(node, file);
            }
        }

        return true;
    }

    /// <summary>Whether there is a lease to write of what is in a directory; asked for if nobody has one.</summary>
    private async ValueTask<bool> IsOursAsync(VfsNode parent, VfsNode node, CancellationToken cancellation)
    {
        List<(VfsNode Node, long Stamp)> wanted = [];
        bool isDirectory;
        lock (node.Gate)
        {
            isDirectory = node.Known is { IsDirectory: true };
            if (MayChange(node))
            {
                return true;
            }

            if (node.IsGivingUp || node.Directs > 0 || node.IsRemoved)
            {
                return false;
            }

            wanted.Add((node, node.Stamp));
        }

        List<InodeId> next = [];
        lock (parent.Gate)
        {
            // Directories are asked for one by one: what is in them has to be known too.
            if (++parent.Removals >= RemovalsInARow && !isDirectory)
            {
                // Nearly always in the order in which names were listed; first in the table are those that went.
                next = parent.FilesBehind(node.Inode, RemovalsAhead, other => !IsRemoved(other));
                next = next.Count > 0 ? next : parent.FilesIn(RemovalsAhead, other => other != node.Inode);
            }
        }

        foreach (var other in next.Select(NodeOf))
        {
            lock (other.Gate)
            {
                if (!Holds(other, LeaseMode.Write) && !other.IsGivingUp && _journal.IsSent(other.ChangedAt))
                {
                    wanted.Add((other, other.Stamp));
                }
            }
        }

        await SentAsync(node, cancellation).ConfigureAwait(false);
        var leases = await _cluster.AcquireAsync(
            [.. wanted.Select(static one => one.Node.Inode)], LeaseMode.Write, TimeSpan.Zero, cancellation)
            .ConfigureAwait(false);
        for (var i = 0; i < wanted.Count; i++)
        {
            Learn(wanted[i].Node, wanted[i].Stamp, leases[i].Attributes);
        }

        lock (node.Gate)
        {
            return MayChange(node);
        }
    }

    /// <summary>A glance: looked at again under its gate.</summary>
    private bool IsRemoved(InodeId inode) => _nodes.TryGetValue(inode, out var node) && node.IsRemoved;

    private static VfsFile? FileOf(VfsNode node)
    {
        lock (node.Gate)
        {
            return node.File;
        }
    }

    private static GateSet Gates(params ReadOnlySpan<VfsNode?> nodes)
    {
        HashSet<VfsNode> taken = [];
        foreach (var node in nodes)
        {
            if (node != null && taken.Add(node))
            {
                node.Gate.Enter();
            }
        }

        return new GateSet(taken);
    }

    private readonly struct GateSet(HashSet<VfsNode> taken) : IDisposable
    {
        public void Dispose()
        {
            foreach (var node in taken)
            {
                node.Gate.Exit();
            }
        }
    }
}
