using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <summary>
/// A place of a file that is being written: the writer of its chunk, and what the metaservers are asked about that.
/// </summary>
internal sealed class WrittenPlace : IChunkVersions, IPlaceOperations, IAsyncDisposable
{
    private readonly FileContext _context;
    private readonly FileMapping _mapping;
    private readonly OpenHandleOf _open;

    private WrittenPlace(
        FileContext context,
        FileMapping mapping,
        OpenHandleOf open,
        ulong index,
        ChunkTarget target,
        Turnstile window)
    {
        (_context, _mapping, _open, Index) = (context, mapping, open, index);
        Writer = new ChunkWriter(
            target,
            this,
            context.Links,
            new ChunkWriterOptions
            {
                Window = window,
                Patience = context.Options.Patience,
            });
        Committed = target.StoredLength;
    }

    /// <summary>Which place.</summary>
    public ulong Index { get; }

    /// <summary>Writes its chunk.</summary>
    public ChunkWriter Writer { get; }

    /// <summary>With this length the metaservers know it.</summary>
    public uint Committed { get; set; }

    /// <summary>The end of what was written here.</summary>
    public uint End { get; set; }

    /// <summary>Whether it was written to its end: most likely that was all.</summary>
    public bool IsFull => End == ChunkLayout.ChunkBytes;

    /// <summary>It is to take the place of what the file has there, and is being filled with that.</summary>
    public bool IsFilling { get; set; }

    /// <summary>
    /// While it was filled somebody else took it, or what it was filled with changed: nothing of it counts, begin anew.
    /// </summary>
    public bool IsTaken { get; private set; }

    /// <summary>It is being made durable, and nothing more is written in this version.</summary>
    public Task? Sealing { get; set; }

    /// <summary>As it may be committed now.</summary>
    public WrittenChunk Written
    {
        get
        {
            var (target, length) = Writer.AcknowledgedHere;
            return Named(target, length);
        }
    }

    /// <summary>Makes a place writable.</summary>
    /// <exception cref="DistFsException">Refused, or there is no server for it.</exception>
    public static async Task<(WrittenPlace Place, bool IsReplacement)> BeginAsync(
        FileContext context,
        FileMapping mapping,
        OpenHandleOf open,
        ulong index,
        Turnstile window,
        CancellationToken cancellation)
    {
        var info = await AllocateAsync(context, mapping, open, index, cancellation).ConfigureAwait(false);
        var target = await mapping.TargetOfAsync(info, refresh: false, cancellation).ConfigureAwait(false);
        if (!info.Begun)
        {
            // Somebody had it for writing, or has: from here on it is this writer's.
            target = await NewVersionAsync(context, mapping, open, index, target, 0, [], cancellation)
                .ConfigureAwait(false)
                ?? throw FileErrors.Of(FsStatus.Stale, mapping.Path);
        }

        return (new WrittenPlace(context, mapping, open, index, target, window), info.Replacement);
    }

    /// <summary>One that was given already, and that nobody else has.</summary>
    public static async Task<WrittenPlace> BeginAsync(
        FileContext context,
        FileMapping mapping,
        OpenHandleOf open,
        ChunkInfo given,
        Turnstile window,
        CancellationToken cancellation)
    {
        var target = await mapping.TargetOfAsync(given, refresh: false, cancellation).ConfigureAwait(false);
        return new WrittenPlace(context, mapping, open, given.Index, target, window);
    }

    /// <summary>The replacement has all that stood here, and takes its place.</summary>
    /// <exception cref="DistFsException">Refused.</exception>
    public async Task InstallAsync(CancellationToken cancellation)
    {
        var (target, length) = Writer.Acknowledged;
        var written = Named(target, length);
        var operation = new Operation
        {
            InstallChunk = new InstallChunkRequest
            {
                Inode = _mapping.Inode.Value,
                Handle = _open.Handle,
                Chunk = written,
            },
        };
        var reply = await OneAsync(_context, _open, operation, cancellation).ConfigureAwait(false);
        IsTaken = reply.Status == (int)FsStatus.Stale;
        FileErrors.Ensure(reply.Status, _mapping.Path);
        (Committed, IsFilling) = (written.Length, false);
    }

    /// <inheritdoc/>
    public async Task<ChunkTarget> BeginVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation)
    {
        var target = await PlaceVersions
            .BeginAsync(this, _mapping.Path, Index, before, length, drop, cancellation).ConfigureAwait(false);
        Committed = target.StoredLength;
        return target;
    }

    /// <inheritdoc/>
    bool IPlaceOperations.IsUsed(ChunkVersion version) =>
        Writer.AcknowledgedHere is { Length: > 0 } used && used.Target.Version == version;

    /// <inheritdoc/>
    bool IPlaceOperations.HasUnsynced => Writer.HasUnsynced;

    /// <inheritdoc/>
    bool IPlaceOperations.IsTakenIfFilling()
    {
        IsTaken |= IsFilling;
        return IsTaken;
    }

    /// <inheritdoc/>
    async Task<ChunkTarget> IPlaceOperations.AllocateAsync(CancellationToken cancellation)
    {
        var info = await AllocateAsync(_context, _mapping, _open, Index, cancellation).ConfigureAwait(false);
        return await _mapping.TargetOfAsync(info, refresh: true, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    Task<ChunkTarget?> IPlaceOperations.NewVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation) =>
        NewVersionAsync(_context, _mapping, _open, Index, before, length, drop, cancellation);

    /// <inheritdoc/>
    public async Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation)
    {
        var now = await _mapping.LoadAsync(Index, refreshServers: true, cancellation).ConfigureAwait(false);
        return now[Index]?.Target ?? throw FileErrors.Of(FsStatus.Stale, _mapping.Path);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Writer.DisposeAsync();

    /// <summary>One operation, under the session of the open.</summary>
    public static async Task<OperationReply> OneAsync(
        FileContext context, OpenHandleOf open, Operation operation, CancellationToken cancellation)
    {
        for (var waits = new MetadataChannel.Waits(context.Options); ;)
        {
            var request = new MutateRequest();
            request.Operations.Add(operation);
            var reply = (await open.Session.MutateAsync(request, cancellation).ConfigureAwait(false))[0];
            if (reply.Status != (int)FsStatus.TryAgain || waits.IsOver)
            {
                return reply;
            }

            await waits.PauseAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Several in one request, under the session of the open, each for itself.</summary>
    public static async Task<IReadOnlyList<OperationReply>> AllAsync(
        FileContext context, OpenHandleOf open, IReadOnlyList<Operation> operations, CancellationToken cancellation)
    {
        var request = new MutateRequest();
        request.Operations.AddRange(operations);
        var replies = await open.Session.MutateAsync(request, cancellation).ConfigureAwait(false);
        if (replies.All(static reply => reply.Status != (int)FsStatus.TryAgain))
        {
            return replies;
        }

        // One of them is to be asked again, and those behind it are to come behind it.
        var again = new List<OperationReply>();
        foreach (var operation in operations)
        {
            again.Add(await OneAsync(context, open, operation, cancellation).ConfigureAwait(false));
        }

        return again;
    }

    private WrittenChunk Named(ChunkTarget target, uint length) => new()
    {
        Index = Index,
        Chunk = target.Chunk.Value,
        Version = target.Version.Value,
        Length = length,
    };

    private static async Task<ChunkInfo> AllocateAsync(
        FileContext context, FileMapping mapping, OpenHandleOf open, ulong index, CancellationToken cancellation)
    {
        var request = new AllocateChunksRequest { Inode = mapping.Inode.Value, Handle = open.Handle };
        request.Indices.Add(index);
        var reply = await OneAsync(context, open, new Operation { AllocateChunks = request }, cancellation)
            .ConfigureAwait(false);
        FileErrors.EnsureChunk(reply.Status, mapping.Path);
        return reply.Chunks[0];
    }

    /// <summary>Null: the version that it is to follow is over.</summary>
    private static async Task<ChunkTarget?> NewVersionAsync(
        FileContext context,
        FileMapping mapping,
        OpenHandleOf open,
        ulong index,
        ChunkTarget before,
        uint length,
        IReadOnlyCollection<ServerId> drop,
        CancellationToken cancellation)
    {
        var request = new NewVersionRequest
        {
            Inode = mapping.Inode.Value,
            Handle = open.Handle,
            Chunk = new WrittenChunk
            {
                Index = index,
                Chunk = before.Chunk.Value,
                Version = before.Version.Value,
                Length = length,
            },
        };

        request.Drop.AddRange(drop.Select(static server => server.Value));
        var reply = await OneAsync(context, open, new Operation { NewVersion = request }, cancellation)
            .ConfigureAwait(false);
        if (reply.Status == (int)FsStatus.Stale)
        {
            return null;
        }

        FileErrors.Ensure(reply.Status, mapping.Path);
        return await mapping.TargetOfAsync(reply.Chunks[0], refresh: true, cancellation).ConfigureAwait(false);
    }
}
