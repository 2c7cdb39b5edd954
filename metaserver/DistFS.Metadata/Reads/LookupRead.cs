using DistFS.Metadata.Ops;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>A step of pathname resolution (POSIX, 4.16): a name in a directory, '.' and '..' among them.</summary>
public static class LookupRead
{
    /// <summary>
    /// What a name stands for. <see cref="FsStatus.NotFound"/>: there is no such directory or name;
    /// <see cref="FsStatus.NotADirectory"/>; <see cref="FsStatus.AccessDenied"/>: the caller may not search the
    /// directory; <see cref="FsStatus.NameTooLong"/>; <see cref="FsStatus.Invalid"/>: it can be no name.
    /// </summary>
    public static FsStatus Apply(
        in ReadContext context, InodeId directory, ReadOnlySpan<byte> name, out InodeId id, out InodeRow inode)
    {
        (id, inode) = (default, default);
        if (!context.Tree.TryGet(directory, out var row))
        {
            return FsStatus.NotFound;
        }

        if (!row.IsDirectory)
        {
            return FsStatus.NotADirectory;
        }

        if (!context.Caller.May(context.Tree, Access.Execute, directory, row))
        {
            return FsStatus.AccessDenied;
        }

        var isParent = name.SequenceEqual(".."u8);
        if (isParent || name.SequenceEqual("."u8))
        {
            // The parent of a directory that was removed may be gone too.
            id = isParent ? row.Parent : directory;
            return context.Tree.TryGet(id, out inode) ? FsStatus.Ok : FsStatus.NotFound;
        }

        if (Names.Check(name) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        if (!context.Tree.TryFind(directory, name, out var dentry))
        {
            return FsStatus.NotFound;
        }

        id = dentry.Inode;
        Check.That(context.Tree.TryGet(id, out inode));
        return FsStatus.Ok;
    }
}
