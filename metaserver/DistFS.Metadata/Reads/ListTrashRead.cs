using DistFS.Metadata.Ops;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metadata.Reads;

/// <summary>A page of what is in the trash.</summary>
public static class ListTrashRead
{
    /// <summary>Most entries of a page.</summary>
    public const int EntriesMax = 1_024;

    /// <summary>
    /// Of a directory, for whoever may list it and look its names up; it may be in the trash itself. Of all
    /// directories, for root (<see cref="FsStatus.NotPermitted"/>). <see cref="FsStatus.NotFound"/>: there is no such
    /// directory; <see cref="FsStatus.NotADirectory"/>; <see cref="FsStatus.AccessDenied"/>;
    /// <see cref="FsStatus.Invalid"/>: the page has a size of 0, or above <see cref="EntriesMax"/>.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, ListTrashRequest request, TrashPage page)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(page);
        if (request.EntriesMax is 0 or > EntriesMax)
        {
            return FsStatus.Invalid;
        }

        var (count, after) = ((int)request.EntriesMax, new InodeId(request.AfterInode));
        var directory = new InodeId(request.Directory);
        if (WhyRefused(context, directory) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        var found = directory == default
            ? context.Tree.TrashAfter(request.AfterPurge, after, count + 1)
            : context.Tree.TrashOf(directory, after, count + 1);
        foreach (var id in found.Take(count))
        {
            page.Entries.Add(Entry(context, id));
        }

        page.IsEnd = found.Count <= count;
        return FsStatus.Ok;
    }

    private static FsStatus WhyRefused(in ReadContext context, InodeId directory)
    {
        if (directory == default)
        {
            return context.Caller.IsRoot ? FsStatus.Ok : FsStatus.NotPermitted;
        }

        return !context.Tree.TryGet(directory, out var row) ? FsStatus.NotFound
            : !row.IsDirectory ? FsStatus.NotADirectory
            : !context.Caller.May(context.Tree, Access.Read | Access.Execute, directory, row) ? FsStatus.AccessDenied
            : FsStatus.Ok;
    }

    private static TrashEntry Entry(in ReadContext context, InodeId id)
    {
        // A row without its inode: the state is broken.
        Check.That(context.Tree.TryGet(id, out var inode));
        Check.That(context.Tree.TryGetTrash(inode.Parent, id, out var trash));
        return new TrashEntry
        {
            Attributes = Replies.ToAttributes(id, inode),
            Parent = inode.Parent.Value,
            Name = ByteString.CopyFrom(trash.Name.Span),
            Removed = Replies.ToTime(trash.Removed),
            RemovedBy = trash.RemovedBy,
            Purge = trash.Purge,
        };
    }
}
