using DistFS.Client.Cluster;
using DistFS.Client.Files;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Nodes;

/// <content>Content of files.</content>
public sealed partial class DistFsNodes
{
    /// <summary>Who could not do what he wanted does not wait for a leader that is not there.</summary>
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    /// <summary>Contents of files that stand in the metadata, in one round trip.</summary>
    /// <param name="inodes">1 to 256.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>In their order. Null: it stands elsewhere, or is not there, or is to be asked for by itself.</returns>
    /// <exception cref="DistFsException">Nobody answers.</exception>
    public async Task<IReadOnlyList<byte[]?>> ContentsOfAsync(
        IReadOnlyCollection<InodeId> inodes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(inodes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inodes.Count, 256);
        var request = new ReadRequest
        {
            Client = _sessions.Id,
            Caller = MetadataChannel.CallerOf(_options.Identity),
        };
        request.Operations.Add(inodes.Select(static inode => new ReadOperation
        {
            GetFileMap = new GetFileMapRequest { Inode = inode.Value },
        }));
        var replies = await _channel.ReadAsync(request, cancellation).ConfigureAwait(false);
        return [.. replies.Select(static reply => reply.Status == 0 && reply.Map is { } map && map.Chunks.Count == 0
            && (ulong)map.Data.Length == map.Size ? map.Data.ToByteArray() : null)];
    }

    /// <summary>The content of a file, to be read; without an open only as long as the file has a name.</summary>
    public DistFsFile ContentOf(InodeId inode, NodeOpen? open) => new(
        _files, new FileMapping(_files, inode, open?.Handle, Name(inode)), open: null, writer: null, canRead: true);

    /// <summary>
    /// The content of a file, to be read and written. Closing it flushes it, and leaves the open as it is.
    /// </summary>
    /// <exception cref="DistFsException">It is not there any more, or nobody answers.</exception>
    public async Task<DistFsFile> WritableAsync(NodeOpen open, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(open);
        var mapping = new FileMapping(_files, open.Inode, open.Handle, Name(open.Inode));
        var view = await mapping.LoadAsync(0, refreshServers: false, cancellation).ConfigureAwait(false);
        var small = view.Size <= SmallContent.BytesMax && view[0] == null
            ? new SmallContent(view.Inline.Span, (int)view.Size) : null;
        return new DistFsFile(
            _files, mapping, open: null, new FileWriter(_files, mapping, open.Handle, small), canRead: true);
    }

    /// <summary>
    /// Opens a file of which nothing is at the metaservers yet but that it is there, to write what its name says: more
    /// than stands in the metadata. One round trip, with its first chunk.
    /// </summary>
    /// <exception cref="DistFsException">ENOENT, ESTALE: it is not there any more; nobody answers.</exception>
    public async Task<(NodeOpen Open, DistFsFile Writer)> OpenNewAsync(
        InodeId inode, CancellationToken cancellation)
    {
        var (open, replies) = await OpenAllAsync(
            handle =>
            {
                var allocate = new AllocateChunksRequest { Inode = inode.Value, Handle = handle.Handle };
                allocate.Indices.Add(0);
                return
                [
                    new Operation { Open = new OpenRequest { Inode = inode.Value, Open = handle } },
                    new Operation { AllocateChunks = allocate },
                ];
            },
            cancellation).ConfigureAwait(false);
        Names.FileErrors.Ensure(replies[0].Status, Name(inode));
        var mapping = new FileMapping(_files, inode, open, Name(inode));
        var writer = new FileWriter(_files, mapping, open, null);
        try
        {
            Names.FileErrors.EnsureChunk(replies[1].Status, Name(inode));
            await writer.BeginAsync(replies[1].Chunks[0], cancellation).ConfigureAwait(false);
            return (new NodeOpen(inode, open), new DistFsFile(_files, mapping, open: null, writer, canRead: true));
        }
        catch
        {
            await writer.DisposeAsync().ConfigureAwait(false);
            using var limit = new CancellationTokenSource(ReleaseLimit, _options.Clock);
            try
            {
                await CloseAsync(new NodeOpen(inode, open), limit.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or DistFsException)
            {
                // The open ends with the session. There is a reason to tell already.
            }

            throw;
        }
    }

    /// <summary>
    /// All that was written is the file's for everybody, with the times that were told: asked for when that is sent.
    /// </summary>
    /// <exception cref="DistFsException">Something of it is not.</exception>
    public static Task FlushAsync(
        DistFsFile writer, FlushKind kind, Func<AttributeChange?> times, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(writer);
        return writer.SendAsync(kind, () => TimesOf(writer, times()), cancellation);
    }

    /// <summary>All that was written is durable, with the times that were told, and the writer ends.</summary>
    /// <exception cref="DistFsException">Something of it is not; the writer ends all the same.</exception>
    public static Task CloseAsync(
        DistFsFile writer, Func<AttributeChange?> times, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(writer);
        return writer.EndAsync(() => TimesOf(writer, times()), cancellation);
    }

    private static Operation? TimesOf(DistFsFile writer, AttributeChange? times)
    {
        if (times == null)
        {
            return null;
        }

        var request = new SetAttributesRequest { Inode = writer.Inode.Value };
        times.WriteTo(request);
        return new Operation
        {
            Caller = MetadataChannel.CallerOf(FileIdentity.Root),
            SetAttributes = request,
        };
    }
}
