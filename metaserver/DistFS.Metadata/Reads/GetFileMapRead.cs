using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Reads;

/// <summary>Where the bytes of a file are: what a reader needs before it goes to the chunk servers.</summary>
public static class GetFileMapRead
{
    /// <summary>
    /// A page of the map. <see cref="FsStatus.BadHandle"/>: the session has it not open for reading or writing under
    /// that handle (who writes a part of a chunk that another file shares has to copy the rest);
    /// <see cref="FsStatus.AccessDenied"/>: without a handle, the caller may not read it now; else as
    /// <see cref="FileMaps.Read"/>.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, GetFileMapRequest request, out FileMap map)
    {
        ArgumentNullException.ThrowIfNull(request);
        map = new FileMap();
        var id = new InodeId(request.Inode);
        if (request.HasHandle)
        {
            if (!context.Tree.TryGetOpen(id, context.Client, request.Handle, out var access)
                || (access & (Access.Read | Access.Write)) == 0)
            {
                return FsStatus.BadHandle;
            }
        }
        else if (AccessRead.Apply(context, id, Access.Read) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        return FileMaps.Read(context.Tree, id, request.FromIndex, out map);
    }
}
