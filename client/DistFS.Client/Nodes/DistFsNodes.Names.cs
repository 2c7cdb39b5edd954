using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Nodes;

/// <content>Names and attributes. Each on behalf of somebody, whose rights the metaservers look at.</content>
public sealed partial class DistFsNodes
{
    /// <summary>What a name of a directory stands for; also '.' and '..'.</summary>
    public async Task<NodeReply> LookupAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        var request = new LookupRequest { Parent = directory.Value, Name = Bytes(name) };
        return Of(await ReadAsync(new ReadOperation { Lookup = request }, caller, cancellation)
            .ConfigureAwait(false));
    }

    /// <summary>Attributes as they are now; who else writes the inode is waited for.</summary>
    public async Task<NodeReply> StatAsync(InodeId inode, CancellationToken cancellation) =>
        Of(await ReadAsync(
            new ReadOperation { GetAttributes = new GetAttributesRequest { Inode = inode.Value } },
            _options.Identity,
            cancellation).ConfigureAwait(false));

    /// <summary>The target of a symbolic link.</summary>
    public async Task<NodeData> ReadLinkAsync(InodeId inode, CancellationToken cancellation) =>
        DataOf(await ReadAsync(
            new ReadOperation { ReadLink = new ReadLinkRequest { Inode = inode.Value } },
            _options.Identity,
            cancellation).ConfigureAwait(false));

    /// <summary>A page of a directory, from behind a cookie on.</summary>
    public Task<DirectoryPage> ReadDirectoryAsync(
        FileIdentity caller, InodeId directory, ulong after, bool withStatus, CancellationToken cancellation) =>
        DirectoryLister.ReadAsync(
            _channel,
            new ReadDirectoryRequest
            {
                Caller = Cluster.MetadataChannel.CallerOf(caller),
                Directory = directory.Value,
                After = after,
                WithAttributes = withStatus,
                EntriesMax = 1024,
                BytesMax = 256 << 10,
                Client = _sessions.Id,
            },
            cancellation);

    /// <summary>A new inode under a new name.</summary>
    public Task<NodeReply> MakeAsync(
        FileIdentity caller,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        NewNode node,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(node);
        return DoAsync(new Operation { Make = MakeOf(directory, name, node) }, caller, cancellation);
    }

    /// <summary>Another name of an inode.</summary>
    public Task<NodeReply> LinkAsync(
        FileIdentity caller,
        InodeId inode,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        CancellationToken cancellation) => DoAsync(
        new Operation
        {
            Link = new LinkRequest { Inode = inode.Value, Parent = directory.Value, Name = Bytes(name) },
        },
        caller,
        cancellation);

    /// <summary>A name goes; with the last one the inode, unless somebody has it open.</summary>
    public Task<NodeReply> UnlinkAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        DoAsync(
            new Operation { Unlink = new UnlinkRequest { Parent = directory.Value, Name = Bytes(name) } },
            caller,
            cancellation);

    /// <summary>An empty directory goes.</summary>
    public Task<NodeReply> RemoveDirectoryAsync(
        FileIdentity caller, InodeId directory, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        DoAsync(
            new Operation
            {
                RemoveDirectory = new RemoveDirectoryRequest { Parent = directory.Value, Name = Bytes(name) },
            },
            caller,
            cancellation);

    /// <summary>A name becomes another one, in one step for everybody.</summary>
    public Task<NodeReply> RenameAsync(
        FileIdentity caller,
        (InodeId Directory, ReadOnlyMemory<byte> Name) from,
        (InodeId Directory, ReadOnlyMemory<byte> Name) to,
        RenameMode mode,
        CancellationToken cancellation) => DoAsync(
        new Operation
        {
            Rename = new RenameRequest
            {
                FromParent = from.Directory.Value,
                FromName = Bytes(from.Name),
                ToParent = to.Directory.Value,
                ToName = Bytes(to.Name),
                NoReplace = mode == RenameMode.NoReplace,
                Exchange = mode == RenameMode.Exchange,
            },
        },
        caller,
        cancellation);

    /// <summary>Attributes are set; not the length.</summary>
    public Task<NodeReply> SetAttributesAsync(
        FileIdentity caller, InodeId inode, AttributeChange change, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(change);
        var request = new SetAttributesRequest { Inode = inode.Value };
        change.WriteTo(request);
        return DoAsync(new Operation { SetAttributes = request }, caller, cancellation);
    }

    /// <summary>The value of an extended attribute; ENODATA: there is none.</summary>
    public async Task<NodeData> GetXattrAsync(
        FileIdentity caller, InodeId inode, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        DataOf(await ReadAsync(
            new ReadOperation { GetXattr = new GetXattrRequest { Inode = inode.Value, Name = Bytes(name) } },
            caller,
            cancellation).ConfigureAwait(false));

    /// <summary>The names of all extended attributes, each with a NUL behind it.</summary>
    public async Task<NodeData> ListXattrsAsync(
        FileIdentity caller, InodeId inode, CancellationToken cancellation) =>
        DataOf(await ReadAsync(
            new ReadOperation { ListXattrs = new ListXattrsRequest { Inode = inode.Value } },
            caller,
            cancellation).ConfigureAwait(false));

    /// <summary>Sets an extended attribute.</summary>
    public Task<NodeReply> SetXattrAsync(
        FileIdentity caller,
        InodeId inode,
        (ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value) pair,
        XattrMode mode,
        CancellationToken cancellation) => DoAsync(
        new Operation
        {
            SetXattr = new SetXattrRequest
            {
                Inode = inode.Value,
                Name = Bytes(pair.Name),
                Value = Bytes(pair.Value),
                Create = mode == XattrMode.Create,
                Replace = mode == XattrMode.Replace,
            },
        },
        caller,
        cancellation);

    /// <summary>Removes an extended attribute; ENODATA: there is none.</summary>
    public Task<NodeReply> RemoveXattrAsync(
        FileIdentity caller, InodeId inode, ReadOnlyMemory<byte> name, CancellationToken cancellation) => DoAsync(
        new Operation { RemoveXattr = new RemoveXattrRequest { Inode = inode.Value, Name = Bytes(name) } },
        caller,
        cancellation);

    internal static MakeRequest MakeOf(InodeId directory, ReadOnlyMemory<byte> name, NewNode node) => new()
    {
        Parent = directory.Value,
        Name = Bytes(name),
        Kind = (uint)node.Kind,
        Mode = node.Mode,
        Umask = node.Umask,
        Device = node.Device,
        Target = Bytes(node.Target),
        OrExisting = node.OrExisting,
    };

    private static NodeReply Of(ReadOperationReply reply) => new(
        (FsStatus)reply.Status,
        reply.Status == 0 && reply.Attributes is { } told ? FileStatus.Of(told) : null);

    private static NodeData DataOf(ReadOperationReply reply) => new((FsStatus)reply.Status, reply.Data.Memory);
}
