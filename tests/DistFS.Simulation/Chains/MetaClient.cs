using DistFS.Client.Chunks;
using DistFS.Client.Files;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Simulation.Chains;

/// <summary>A client's session with the metaservers: every change has a number, and is asked until it is answered.
/// </summary>
internal sealed class MetaClient(ChainWorld world, SimulatedProcess process, Prng prng)
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(5);

    private ulong _client;
    private ulong _sequence;
    private readonly SortedSet<ulong> _underWay = [];

    /// <summary>Opens it.</summary>
    public async Task OpenAsync()
    {
        var call = new OpenSessionCall { Nonce = prng.NextUInt64() | 1, LeaseMs = 3_600_000 };
        while (_client == 0)
        {
            var reply = await TryAsync(MetadataMethods.OpenSession, call).ConfigureAwait(false);
            if (reply is { Status: 0 })
            {
                _client = reply.OpenSession.Client;
            }
        }
    }

    /// <summary>Does an operation once.</summary>
    public async Task<OperationReply> MutateAsync(Operation operation)
    {
        operation.Caller = new Caller();
        var sequence = ++_sequence;
        _underWay.Add(sequence);
        var call = new MutateCall
        {
            Client = _client,
            Sequence = sequence,
            Acknowledged = _underWay.Min - 1,
            Request = new MutateRequest { Operations = { operation } }.ToByteString(),
        };
        while (true)
        {
            var reply = await TryAsync(MetadataMethods.Mutate, call).ConfigureAwait(false);
            if (reply is { Status: 0 })
            {
                _underWay.Remove(sequence);
                return reply.Mutate.Replies[0];
            }

            if (reply != null && reply.Status != (int)FsStatus.TryAgain)
            {
                throw new InvariantException("a session lives", $"{process}: {reply}");
            }
        }
    }

    /// <summary>As <see cref="MutateAsync"/>, again as long as the state says so.</summary>
    public async Task<OperationReply> PatientlyAsync(Operation operation)
    {
        for (var until = world.Queue.Now + 60_000_000; ;)
        {
            var reply = await MutateAsync(operation).ConfigureAwait(false);
            if (reply.Status != (int)FsStatus.TryAgain || world.Queue.Now >= until)
            {
                return reply;
            }

            await process.DelayAsync(20_000 + prng.NextInt32(200_000)).ConfigureAwait(false);
        }
    }

    /// <summary>The chunk of a file as it is now; null: it has none yet.</summary>
    public async Task<ChunkTarget?> LookUpAsync(ulong inode)
    {
        var request = new ReadRequest
        {
            Operations = { new ReadOperation { GetFileMap = new GetFileMapRequest { Inode = inode } } },
        };
        while (true)
        {
            if (await TryAsync(MetadataMethods.Read, request).ConfigureAwait(false) is { Status: 0 } reply)
            {
                return reply.Replies[0].Map.Chunks is [var chunk] ? TargetOf(chunk) : null;
            }
        }
    }

    /// <summary>With the addresses of its servers.</summary>
    public ChunkTarget TargetOf(ChunkInfo chunk) => new(
        new ChunkId(chunk.Chunk),
        new ChunkVersion(chunk.Version),
        chunk.StoredLength,
        [.. chunk.Servers.Select(id => new ChunkServerAddress(new ServerId(id), world.AddressOf(new ServerId(id))))],
        chunk.KeepsBeyond,
        chunk.Sealed,
        new ChunkVersion(chunk.DecidedIn));

    /// <summary>Null: not answered; a while has passed.</summary>
    private async Task<TReply?> TryAsync<TRequest, TReply>(RpcMethod<TRequest, TReply> method, TRequest request)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        try
        {
            var reply = await process.Caller.To(MetaserverMachine.Address)
                .CallAsync(method, request, AskTimeout).ConfigureAwait(false);
            if (reply is not MetadataReply { Status: (int)FsStatus.TryAgain })
            {
                return reply;
            }
        }
        catch (RpcException)
        {
            // Whoever leads next is asked the same.
        }

        await process.DelayAsync(10_000 + prng.NextInt32(100_000)).ConfigureAwait(false);
        return null;
    }
}

/// <summary>The one place of a file, as the product's WrittenPlace asks about it.</summary>
internal sealed class SimulatedPlace(ChainWorld world, MetaClient client, ChainFile file)
    : IChunkVersions, IPlaceOperations
{
    private ChunkVersion _opened;

    /// <summary>Writes that are not acknowledged: they are repeated in the version that begins.</summary>
    public LinkedList<CellWrite> Pending { get; } = [];

    /// <summary>Set when there is one.</summary>
    public ChunkWriter? Writer { get; set; }

    /// <inheritdoc/>
    public uint Committed { get; set; }

    /// <summary>
    /// All copies crashed while this one wrote, and one was decided to be the chunk: then it may hear of a loss.
    /// </summary>
    public bool SawDecision { get; private set; }

    bool IPlaceOperations.IsUsed(ChunkVersion version) =>
        Writer!.AcknowledgedHere is { Length: > 0 } used && used.Target.Version == version;

    bool IPlaceOperations.HasUnsynced => Writer!.HasUnsynced;

    bool IPlaceOperations.IsTakenIfFilling() => false;

    /// <summary>A write is acknowledged.</summary>
    public void Acknowledge(LinkedListNode<CellWrite> write) => Pending.Remove(write);

    /// <summary>Makes the place writable: in a version that this writer has for itself.</summary>
    public async Task<ChunkTarget> OpenAsync()
    {
        var info = await AllocateAsync().ConfigureAwait(false);
        var target = info.Begun
            ? client.TargetOf(info)
            : await NewVersionAsync(client.TargetOf(info), 0, []).ConfigureAwait(false) ?? throw Stale();
        _opened = target.Version;
        return target;
    }

    /// <inheritdoc/>
    public async Task<ChunkTarget> BeginVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation)
    {
        world.Trace.Line(
            $"{file}: behind {before.Version} with {length} without {string.Join(',', drop.Select(one => one.Value))}");
        var target = await PlaceVersions
            .BeginAsync(this, file.ToString(), 0, before, length, drop, cancellation).ConfigureAwait(false);
        Committed = target.StoredLength;
        foreach (var write in Pending)
        {
            ByteLedger.Repeat(write, target.Version.Value);
        }

        return target;
    }

    /// <inheritdoc/>
    public async Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation) =>
        await client.LookUpAsync(file.Inode).ConfigureAwait(false) ?? throw Stale();

    async Task<ChunkTarget> IPlaceOperations.AllocateAsync(CancellationToken cancellation)
    {
        var target = client.TargetOf(await AllocateAsync().ConfigureAwait(false));
        SawDecision |= target.DecidedIn.Value > _opened.Value;
        return target;
    }

    Task<ChunkTarget?> IPlaceOperations.NewVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation) =>
        NewVersionAsync(before, length, drop);

    /// <summary>What of the chunk is named in operations.</summary>
    public static WrittenChunk Named(ChunkTarget target, uint length) => new()
    {
        Chunk = target.Chunk.Value,
        Version = target.Version.Value,
        Length = length,
    };

    private async Task<ChunkInfo> AllocateAsync()
    {
        var reply = await client.PatientlyAsync(new Operation
        {
            AllocateChunks = new AllocateChunksRequest { Inode = file.Inode, Indices = { 0 } },
        }).ConfigureAwait(false);
        Ensure(reply);
        return reply.Chunks[0];
    }

    private async Task<ChunkTarget?> NewVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop)
    {
        var reply = await client.PatientlyAsync(new Operation
        {
            NewVersion = new NewVersionRequest
            {
                Inode = file.Inode,
                Chunk = Named(before, length),
                Drop = { drop.Select(static server => server.Value) },
            },
        }).ConfigureAwait(false);
        if (reply.Status == (int)FsStatus.Stale)
        {
            return null;
        }

        Ensure(reply);
        return client.TargetOf(reply.Chunks[0]);
    }

    private static void Ensure(OperationReply reply)
    {
        if (reply.Status != 0)
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused, $"{(FsStatus)reply.Status}", null, (FsStatus)reply.Status);
        }
    }

    private static DistFsException Stale() =>
        new(ErrorCatalog.FileRefused, "Somebody else's.", null, FsStatus.Stale);
}
