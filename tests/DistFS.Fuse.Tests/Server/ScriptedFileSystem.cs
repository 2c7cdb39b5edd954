using System.Collections.Concurrent;

namespace DistFS.Fuse.Tests.Server;

/// <summary>A file system whose handlers are what a test says.</summary>
internal sealed class ScriptedFileSystem : IFuseFileSystem, IFuseFiles, IFuseDirectories, IFuseXattrs, IFuseLocks
{
    public Action<ReadOnlyMemory<byte>, EntryReply> OnLookup { get; set; } = (_, r) => r.Fail(Errno.ENOENT);

    public Action<FuseReadIn, DataReply> OnRead { get; set; } = (_, r) => r.Ok([1, 2, 3]);

    public Action<ReadOnlyMemory<byte>, WriteReply> OnWrite { get; set; } = (d, r) => r.Ok((uint)d.Length);

    public Action<FuseReadIn, DirectoryReply> OnReadDir { get; set; } = (_, r) => r.Ok();

    public Action<XattrReply> OnXattr { get; set; } = r => r.Ok([1, 2, 3, 4]);

    public Action<AttrReply> OnGetAttr { get; set; } = r => r.Fail(Errno.ESTALE);

    public ConcurrentQueue<(ulong Node, ulong Count)> Forgotten { get; } = [];

    public ConcurrentQueue<string> Xattrs { get; } = [];

    public int Destroyed { get; private set; }

    void IFuseFileSystem.Destroyed() => Destroyed++;

    public void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply) => OnLookup(name, reply);

    public void Forget(ulong node, ulong count) => Forgotten.Enqueue((node, count));

    public void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply) => OnGetAttr(reply);

    public void Open(ulong node, in FuseOpenIn arguments, OpenReply reply) => reply.Ok(default);

    public void Read(ulong node, in FuseReadIn arguments, DataReply reply) => OnRead(arguments, reply);

    public void Write(ulong node, in FuseWriteIn arguments, ReadOnlyMemory<byte> data, WriteReply reply) =>
        OnWrite(data, reply);

    public void Fsync(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => reply.Ok();

    public void Release(ulong node, in FuseReleaseIn arguments, EmptyReply reply) => reply.Ok();

    public void OpenDir(ulong node, in FuseOpenIn arguments, OpenReply reply) => reply.Ok(default);

    public void ReadDir(ulong node, in FuseReadIn arguments, DirectoryReply reply) => OnReadDir(arguments, reply);

    public void ReadDirPlus(ulong node, in FuseReadIn arguments, DirectoryReply reply) => OnReadDir(arguments, reply);

    public void FsyncDir(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => reply.Ok();

    public void ReleaseDir(ulong node, in FuseReleaseIn arguments, EmptyReply reply) => reply.Ok();

    public void GetXattr(ulong node, ReadOnlyMemory<byte> name, XattrReply reply) => OnXattr(reply);

    public void SetXattr(
        ulong node,
        in FuseSetXattrIn arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> value,
        EmptyReply reply)
    {
        Xattrs.Enqueue($"{System.Text.Encoding.ASCII.GetString(name.Span)}={Convert.ToHexString(value.Span)}"
            + $" {arguments.Flags} {arguments.SetXattrFlags}");
        reply.Ok();
    }
}
