using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// rename (POSIX) and renameat2 (Linux): a name moves, in the place of another if there is one, or two change places;
/// at no moment is either missing.
/// </summary>
internal static class RenameOperation
{
    public static FsStatus Apply(in MetadataContext context, RenameRequest request)
    {
        var from = new Place(new InodeId(request.FromParent), request.FromName.Memory);
        var to = new Place(new InodeId(request.ToParent), request.ToName.Memory);
        if (request.NoReplace && request.Exchange)
        {
            return FsStatus.Invalid;
        }

        if (Open(context, from, mustExist: true) is not FsStatus.Ok and var badFrom)
        {
            return badFrom;
        }

        if (Open(context, to, mustExist: request.Exchange) is not FsStatus.Ok and var badTo)
        {
            return badTo;
        }

        if (to.Exists && request.NoReplace)
        {
            return FsStatus.AlreadyExists;
        }

        // Two names of one file: POSIX wants nothing to happen.
        if (to.Exists && to.Dentry.Inode == from.Dentry.Inode)
        {
            return FsStatus.Ok;
        }

        if (WhyRefused(context, from, to, request.Exchange) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        var status = request.Exchange ? EnterBoth(context, from, to) : Enter(context, from, to);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (request.Exchange)
        {
            Exchange(context, from, to);
        }
        else
        {
            Move(context, from, to);
        }

        return FsStatus.Ok;
    }

    private static FsStatus Open(in MetadataContext context, Place place, bool mustExist)
    {
        if (Directories.OpenForChange(context, place.ParentId, out var parent) is not FsStatus.Ok and var closed)
        {
            return closed;
        }

        place.Parent = parent;
        var status = Directories.Find(context, place.ParentId, place.Name.Span, out var dentry, out var inode);
        if (status is not (FsStatus.Ok or FsStatus.NotFound) || (status == FsStatus.NotFound && mustExist))
        {
            return status;
        }

        (place.Exists, place.Dentry, place.Inode) = (status == FsStatus.Ok, dentry, inode);
        return place.Name.IsEmpty || parent.Links == 0 ? FsStatus.NotFound
            : place.Exists && !context.Caller.MayRemove(parent, inode) ? FsStatus.NotPermitted
            : FsStatus.Ok;
    }

    private static FsStatus WhyRefused(in MetadataContext context, Place from, Place to, bool isExchange)
    {
        var isElsewhere = from.ParentId != to.ParentId;
        if (isElsewhere && !Teeth.Has(PlantedBug.RenameMakesCycle)
            && (IsBelow(context, to.ParentId, from) || (isExchange && IsBelow(context, from.ParentId, to))))
        {
            return FsStatus.Invalid;
        }

        if (!isExchange && to.Exists)
        {
            if (from.Inode.IsDirectory != to.Inode.IsDirectory)
            {
                return to.Inode.IsDirectory ? FsStatus.IsADirectory : FsStatus.NotADirectory;
            }

            if (to.Inode is { IsDirectory: true, Entries: > 0 })
            {
                return FsStatus.NotEmpty;
            }
        }

        // Another parent is a change of the directory itself.
        if (isElsewhere && ((from.Inode.IsDirectory && !context.May(Access.Write, from.Dentry.Inode, from.Inode))
            || (isExchange && to.Inode.IsDirectory && !context.May(Access.Write, to.Dentry.Inode, to.Inode))))
        {
            return FsStatus.AccessDenied;
        }

        return FsStatus.Ok;
    }

    /// <summary>What stands at one place goes to the quota of the other.</summary>
    private static FsStatus Enter(in MetadataContext context, Place what, Place where)
    {
        var inode = what.Inode;
        var crosses = what.Parent.Domain != where.Parent.Domain;
        var status = Domains.Enter(context.Tree, what.Dentry.Inode, ref inode, where.Parent.Domain, crosses);
        what.Inode = inode;
        return status;
    }

    /// <summary>
    /// Two that change places: in a quota that is full there is room for the one, since the other leaves.
    /// </summary>
    private static FsStatus EnterBoth(in MetadataContext context, Place from, Place to)
    {
        // A domain that has a directory stays, whatever leaves it for a moment.
        var makesRoom = !to.Inode.IsDirectory && to.Inode.Domain == to.Parent.Domain;
        if (makesRoom)
        {
            Domains.Charge(context.Tree, to.Inode.Domain, -1, -to.Inode.Allocated);
        }

        var status = Enter(context, from, to);
        if (makesRoom)
        {
            Domains.Charge(context.Tree, to.Inode.Domain, 1, to.Inode.Allocated);
        }

        return status == FsStatus.Ok ? Enter(context, to, from) : status;
    }

    /// <summary>Whether a directory is what the place names, or below it.</summary>
    private static bool IsBelow(in MetadataContext context, InodeId directory, Place place)
    {
        if (!place.Exists || !place.Inode.IsDirectory)
        {
            return false;
        }

        for (var at = directory; at != InodeId.Root;)
        {
            if (at == place.Dentry.Inode)
            {
                return true;
            }

            Check.That(context.Tree.TryGet(at, out var row) && row.IsDirectory);
            at = row.Parent;
        }

        return false;
    }

    private static void Move(in MetadataContext context, Place from, Place to)
    {
        var tree = context.Tree;
        if (to.Exists && !Teeth.Has(PlantedBug.LinksWrongOnReplace))
        {
            Directories.LoseName(context, to.Dentry.Inode, to.Inode, to.ParentId, to.Name.Span);
        }

        tree.RemoveName(from.ParentId, from.Name.Span);
        tree.PutName(to.ParentId, to.Name.Span, from.Dentry);
        tree.Put(from.Dentry.Inode, Moved(from.Inode, to.ParentId, context.Now));
        Count(context, from.ParentId, -1, from.Inode.IsDirectory ? -1 : 0);
        Count(context, to.ParentId, to.Exists ? 0 : 1,
            (from.Inode.IsDirectory ? 1 : 0) - (to.Exists && to.Inode.IsDirectory ? 1 : 0));
    }

    private static void Exchange(in MetadataContext context, Place from, Place to)
    {
        var tree = context.Tree;
        tree.PutName(to.ParentId, to.Name.Span, from.Dentry);
        tree.PutName(from.ParentId, from.Name.Span, to.Dentry);
        tree.Put(from.Dentry.Inode, Moved(from.Inode, to.ParentId, context.Now));
        tree.Put(to.Dentry.Inode, Moved(to.Inode, from.ParentId, context.Now));
        var subdirectories = (from.Inode.IsDirectory ? 1 : 0) - (to.Inode.IsDirectory ? 1 : 0);
        Count(context, from.ParentId, 0, -subdirectories);
        Count(context, to.ParentId, 0, subdirectories);
    }

    private static InodeRow Moved(in InodeRow inode, InodeId parent, FileTime now) =>
        inode with { Parent = inode.IsDirectory ? parent : default, ChangeTime = now };

    // Read anew: both parents may be one directory.
    private static void Count(in MetadataContext context, InodeId id, int entries, int subdirectories)
    {
        Check.That(context.Tree.TryGet(id, out var row));
        context.Tree.Put(id, row.Changed(entries, subdirectories, context.Now));
    }

    /// <summary>One end of a rename.</summary>
    private sealed class Place(InodeId parentId, ReadOnlyMemory<byte> name)
    {
        public InodeId ParentId => parentId;

        public ReadOnlyMemory<byte> Name => name;

        public InodeRow Parent { get; set; }

        public bool Exists { get; set; }

        public DentryRow Dentry { get; set; }

        public InodeRow Inode { get; set; }
    }
}
