using DistFS.Metadata.Acls;
using DistFS.Metadata.Opens;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>open with O_CREAT, mkdir, mknod, symlink (POSIX): a new inode under a new name.</summary>
internal static class MakeOperation
{
    private const int TargetBytesMax = 4095;

    public static FsStatus Apply(in MetadataContext context, MakeRequest request, OperationReply reply)
    {
        var kind = (InodeKind)request.Kind;
        var parentId = new InodeId(request.Parent);
        if (WhyRefused(request, kind) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        var tree = context.Tree;
        var name = request.Name.Span;
        if (Directories.OpenForLookup(context, parentId, out var parent) is not FsStatus.Ok and var closed)
        {
            return closed;
        }

        // Before the right to write: POSIX leaves the order open, and Linux says EEXIST.
        if (tree.TryFind(parentId, name, out var existing))
        {
            return request.OrExisting && existing.Kind == InodeKind.File
                ? Existing(context, existing.Inode, request, reply) : FsStatus.AlreadyExists;
        }

        if (!context.May(Access.Write, parentId, parent))
        {
            return FsStatus.AccessDenied;
        }

        if (kind is InodeKind.CharacterDevice or InodeKind.BlockDevice && !context.Caller.IsRoot)
        {
            return FsStatus.NotPermitted;
        }

        // A directory that was removed while somebody still has it open.
        if (parent.Links == 0)
        {
            return FsStatus.NotFound;
        }

        if (Domains.TryCharge(tree, parent.Domain, 1, 0) is not FsStatus.Ok and var full)
        {
            return full;
        }

        var id = request.Inode == 0 ? tree.NextInode() : new InodeId(request.Inode);
        if (request.Inode != 0 && tree.Take(context.Client, id) is not FsStatus.Ok and var foreign)
        {
            return foreign;
        }

        var inode = NewInode(context, request, kind, id, parentId, parent);
        tree.Put(id, inode);
        if (request.Open != null
            && OpenFiles.Begin(context, id, inode, request.Open) is not FsStatus.Ok and var tooMany)
        {
            return tooMany;
        }

        if (kind == InodeKind.SymbolicLink)
        {
            tree.PutContent(id, request.Target.Span);
        }

        tree.PutName(parentId, name, new DentryRow(id, kind));
        tree.Put(parentId, parent.Changed(1, inode.IsDirectory ? 1 : 0, context.Now));
        return reply.Tell(context, id);
    }

    private static FsStatus Existing(
        in MetadataContext context, InodeId id, MakeRequest request, OperationReply reply)
    {
        if (request.Open != null)
        {
            Check.That(context.Tree.TryGet(id, out var inode));
            if (OpenFiles.WhyRefused(context, id, inode, request.Open) is not FsStatus.Ok and var refused)
            {
                return refused;
            }

            if (OpenFiles.Begin(context, id, inode, request.Open) is not FsStatus.Ok and var tooMany)
            {
                return tooMany;
            }
        }

        return reply.Tell(context, id);
    }

    private static FsStatus WhyRefused(MakeRequest request, InodeKind kind)
    {
        if (Names.Check(request.Name.Span) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        var target = request.Target.Span;
        return !Enum.IsDefined(kind) || (request.Mode & ~Modes.All) != 0 ? FsStatus.Invalid
            : request.Open != null && (kind != InodeKind.File || OpenFiles.Validate(request.Open) != FsStatus.Ok)
                ? FsStatus.Invalid
            : (request.OrExisting && kind != InodeKind.File)
                || (request.Device != 0 && kind is not (InodeKind.CharacterDevice or InodeKind.BlockDevice))
                ? FsStatus.Invalid
            : kind != InodeKind.SymbolicLink ? (target.IsEmpty ? FsStatus.Ok : FsStatus.Invalid)
            : target.IsEmpty ? FsStatus.NotFound
            : target.Length > TargetBytesMax ? FsStatus.NameTooLong
            : target.Contains((byte)0) ? FsStatus.Invalid
            : FsStatus.Ok;
    }

    private static InodeRow NewInode(
        in MetadataContext context,
        MakeRequest request,
        InodeKind kind,
        InodeId id,
        InodeId parentId,
        in InodeRow parent)
    {
        var isDirectory = kind == InodeKind.Directory;
        var isLink = kind == InodeKind.SymbolicLink;
        var parentDefault = isLink ? null : context.Tree.DefaultAcl(parentId, parent);

        // Nobody asks for the permission bits of a symbolic link, and no umask changes them.
        var (mode, acl) = AclInheritance.Inherit(parentDefault, request.Mode, isLink ? 0 : request.Umask);
        var gid = context.Caller.Gid;
        if ((parent.Mode & Modes.SetGid) != 0)
        {
            gid = parent.Gid;
            mode |= isDirectory ? Modes.SetGid : 0;

            // Nobody makes a program that runs as a group which he is not in.
            if (!isDirectory && (mode & Modes.GroupExecute) != 0 && !context.Caller.IsRoot && !context.Caller.IsIn(gid))
            {
                mode &= ~Modes.SetGid;
            }
        }

        var inode = new InodeRow
        {
            Kind = kind,
            Mode = mode,
            Uid = context.Caller.Uid,
            Gid = gid,
            Links = isDirectory ? 2u : 1,
            Size = request.Target.Length,
            Device = request.Device,
            Parent = isDirectory ? parentId : default,
            Domain = parent.Domain,
            GoalReplicas = kind is InodeKind.File or InodeKind.Directory ? parent.GoalReplicas : (byte)0,
            GoalAnyRack = kind is InodeKind.File or InodeKind.Directory && parent.GoalAnyRack,
            AccessTime = context.Now,
            ModifyTime = context.Now,
            ChangeTime = context.Now,
            BirthTime = context.Now,
        };
        inode = acl == null ? inode : context.Tree.PutAccessAcl(id, inode, acl);
        return isDirectory && parentDefault != null ? context.Tree.PutDefaultAcl(id, inode, parentDefault) : inode;
    }
}
