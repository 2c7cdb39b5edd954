using DistFS.Metadata.Ops;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metadata.Content;

/// <summary>Where the bytes of a file are, for readers.</summary>
public static class FileMaps
{
    /// <summary>Places in a page.</summary>
    public const int PageMax = 1024;

    /// <summary>
    /// A page of the map of a regular file, from a place on; whether the caller may read it was checked when it was
    /// opened. ENOENT: there is no such inode. EISDIR, EINVAL: it is no regular file. ESTALE:
    /// it has neither a name nor an open.
    /// </summary>
    public static FsStatus Read(Tree tree, InodeId inode, ulong from, out FileMap map)
    {
        ArgumentNullException.ThrowIfNull(tree);
        map = new FileMap();
        if (!tree.TryGet(inode, out var row))
        {
            return FsStatus.NotFound;
        }

        if (row.Kind != InodeKind.File)
        {
            return row.IsDirectory ? FsStatus.IsADirectory : FsStatus.Invalid;
        }

        if (row is { Links: 0, Opens: 0 })
        {
            return FsStatus.Stale;
        }

        map.Size = (ulong)row.Size;
        if (from == 0 && tree.Content(inode) is { } bytes)
        {
            map.Data = UnsafeByteOperations.UnsafeWrap(bytes);
        }

        var hasTrim = tree.Chunks.TryGetTrim(inode, out var trim);
        var places = tree.Chunks.Places(inode, from, row.ChunkEnd, PageMax + 1);
        foreach (var (index, place) in places.Take(PageMax))
        {
            if (!(hasTrim && trim.Covers(index, place)) && tree.Chunks.LengthOf(place) > 0)
            {
                map.Chunks.Add(Replies.ToChunkInfo(tree.Chunks, index, place, place.Chunk));
            }
        }

        map.NextIndex = places.Count > PageMax ? places[PageMax].Index : 0;
        return FsStatus.Ok;
    }
}
