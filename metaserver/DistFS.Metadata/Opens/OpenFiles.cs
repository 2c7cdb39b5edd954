using DistFS.Metadata.Collection;
using DistFS.Metadata.Locks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Opens;

/// <summary>
/// What a session has open. An inode counts its opens; it stays while there is one, with a name or without (POSIX,
/// unlink, close).
/// </summary>
internal static class OpenFiles
{
    /// <summary>Why the caller may not open it so; Ok if he may.</summary>
    public static FsStatus WhyRefused(in MetadataContext context, InodeId id, in InodeRow inode, OpenHandle open)
    {
        var access = (Access)open.Access;

        // Stale, not NotFound: by now another inode may have the name, and the client is to look again.
        return Validate(open) is not FsStatus.Ok and var fault ? fault
            : inode is { Links: 0, Opens: 0 } ? FsStatus.Stale
            : inode.Kind == InodeKind.SymbolicLink ? FsStatus.SymlinkLoop
            : inode.Kind == InodeKind.Socket ? FsStatus.NoSuchDevice
            : inode.IsDirectory && (access & Access.Write) != 0 ? FsStatus.IsADirectory
            : inode.IsDirectory && (access & Access.Execute) != 0 ? FsStatus.AccessDenied
            : context.May(access, id, inode) ? FsStatus.Ok
            : FsStatus.AccessDenied;
    }

    /// <summary>Whether it is something at all.</summary>
    public static FsStatus Validate(OpenHandle open) => open.Access is 0 or > 7 ? FsStatus.Invalid : FsStatus.Ok;

    /// <summary>Most opens of a session: no client fills the state with them.</summary>
    public const uint OpensMax = 65_536;

    /// <summary>
    /// Opens it for the session; under a handle that it has already, with more rights. EMFILE: the session has too much
    /// open.
    /// </summary>
    public static FsStatus Begin(in MetadataContext context, InodeId id, in InodeRow inode, OpenHandle open)
    {
        if (!context.Tree.TryGetOpen(id, context.Client, open.Handle, out var known))
        {
            if (context.Tree.SessionUse(context.Client).Opens >= OpensMax)
            {
                return FsStatus.TooManyOpenFiles;
            }

            context.Tree.ChangeUse(context.Client, opens: 1, locks: 0);
            context.Tree.Put(id, inode with { Opens = checked(inode.Opens + 1) });
        }

        context.Tree.PutOpen(id, context.Client, open.Handle, known | (Access)open.Access);
        return FsStatus.Ok;
    }

    /// <summary>
    /// An open that is there ends; without a name and another open the inode goes (<see cref="Collector.Leave"/>).
    /// </summary>
    public static void End(in MetadataContext context, InodeId id, ClientId client, ulong handle)
    {
        var tree = context.Tree;
        Check.That(tree.TryGet(id, out var inode) && inode.Opens > 0);
        tree.RemoveOpen(id, client, handle);
        tree.ChangeUse(client, opens: -1, locks: 0);
        if (tree.HasLocks(client, id))
        {
            // Of flock those of the open; of fcntl, which are of processes, at the latest those of the last open.
            var isLast = !tree.HasOpen(id, client);
            LockTable.LeaveAll(tree, id, one => one.Owner.Client == client
                && (isLast || (one.Kind == LockKind.Flock && one.Owner.Id == handle)));
        }

        inode = inode with { Opens = inode.Opens - 1 };
        if (inode is { Links: 0, Opens: 0 } && (inode.Flags & InodeFlags.Trashed) == 0)
        {
            Collector.Leave(tree, id, inode);
        }
        else
        {
            tree.Put(id, inode);
        }
    }
}
