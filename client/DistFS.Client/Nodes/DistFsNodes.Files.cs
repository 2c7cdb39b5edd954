using DistFS.Client.Cluster;
using DistFS.Client.Files;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Nodes;

/// <summary>An open of an inode that the metaservers know: it stays, if it loses its names too.</summary>
public sealed class NodeOpen
{
    internal NodeOpen(InodeId inode, OpenHandleOf handle) => (Inode, Handle) = (inode, handle);

    /// <summary>Of which.</summary>
    public InodeId Inode { get; }

    /// <summary>The session by which it was opened is over: so is the open.</summary>
    public bool IsLost => Handle.Session.IsEnded;

    internal OpenHandleOf Handle { get; }
}

/// <content>Opens and locks.</content>
public sealed partial class DistFsNodes
{
    private const uint ReadWrite = 6;

    /// <summary>Opens an inode for all that this client does with it.</summary>
    /// <exception cref="DistFsException">ENOENT, ESTALE: it is not there any more; nobody answers.</exception>
    public async Task<NodeOpen> OpenAsync(InodeId inode, CancellationToken cancellation)
    {
        var (open, reply) = await OpenAsync(
            handle => new Operation { Open = new OpenRequest { Inode = inode.Value, Open = handle } },
            cancellation).ConfigureAwait(false);
        Names.FileErrors.Ensure(reply.Status, Name(inode));
        return new NodeOpen(inode, open);
    }

    /// <summary>Makes a file and opens it, for all that this client does with it.</summary>
    /// <param name="caller">Whose rights count.</param>
    /// <param name="directory">Where.</param>
    /// <param name="name">Under which name.</param>
    /// <param name="node">What.</param>
    /// <param name="access">
    /// What the caller wants of it, if it is there already: 4 read, 2 write, and their sum; nobody looks behind us.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>
    /// No open, if the file was there, and the caller may do what he wants, but not all that this client does.
    /// </returns>
    /// <exception cref="DistFsException">Nobody answers.</exception>
    public async Task<(NodeReply Reply, NodeOpen? Open)> CreateAsync(
        FileIdentity caller,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        NewNode node,
        uint access,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(node);
        var (reply, open) = await MakeOpenAsync(ReadWrite).ConfigureAwait(false);
        if (reply.Status != FsStatus.AccessDenied || !node.OrExisting || access == ReadWrite)
        {
            return (reply, open);
        }

        // Somebody else has made it in between, and it is not all the caller's. What he wants is looked at there, since
        // a kernel that asks for a file to be made does not look at one that was there.
        (reply, open) = await MakeOpenAsync(access).ConfigureAwait(false);
        if (open != null)
        {
            await CloseAsync(open, cancellation).ConfigureAwait(false);
        }

        return (reply, null);

        async Task<(NodeReply Reply, NodeOpen? Open)> MakeOpenAsync(uint wanted)
        {
            var (begun, answer) = await OpenAsync(
                handle =>
                {
                    var make = MakeOf(directory, name, node);
                    handle.Access = wanted;
                    make.Open = handle;
                    return new Operation { Caller = MetadataChannel.CallerOf(caller), Make = make };
                },
                cancellation).ConfigureAwait(false);
            var told = Of(answer);
            return (told, told.Attributes is { } made ? new NodeOpen(made.Inode, begun) : null);
        }
    }

    /// <summary>A range becomes zeros that take no room.</summary>
    /// <exception cref="DistFsException">Nobody answers, or the edges cannot be written.</exception>
    public async Task<FsStatus> PunchAsync(
        NodeOpen open, long offset, long length, bool grows, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(open);
        for (var (at, end) = ((ulong)offset, (ulong)(offset + length)); at < end;)
        {
            var punch = new PunchRangeRequest
            {
                Inode = open.Inode.Value,
                Offset = at,
                Length = end - at,
                Extend = grows,
                Handle = open.Handle.Handle,
            };
            var reply = await WrittenPlace
                .OneAsync(_files, open.Handle, new Operation { PunchRange = punch }, cancellation)
                .ConfigureAwait(false);
            if (reply.Status != 0)
            {
                return (FsStatus)reply.Status;
            }

            await ZeroAsync(open, reply.ZeroRanges, cancellation).ConfigureAwait(false);
            at = reply.NextOffset > at ? reply.NextOffset : end;
        }

        return FsStatus.Ok;
    }

    /// <summary>What stands in a chunk with other bytes is written over.</summary>
    private async Task ZeroAsync(NodeOpen open, IEnumerable<ByteRange> ranges, CancellationToken cancellation)
    {
        DistFsFile? writer = null;
        try
        {
            var zeros = new byte[1 << 20];
            foreach (var range in ranges)
            {
                writer ??= await WritableAsync(open, cancellation).ConfigureAwait(false);
                for (var at = 0UL; at < range.Length;)
                {
                    var part = (int)Math.Min(range.Length - at, (ulong)zeros.Length);
                    await writer.WriteAsync((long)(range.Offset + at), zeros.AsMemory(0, part), cancellation)
                        .ConfigureAwait(false);
                    at += (ulong)part;
                }
            }

            if (writer != null)
            {
                await writer.CloseAsync(null, cancellation).ConfigureAwait(false);
            }
        }
        catch
        {
            if (writer != null)
            {
                // One that was closed already is so all the same.
                await writer.AbandonAsync(CancellationToken.None).ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>Ends an open.</summary>
    /// <exception cref="DistFsException">Nobody answers: it ends with the session.</exception>
    public async Task CloseAsync(NodeOpen open, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(open);
        if (!open.IsLost)
        {
            var release = new ReleaseRequest { Inode = open.Inode.Value, Handle = open.Handle.Handle };
            await WrittenPlace
                .OneAsync(_files, open.Handle, new Operation { Release = release }, cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Cuts a file that nobody writes here, or lets it grow by zeros.</summary>
    public Task<NodeReply> SetLengthAsync(
        FileIdentity caller, InodeId inode, long length, CancellationToken cancellation) => DoAsync(
        new Operation { SetSize = new SetSizeRequest { Inode = inode.Value, Size = (ulong)length } },
        caller,
        cancellation);

    /// <summary>What all chunk servers together can hold, and hold, in bytes: each copy counted.</summary>
    public async Task<(long Capacity, long Used)> SpaceAsync(CancellationToken cancellation)
    {
        var (capacity, used) = (0L, 0L);
        for (var (after, more) = (0u, true); more;)
        {
            var page = await _channel.ListServersAsync(after, cancellation).ConfigureAwait(false);
            foreach (var server in page.Servers)
            {
                (capacity, used) = (capacity + (long)server.CapacityBytes, used + (long)server.UsedBytes);
                after = server.Server;
            }

            more = page.More && page.Servers.Count > 0;
        }

        return (capacity, used);
    }

    /// <summary>Opens something, in a new session if the one there was ended before.</summary>
    private async Task<(OpenHandleOf Open, OperationReply Reply)> OpenAsync(
        Func<OpenHandle, Operation> operationOf, CancellationToken cancellation)
    {
        var (open, replies) = await OpenAllAsync(handle => [operationOf(handle)], cancellation).ConfigureAwait(false);
        return (open, replies[0]);
    }

    /// <summary>Likewise, with what is to be done of it in the same request.</summary>
    private async Task<(OpenHandleOf Open, IReadOnlyList<OperationReply> Replies)> OpenAllAsync(
        Func<OpenHandle, Operation[]> operationsOf, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var session = await _sessions.GetAsync(cancellation).ConfigureAwait(false);
            var open = new OpenHandleOf(session, Interlocked.Increment(ref _handles));
            try
            {
                var operations = operationsOf(new OpenHandle { Handle = open.Handle, Access = ReadWrite });
                return (open, await WrittenPlace.AllAsync(_files, open, operations, cancellation)
                    .ConfigureAwait(false));
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.SessionEnded && attempt < SessionSource.AttemptsMax)
            {
                // Nothing was opened.
            }
        }
    }

    private static string Name(InodeId inode) => $"inode {inode.Value}";
}
