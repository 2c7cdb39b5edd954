using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Names;

/// <summary>Pages of a directory, as <c>ReadDirectoryReply</c> lays them out.</summary>
internal static class DirectoryLister
{
    private const int LineBytes = 8 + 8 + 1 + 1 + 2;
    private const int AttributesBytes = (4 * 4) + (3 * 8) + (4 * 12);
    private const byte HasAttributes = 1;
    private const uint PageBytes = 256 << 10;

    /// <summary>Everything in a directory, without '.' and '..'.</summary>
    public static async IAsyncEnumerable<DirectoryItem> ListAsync(
        MetadataChannel channel,
        ulong session,
        InodeId directory,
        string path,
        bool withStatus,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var (after, isEnd) = (0UL, false); !isEnd;)
        {
            var page = await ReadAsync(
                channel,
                new ReadDirectoryRequest
                {
                    Directory = directory.Value,
                    After = after,
                    WithAttributes = withStatus,
                    EntriesMax = 4096,
                    BytesMax = PageBytes,
                    Client = session,
                },
                cancellation).ConfigureAwait(false);
            FileErrors.Ensure((int)page.Status, path);
            (after, isEnd) = (page.Entries.Count > 0 ? page.Entries[^1].Cookie : after, page.IsEnd);
            foreach (var (_, item) in page.Entries)
            {
                if (item.Name is not ("." or ".."))
                {
                    yield return item;
                }
            }
        }
    }

    /// <summary>A page, with '.' and '..'.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public static async Task<DirectoryPage> ReadAsync(
        MetadataChannel channel, ReadDirectoryRequest request, CancellationToken cancellation)
    {
        using var reply = await channel.ReadDirectoryAsync(request, cancellation).ConfigureAwait(false);
        var entries = new List<DirectoryEntry>((int)reply.Message.Entries);
        var cookie = request.After;
        for (var rest = reply.Payload.Span; !rest.IsEmpty;)
        {
            var item = Read(ref rest, ref cookie);
            entries.Add(new DirectoryEntry(cookie, item));
        }

        return new DirectoryPage((FsStatus)reply.Message.Status, entries, reply.Message.IsEnd);
    }

    private static DirectoryItem Read(ref ReadOnlySpan<byte> rest, ref ulong cookie)
    {
        cookie = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        var inode = new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]));
        var kind = (FileKind)rest[16];
        var flags = rest[17];
        var nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[18..]);
        rest = rest[LineBytes..];
        FileStatus? status = null;
        if ((flags & HasAttributes) != 0)
        {
            status = ReadStatus(rest, inode, kind);
            rest = rest[AttributesBytes..];
        }

        var name = rest[..nameBytes].ToArray();
        rest = rest[nameBytes..];
        return new DirectoryItem(PathName.TextOf(name), name, inode, kind, status);
    }

    private static FileStatus ReadStatus(ReadOnlySpan<byte> at, InodeId inode, FileKind kind) => new()
    {
        Inode = inode,
        Kind = kind,
        Mode = BinaryPrimitives.ReadUInt32LittleEndian(at),
        Uid = BinaryPrimitives.ReadUInt32LittleEndian(at[4..]),
        Gid = BinaryPrimitives.ReadUInt32LittleEndian(at[8..]),
        Links = BinaryPrimitives.ReadUInt32LittleEndian(at[12..]),
        Size = BinaryPrimitives.ReadInt64LittleEndian(at[16..]),
        Allocated = BinaryPrimitives.ReadInt64LittleEndian(at[24..]),
        Device = BinaryPrimitives.ReadUInt64LittleEndian(at[32..]),
        AccessTime = ReadTime(at[40..]),
        ModifyTime = ReadTime(at[52..]),
        ChangeTime = ReadTime(at[64..]),
        BirthTime = ReadTime(at[76..]),
    };

    private static FileTime ReadTime(ReadOnlySpan<byte> at) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(at), BinaryPrimitives.ReadUInt32LittleEndian(at[8..]));
}
