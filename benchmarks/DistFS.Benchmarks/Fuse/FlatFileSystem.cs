using System.Buffers.Text;
using System.Globalization;
using System.Text;
using DistFS.Fuse;

namespace DistFS.Benchmarks.Fuse;

/// <summary>
/// One directory in which every name exists that is a letter and a number, answered inline and without allocation:
/// what is left is the protocol and the kernel. "n7" is looked up each time, "c7" stays cached, "w7" does not exist
/// until it is created, "big" has content. What is written is dropped.
/// </summary>
/// <param name="isPosix">FLUSH and GETXATTR are answered, so that the kernel asks on: it has to ask a file system that
/// has locks of processes and capabilities of files.</param>
internal sealed class FlatFileSystem(bool isPosix) : IFuseFileSystem, IFuseFiles, IFuseDirectories, IFuseXattrs
{
    public const int Names = 20_000;
    public const long BigBytes = 1L << 30;
    private const ulong Root = 1;
    private const ulong Big = 2;
    private const ulong FirstOfLetter = 1UL << 32;
    private const uint FileMode = 0x81A4;
    private const uint DirectoryMode = 0x41ED;
    private const ulong Long = 100_000;

    private readonly byte[] _content = GC.AllocateArray<byte>(1 << 20, pinned: true);
    private readonly byte[][] _names =
    [
        .. Enumerable.Range(0, Names)
            .Select(i => Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture))),
    ];

    public void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply)
    {
        var node = Parse(name.Span);
        if (node == 0 || name.Span[0] == 'w')
        {
            reply.Fail(Errno.ENOENT);
            return;
        }

        reply.Ok(Entry(node, name.Span[0] == 'n' ? 0 : Long));
    }

    public void Forget(ulong node, ulong count)
    {
        // Nothing is kept per node.
    }

    public void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply) =>
        reply.Ok(new FuseAttrOut { ValidSeconds = Long, Attr = Attributes(node) });

    public void SetAttr(ulong node, in FuseSetAttrIn arguments, AttrReply reply) =>
        reply.Ok(new FuseAttrOut { ValidSeconds = Long, Attr = Attributes(node) });

    public void Open(ulong node, in FuseOpenIn arguments, OpenReply reply) => reply.Ok(default);

    public void Create(ulong parent, in FuseCreateIn arguments, ReadOnlyMemory<byte> name, CreateReply reply) =>
        reply.Ok(Entry(Parse(name.Span), 0), default);

    public void Read(ulong node, in FuseReadIn arguments, DataReply reply) =>
        reply.Ok(_content.AsSpan(0, (int)Math.Clamp(BigBytes - (long)arguments.Offset, 0, arguments.Size)));

    public void Write(ulong node, in FuseWriteIn arguments, ReadOnlyMemory<byte> data, WriteReply reply) =>
        reply.Ok((uint)data.Length);

    public void Flush(ulong node, in FuseFlushIn arguments, EmptyReply reply)
    {
        if (isPosix)
        {
            reply.Ok();
        }
        else
        {
            reply.Fail(Errno.ENOSYS);
        }
    }

    public void GetXattr(ulong node, ReadOnlyMemory<byte> name, XattrReply reply) =>
        reply.Fail(isPosix ? Errno.ENODATA : Errno.ENOSYS);

    public void Fsync(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => reply.Ok();

    public void Release(ulong node, in FuseReleaseIn arguments, EmptyReply reply) => reply.Ok();

    public void OpenDir(ulong node, in FuseOpenIn arguments, OpenReply reply) => reply.Ok(default);

    public void ReadDir(ulong node, in FuseReadIn arguments, DirectoryReply reply)
    {
        for (var i = (int)arguments.Offset; i < Names; i++)
        {
            if (!reply.TryAdd(FirstOfLetter + (ulong)i, (ulong)i + 1, FileMode, _names[i]))
            {
                break;
            }
        }

        reply.Ok();
    }

    public void FsyncDir(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => reply.Ok();

    public void ReleaseDir(ulong node, in FuseReleaseIn arguments, EmptyReply reply) => reply.Ok();

    private static ulong Parse(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("big"u8))
        {
            return Big;
        }

        return Utf8Parser.TryParse(name[1..], out uint number, out var used) && used == name.Length - 1
            ? (name[0] * FirstOfLetter) + number
            : 0;
    }

    private static FuseEntryOut Entry(ulong node, ulong entrySeconds) => new()
    {
        NodeId = node,
        EntryValidSeconds = entrySeconds,
        AttrValidSeconds = Long,
        Attr = Attributes(node),
    };

    private static FuseAttr Attributes(ulong node) => new()
    {
        Inode = node,
        Mode = node == Root ? DirectoryMode : FileMode,
        Links = 1,
        Size = node == Big ? (ulong)BigBytes : 0,
        BlockBytes = 4096,
    };
}
