using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>Rows as messages.</summary>
internal static class Replies
{
    /// <summary>Puts the attributes of an inode into a reply, as they are now.</summary>
    public static FsStatus Tell(this OperationReply reply, in MetadataContext context, InodeId id)
    {
        Check.That(context.Tree.TryGet(id, out var row));
        reply.Attributes = ToAttributes(id, row);
        return FsStatus.Ok;
    }

    /// <summary>An inode as stat(2) shows it.</summary>
    public static Attributes ToAttributes(InodeId id, in InodeRow row) => new()
    {
        Inode = id.Value,
        Kind = (uint)row.Kind,
        Mode = row.Mode,
        Uid = row.Uid,
        Gid = row.Gid,
        Links = row.Links,
        Size = (ulong)row.Size,
        Allocated = (ulong)row.Allocated,
        Device = row.Device,
        AccessTime = ToTime(row.AccessTime),
        ModifyTime = ToTime(row.ModifyTime),
        ChangeTime = ToTime(row.ChangeTime),
        BirthTime = ToTime(row.BirthTime),
        HasAccessAcl = (row.Flags & InodeFlags.AccessAcl) != 0,
        HasDefaultAcl = (row.Flags & InodeFlags.DefaultAcl) != 0,
        HasXattrs = row.XattrNamesBytes > 0,
        HasQuota = row.Domain != default,
    };

    /// <summary>A chunk at a place of a file: what the file has there, or its replacement.</summary>
    public static ChunkInfo ToChunkInfo(ChunkTable chunks, ulong index, in MapRow place, ChunkId id)
    {
        var chunk = chunks.Get(id);
        var info = new ChunkInfo
        {
            Index = index,
            Chunk = id.Value,
            Version = chunk.Version.Value,
            Length = id == place.Chunk ? Math.Min(place.Limit, chunk.Length) : chunk.Length,
            StoredLength = chunk.Length,
            KeepsBeyond = chunk.Kept > 0,
            DecidedIn = chunk.DecidedIn.Value,
            Sealed = chunk.State == ChunkState.Sealed,
            Replacement = id == place.Replacement,
            Goal = chunk.Goal,
        };
        // Whose copies do not count are no part of the chain; where none does, they say so themselves.
        foreach (var server in chunk.Asked)
        {
            info.Servers.Add(server.Value);
        }

        return info;
    }

    /// <summary>A time as a message.</summary>
    public static Time ToTime(FileTime time) => new() { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
}
