using System.Buffers.Binary;
using System.Text;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.TestCluster;

/// <summary>Operations on names as messages, for root.</summary>
public static class Names
{
    /// <summary>The root directory.</summary>
    public const ulong RootDirectory = 1;

    private const uint FileKind = 8;
    private const uint DirectoryKind = 4;
    private const uint FileMode = 0b110_100_100;
    private const uint DirectoryMode = 0b111_101_101;
    private const int LineBytes = 20;
    private const int AttributesBytes = 88;

    /// <summary>Who may do everything.</summary>
    public static Caller Root { get; } = new();

    public static ByteString Of(string name) => ByteString.CopyFromUtf8(name);

    /// <summary>A new file; the name must be free.</summary>
    public static Operation Create(ulong parent, string name) => new()
    {
        Caller = Root,
        Make = new MakeRequest { Parent = parent, Name = Of(name), Kind = FileKind, Mode = FileMode },
    };

    public static Operation MakeDirectory(ulong parent, string name) => new()
    {
        Caller = Root,
        Make = new MakeRequest { Parent = parent, Name = Of(name), Kind = DirectoryKind, Mode = DirectoryMode },
    };

    public static Operation Link(ulong inode, ulong parent, string name) =>
        new() { Caller = Root, Link = new LinkRequest { Inode = inode, Parent = parent, Name = Of(name) } };

    public static Operation Unlink(ulong parent, string name) =>
        new() { Caller = Root, Unlink = new UnlinkRequest { Parent = parent, Name = Of(name) } };

    public static Operation Rename(ulong from, string name, ulong to, string newName) => new()
    {
        Caller = Root,
        Rename = new RenameRequest { FromParent = from, FromName = Of(name), ToParent = to, ToName = Of(newName) },
    };

    public static ReadOperation Lookup(ulong parent, string name) =>
        new() { Lookup = new LookupRequest { Parent = parent, Name = Of(name) } };

    /// <summary>A page of a directory with attributes.</summary>
    public static ReadDirectoryRequest List(ulong directory, ulong after = 0, uint entriesMax = 1000) => new()
    {
        Caller = Root,
        Directory = directory,
        After = after,
        EntriesMax = entriesMax,
        BytesMax = 1 << 20,
        WithAttributes = true,
    };

    /// <summary>Reads a page; '.' and '..' are given too. Returns the cookie of the last line.</summary>
    public static ulong ReadPage(ReadOnlySpan<byte> page, uint entries, Action<string, ulong> take)
    {
        ArgumentNullException.ThrowIfNull(take);
        ulong cookie = 0;
        for (; entries > 0; entries--)
        {
            cookie = BinaryPrimitives.ReadUInt64LittleEndian(page);
            var start = LineBytes + (page[17] == 0 ? 0 : AttributesBytes);
            var name = page.Slice(start, BinaryPrimitives.ReadUInt16LittleEndian(page[18..]));
            take(Encoding.UTF8.GetString(name), BinaryPrimitives.ReadUInt64LittleEndian(page[8..]));
            page = page[(start + name.Length)..];
        }

        Check.That(page.IsEmpty);
        return cookie;
    }

    /// <summary>The cookie of the last line of a page, without looking at the names.</summary>
    public static ulong LastCookie(ReadOnlySpan<byte> page, uint entries)
    {
        ulong cookie = 0;
        for (; entries > 0; entries--)
        {
            cookie = BinaryPrimitives.ReadUInt64LittleEndian(page);
            var start = LineBytes + (page[17] == 0 ? 0 : AttributesBytes);
            page = page[(start + BinaryPrimitives.ReadUInt16LittleEndian(page[18..]))..];
        }

        return cookie;
    }
}
