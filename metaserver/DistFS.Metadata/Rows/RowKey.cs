using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Metadata.Rows;

/// <summary>Which table a row is in: the first byte of its key (docs/design/metadata.md).</summary>
public enum RowTable : byte
{
    /// <summary>An access control list of an inode.</summary>
    Acl = (byte)'A',

    /// <summary>Content of a small file, or the target of a symbolic link.</summary>
    Content = (byte)'B',

    /// <summary>A chunk of a file.</summary>
    Map = (byte)'C',

    /// <summary>A name in a directory.</summary>
    Dentry = (byte)'D',

    /// <summary>A session that is over, and of which there are rows yet.</summary>
    EndedSession = (byte)'E',

    /// <summary>A session that was ended early, and whose client may believe its leases yet.</summary>
    EndedHolder = (byte)'e',

    /// <summary>A copy that a chunk server has to delete.</summary>
    Garbage = (byte)'G',

    /// <summary>A chunk server.</summary>
    Server = (byte)'H',

    /// <summary>The chunk server of a data folder.</summary>
    ServerStore = (byte)'h',

    /// <summary>An inode.</summary>
    Inode = (byte)'I',

    /// <summary>A metaserver that was admitted or removed.</summary>
    Member = (byte)'J',

    /// <summary>The metaserver of a data folder.</summary>
    MemberStore = (byte)'j',

    /// <summary>Inode numbers that a session has reserved.</summary>
    InodeRange = (byte)'n',

    /// <summary>The locks of an inode.</summary>
    Locks = (byte)'L',

    /// <summary>A chunk.</summary>
    Chunk = (byte)'K',

    /// <summary>What there is one of.</summary>
    Meta = (byte)'M',

    /// <summary>A client's session.</summary>
    Session = (byte)'N',

    /// <summary>An inode with neither a name nor an open.</summary>
    Orphan = (byte)'O',

    /// <summary>The session that a call to open one has begun.</summary>
    SessionNonce = (byte)'o',

    /// <summary>An open of an inode.</summary>
    Open = (byte)'P',

    /// <summary>The quota of a directory.</summary>
    Quota = (byte)'Q',

    /// <summary>The reply of a client's request.</summary>
    Reply = (byte)'R',

    /// <summary>A directory that the walk of quotas has to look at.</summary>
    QuotaWalk = (byte)'W',

    /// <summary>A copy of a chunk that is under way.</summary>
    CopyAssignment = (byte)'Y',

    /// <summary>How long what is removed in a directory is kept.</summary>
    Retention = (byte)'r',

    /// <summary>Something in the trash, in the order in which it goes for good.</summary>
    Trash = (byte)'T',

    /// <summary>Something in the trash, by where it was.</summary>
    TrashEntry = (byte)'t',

    /// <summary>How much a session has open and locked.</summary>
    SessionUse = (byte)'U',

    /// <summary>An extended attribute of an inode.</summary>
    Xattr = (byte)'X',

    /// <summary>An inode of which a session has or wants a lock.</summary>
    SessionLock = (byte)'l',

    /// <summary>An inode that a session has open.</summary>
    SessionOpen = (byte)'p',

    /// <summary>An inode of which an owner wants a lock.</summary>
    LockWait = (byte)'w',

    /// <summary>A chunk of a server.</summary>
    Replica = (byte)'S',

    /// <summary>Chunks that a truncation left behind.</summary>
    Trim = (byte)'Z',
}

/// <summary>
/// A key, built on the stack: a letter for the table, big-endian numbers, then bytes as they are, so that keys sort as
/// what they mean.
/// </summary>
public ref struct RowKey
{
    /// <summary>Longest key, in bytes: table, two numbers and a name.</summary>
    public const int BytesMax = 1 + (2 * sizeof(ulong)) + NameBytesMax;

    /// <summary>Longest name, in bytes (POSIX NAME_MAX on Linux).</summary>
    public const int NameBytesMax = 255;

    private readonly Span<byte> _bytes;
    private int _length;

    /// <summary>Starts a key in a buffer of at least <see cref="BytesMax"/> bytes.</summary>
    public RowKey(Span<byte> buffer, RowTable table)
    {
        _bytes = buffer;
        _bytes[0] = (byte)table;
        _length = 1;
    }

    /// <summary>The key so far.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _bytes[.._length];

    /// <summary>Appends a number.</summary>
    public void Add(ulong number)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_bytes[_length..], number);
        _length += sizeof(ulong);
    }

    /// <summary>Appends bytes; only the last part may have any length.</summary>
    public void Add(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes[_length..]);
        _length += bytes.Length;
    }

    /// <summary>The key of an inode's row.</summary>
    public static ReadOnlySpan<byte> Of(Span<byte> buffer, RowTable table, InodeId inode)
    {
        var key = new RowKey(buffer, table);
        key.Add(inode.Value);
        return key.Bytes;
    }

    /// <summary>The first number of a key: an inode, in most tables.</summary>
    public static InodeId InodeOf(ReadOnlySpan<byte> key) => new(BinaryPrimitives.ReadUInt64BigEndian(key[1..]));

    /// <summary>The second number of a key: a name's hash.</summary>
    public static ulong CookieOf(ReadOnlySpan<byte> key) =>
        BinaryPrimitives.ReadUInt64BigEndian(key[(1 + sizeof(ulong))..]);

    /// <summary>What follows two numbers: a name.</summary>
    public static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> key) => key[(1 + (2 * sizeof(ulong)))..];

    /// <summary>The first key after all that start so: the end of a scan of them.</summary>
    public static ReadOnlySpan<byte> After(Span<byte> buffer, ReadOnlySpan<byte> prefix)
    {
        prefix.CopyTo(buffer);
        var length = prefix.Length;

        // 255 has no successor, and the letter of a table is lower.
        for (; buffer[length - 1] == byte.MaxValue; length--)
        {
        }

        buffer[length - 1]++;
        return buffer[..length];
    }

    /// <summary>A key of two numbers.</summary>
    public static ReadOnlySpan<byte> Of(Span<byte> buffer, RowTable table, ulong first, ulong second)
    {
        var key = new RowKey(buffer, table);
        key.Add(first);
        key.Add(second);
        return key.Bytes;
    }

    /// <summary>The key of what there is one of.</summary>
    public static ReadOnlySpan<byte> OfMeta(Span<byte> buffer, ReadOnlySpan<byte> name)
    {
        var key = new RowKey(buffer, RowTable.Meta);
        key.Add(name);
        return key.Bytes;
    }

    /// <summary>The key of a name.</summary>
    public static ReadOnlySpan<byte> OfDentry(
        Span<byte> buffer, InodeId directory, ulong cookie, ReadOnlySpan<byte> name)
    {
        var key = new RowKey(buffer, RowTable.Dentry);
        key.Add(directory.Value);
        key.Add(cookie);
        key.Add(name);
        return key.Bytes;
    }

    /// <summary>The key of an access control list.</summary>
    public static ReadOnlySpan<byte> OfAcl(Span<byte> buffer, InodeId inode, AclKind kind)
    {
        var key = new RowKey(buffer, RowTable.Acl);
        key.Add(inode.Value);
        key.Add([(byte)kind]);
        return key.Bytes;
    }

    /// <summary>The key of an extended attribute.</summary>
    public static ReadOnlySpan<byte> OfXattr(Span<byte> buffer, InodeId inode, ReadOnlySpan<byte> name)
    {
        var key = new RowKey(buffer, RowTable.Xattr);
        key.Add(inode.Value);
        key.Add(name);
        return key.Bytes;
    }

    /// <summary>The name in the key of an extended attribute.</summary>
    public static ReadOnlySpan<byte> XattrNameOf(ReadOnlySpan<byte> key) => key[(1 + sizeof(ulong))..];

    /// <summary>The key of an open, by its inode or by its session.</summary>
    public static ReadOnlySpan<byte> OfOpen(Span<byte> buffer, RowTable table, ulong first, ulong second, ulong handle)
    {
        var key = new RowKey(buffer, table);
        key.Add(first);
        key.Add(second);
        key.Add(handle);
        return key.Bytes;
    }

    /// <summary>The third number of a key: an open's handle.</summary>
    public static ulong HandleOf(ReadOnlySpan<byte> key) =>
        BinaryPrimitives.ReadUInt64BigEndian(key[(1 + (2 * sizeof(ulong)))..]);
}
