using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Client.Nodes;

/// <summary>
/// A change that was made under leases to write, and told, before the metaservers hear of it. Made once, sent by
/// <see cref="NodeSession.ApplyAsync"/>. Bytes that it is given are kept, not copied.
/// </summary>
public sealed class NodeChange
{
    private NodeChange(Operation operation) => Operation = operation;

    /// <summary>Bytes that it takes of a request, about.</summary>
    public int Bytes { get; private init; } = 64;

    /// <summary>
    /// Whether such an answer says that something is lost. Of what is of an inode only nobody can ask for what was
    /// changed, if that is there no more (ENOENT); and an open that ends may have ended before.
    /// </summary>
    public bool IsLostBy(FsStatus status) => status != FsStatus.Ok && Operation.KindCase switch
    {
        Operation.KindOneofCase.WriteInline or Operation.KindOneofCase.SetAttributes
            or Operation.KindOneofCase.SetSize => status != FsStatus.NotFound,
        Operation.KindOneofCase.Release => false,
        _ => true,
    };

    internal Operation Operation { get; }

    /// <summary>What it does, to which inode: for logs.</summary>
    public override string ToString() => Operation.KindCase switch
    {
        Operation.KindOneofCase.Make => $"make {Operation.Make.Inode} in {Operation.Make.Parent}",
        Operation.KindOneofCase.Unlink => $"unlink {Operation.Unlink.Inode} in {Operation.Unlink.Parent}",
        Operation.KindOneofCase.RemoveDirectory => $"rmdir in {Operation.RemoveDirectory.Parent}",
        Operation.KindOneofCase.Rename => $"rename from {Operation.Rename.FromParent} to {Operation.Rename.ToParent}",
        Operation.KindOneofCase.SetAttributes => $"set attributes of {Operation.SetAttributes.Inode}",
        Operation.KindOneofCase.WriteInline => $"write {Operation.WriteInline.Inode}",
        _ => Operation.KindCase.ToString(),
    };

    /// <summary>A new inode, whose number is of a range that the session has reserved; in ascending order.</summary>
    public static NodeChange Make(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, NewNode node, InodeId inode, FileTime time)
    {
        var make = DistFsNodes.MakeOf(directory, name, node);
        make.Inode = inode.Value;
        return Of(caller, time, new Operation { Make = make }, name.Length + node.Target.Length);
    }

    /// <summary>A name goes, which stands for that inode; of a directory, which has no names any more.</summary>
    public static NodeChange Remove(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, FileStatus target, FileTime time)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Of(caller, time, target.IsDirectory
            ? new Operation
            {
                RemoveDirectory = new RemoveDirectoryRequest { Parent = directory.Value, Name = Wrapped(name) },
            }
            : new Operation
            {
                Unlink = new UnlinkRequest
                {
                    Parent = directory.Value,
                    Name = Wrapped(name),
                    Inode = target.Inode.Value,
                },
            }, name.Length);
    }

    /// <summary>A name becomes another one.</summary>
    public static NodeChange Rename(
        FileIdentity caller,
        (InodeId Directory, ReadOnlyMemory<byte> Name) from,
        (InodeId Directory, ReadOnlyMemory<byte> Name) to,
        FileTime time) => Of(
        caller,
        time,
        new Operation
        {
            Rename = new RenameRequest
            {
                FromParent = from.Directory.Value,
                FromName = Wrapped(from.Name),
                ToParent = to.Directory.Value,
                ToName = Wrapped(to.Name),
            },
        },
        from.Name.Length + to.Name.Length);

    /// <summary>Attributes are set; for root, since it was looked at who may.</summary>
    public static NodeChange SetAttributes(InodeId inode, AttributeChange change, FileTime time)
    {
        ArgumentNullException.ThrowIfNull(change);
        var request = new SetAttributesRequest { Inode = inode.Value };
        change.WriteTo(request);
        return Of(FileIdentity.Root, time, new Operation { SetAttributes = request }, 0);
    }

    /// <summary>A file of at most <see cref="ContentBytesMax"/> has this content, from its beginning on.</summary>
    public static NodeChange Write(InodeId inode, ReadOnlyMemory<byte> content, FileTime time) => Of(
        FileIdentity.Root,
        time,
        new Operation
        {
            WriteInline = new WriteInlineRequest
            {
                Inode = inode.Value,
                Data = Wrapped(content),
                ModifyTime = new WriteTime { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds },
            },
        },
        content.Length);

    /// <summary>A file is cut, or grows by zeros.</summary>
    public static NodeChange SetLength(InodeId inode, long length, FileTime time) => Of(
        FileIdentity.Root,
        time,
        new Operation { SetSize = new SetSizeRequest { Inode = inode.Value, Size = (ulong)length } },
        0);

    /// <summary>An open ends: nobody need wait for that.</summary>
    public static NodeChange Release(NodeOpen open, FileTime time)
    {
        ArgumentNullException.ThrowIfNull(open);
        return Of(
            FileIdentity.Root,
            time,
            new Operation { Release = new ReleaseRequest { Inode = open.Inode.Value, Handle = open.Handle.Handle } },
            0);
    }

    /// <summary>Longest content that <see cref="Write"/> takes.</summary>
    public const int ContentBytesMax = Files.SmallContent.BytesMax;

    private static NodeChange Of(FileIdentity caller, FileTime time, Operation operation, int bytes)
    {
        operation.Caller = MetadataChannel.CallerOf(caller);
        operation.ToldTime = new Time { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
        operation.Brief = true;
        return new NodeChange(operation) { Bytes = 96 + bytes };
    }

    private static ByteString Wrapped(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);
}
