using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Collection;
using DistFS.Metadata.Locks;
using DistFS.Metadata.Ops;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Servers;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Store;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metadata;

/// <summary>
/// The state machine that the metaservers replicate: applies the commands of the log, in order, and is the same on
/// every member after the same entries (docs/design/metadata.md).
/// </summary>
/// <remarks>
/// Not safe for concurrent use. It must not be used after an exception, all of which are the store's: what a client
/// sends ends in a reply.
/// </remarks>
public sealed class MetadataMachine
{
    /// <summary>Most operations of one request; with more, none is done.</summary>
    public const int OperationsMax = 1_024;

    /// <summary>Operations beyond so many bytes of replies are not done (EAGAIN).</summary>
    public const int ReplyBytesMax = 1 << 20;

    private const long ToldSecondsOff = 60;

    // About 5 MiB.
    private const int KnownRowsMax = 16_384;

    private const ulong LeaseMsMin = 1_000;
    private const ulong LeaseMsMax = 3_600_000;

    private readonly Changes _changes;
    private readonly SessionTable _sessions;
    private Tree? _tree;

    private FileTime _time;

    /// <summary>Goes on where the store is.</summary>
    public MetadataMachine(IOrderedStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _changes = new Changes(store, KnownRowsMax);
        _sessions = new SessionTable(_changes);
        Load();
    }

    /// <summary>The last entry whose effects the state holds.</summary>
    public LogIndex AppliedIndex { get; private set; }

    /// <summary>Whose state it is; null before the cluster's first entry.</summary>
    public ClusterId? Cluster { get; private set; }

    /// <summary>The time of the last entry, which no later one goes behind.</summary>
    public FileTime Time => _time;

    /// <summary>The tree; null before the cluster's first entry.</summary>
    public Tree? Tree => _tree;

    /// <summary>
    /// The locks that the last entry granted to those who waited: the leader tells their sessions. Who was not told
    /// asks again, and is answered with the same.
    /// </summary>
    public IReadOnlyList<LockGrant> LockGrants => _tree == null ? [] : _tree.LockGrants;

    /// <summary>
    /// Told after <see cref="Flush"/> which chunks may have changed since the one before; what it gets is cleared
    /// afterwards.
    /// </summary>
    public Action<ChunkChanges>? OnChunksChanged { get; set; }

    /// <summary>The next entry changes nothing.</summary>
    public void Skip(LogIndex index)
    {
        Check.That(index == AppliedIndex.Next);
        AppliedIndex = index;
        _tree?.LockGrants.Clear();
    }

    /// <summary>Applies the next entry. Returns the reply, a <see cref="MetadataReply"/>.</summary>
    public byte[] Apply(LogIndex index, ReadOnlySpan<byte> command)
    {
        Check.That(index == AppliedIndex.Next);
        MetadataCommand parsed;
        try
        {
            parsed = MetadataCommand.Parser.ParseFrom(command);
        }
        catch (InvalidProtocolBufferException)
        {
            // The same on every member.
            AppliedIndex = index;
            return Failed(FsStatus.Invalid).ToByteArray();
        }

        AppliedIndex = index;
        _tree?.LockGrants.Clear();
        _time = Max(_time.Next, ToTime(parsed.LeaderTime));
        if (Teeth.Has(PlantedBug.ApplyUsesOwnState))
        {
            _time = _time.Plus(TimeSpan.FromMilliseconds(_changes.Count));
        }

        return parsed.KindCase switch
        {
            MetadataCommand.KindOneofCase.Bootstrap => Bootstrap(parsed.Bootstrap).ToByteArray(),
            _ when _tree == null => Failed(FsStatus.TryAgain, ErrorCatalog.ClusterStarting).ToByteArray(),
            MetadataCommand.KindOneofCase.Mutate => Mutate(parsed, _tree),
            MetadataCommand.KindOneofCase.OpenSession => OpenSession(parsed.OpenSession).ToByteArray(),
            MetadataCommand.KindOneofCase.KeepAlive => KeepAlive(parsed).ToByteArray(),
            MetadataCommand.KindOneofCase.ExpireSessions => Expire(parsed.ExpireSessions, _tree).ToByteArray(),
            MetadataCommand.KindOneofCase.EndSession => EndSession(parsed, _tree).ToByteArray(),
            MetadataCommand.KindOneofCase.Collect => Collect(parsed.Collect, _tree).ToByteArray(),
            _ => ClusterCommand(parsed, _tree).ToByteArray(),
        };
    }

    /// <summary>The last entry that a store has the effects of.</summary>
    internal static LogIndex AppliedIn(Changes changes)
    {
        var value = new ArrayBufferWriter<byte>();
        return changes.TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "applied"u8), value)
            ? new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(value.WrittenSpan)) : default;
    }

    /// <summary>Everything applied goes to the store, together with the index of the last entry.</summary>
    public void Flush()
    {
        Span<byte> row = stackalloc byte[sizeof(ulong) + sizeof(long) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(row, AppliedIndex.Value);
        BinaryPrimitives.WriteInt64LittleEndian(row[8..], _time.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(row[16..], _time.Nanoseconds);
        var key = RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "applied"u8);
        if (Teeth.Has(PlantedBug.IndexFlushedApart))
        {
            _changes.FlushApart(key, row);
        }

        _changes.Put(key, row);
        _changes.Keep();
        _changes.Flush();
        if (_tree != null)
        {
            OnChunksChanged?.Invoke(_tree.Chunks.Changed);
            _tree.Chunks.Changed.Clear();
        }
    }

    private static FileTime Max(FileTime one, FileTime other) => one > other ? one : other;

    private static FileTime ToTime(Time? time) =>
        time is { Nanoseconds: < FileTime.NanosecondsPerSecond }
            ? new FileTime(time.Seconds, time.Nanoseconds) : default;

    private static MetadataReply Failed(FsStatus status, ErrorCode? code = null) =>
        new() { Status = (int)status, Code = code?.Number ?? 0 };

    private byte[] Mutate(MetadataCommand command, Tree tree)
    {
        var (client, sequence) = (new ClientId(command.Client), new SequenceNumber(command.Sequence));
        var digest = SipHash.Compute(client.Value, command.Mutate.Span);
        var state = _sessions.Look(client, sequence, digest, out var known);
        if (state != RequestState.New)
        {
            return known ?? Refused(state).ToByteArray();
        }

        MutateRequest request;
        try
        {
            request = MutateRequest.Parser.ParseFrom(command.Mutate);
        }
        catch (InvalidProtocolBufferException)
        {
            return Failed(FsStatus.Invalid).ToByteArray();
        }

        if (request.Operations.Count > OperationsMax)
        {
            return Failed(FsStatus.ArgumentTooLong).ToByteArray();
        }

        var placements = new Placements(command.Placements);
        var reply = new MetadataReply { Mutate = new MutateReply() };
        var replyBytes = 0;
        foreach (var operation in request.Operations)
        {
            // The reply is kept until the client has it, and has to fit a frame.
            reply.Mutate.Replies.Add(replyBytes < ReplyBytesMax
                ? Execute(operation, tree, client, placements, reply.Mutate.Replies)
                : new OperationReply { Status = (int)FsStatus.TryAgain });
            replyBytes += reply.Mutate.Replies[^1].CalculateSize();
        }

        var bytes = reply.ToByteArray();
        _sessions.Executed(client, sequence, command.Acknowledged, digest, bytes, _time);
        _changes.Keep();
        return bytes;
    }

    private static MetadataReply Refused(RequestState state) => state switch
    {
        RequestState.Stale => Failed(FsStatus.Stale, ErrorCatalog.RequestStale),
        RequestState.Different => Failed(FsStatus.Invalid, ErrorCatalog.RequestReused),
        RequestState.TooFarAhead => Failed(FsStatus.TryAgain, ErrorCatalog.RequestsTooMany),
        _ => Failed(FsStatus.Stale, ErrorCatalog.SessionEnded),
    };

    private OperationReply Execute(
        Operation operation, Tree tree, ClientId client, Placements placements, IReadOnlyList<OperationReply> before)
    {
        var caller = operation.Caller;
        var context = new MetadataContext(tree, TimeOf(operation),
            caller == null ? Principal.Nobody : new Principal(caller.Uid, caller.Gid, caller.Groups), client)
        {
            Index = AppliedIndex,
            Placements = placements,
        };
        var reply = new OperationReply();
        var grants = tree.LockGrants.Count;
        var status = BackReferences.Resolve(operation, before);
        status = status == FsStatus.Ok ? Operations.Apply(context, operation, reply) : status;
        if (status == FsStatus.Ok)
        {
            _changes.Keep();
            reply.Attributes = operation.Brief ? null : reply.Attributes;
            return reply;
        }

        _changes.Drop();
        tree.LockGrants.RemoveRange(grants, tree.LockGrants.Count - grants);
        return new OperationReply { Status = (int)status };
    }

    /// <summary>
    /// That of the entry; or what was told of an operation by a client that had everything under leases when it was
    /// done, near to it: no client makes a file older or newer by that than its own clock may be wrong.
    /// </summary>
    private FileTime TimeOf(Operation operation)
    {
        if (operation.ToldTime is not { Nanoseconds: < FileTime.NanosecondsPerSecond } given)
        {
            return _time;
        }

        var told = new FileTime(given.Seconds, given.Nanoseconds);
        return told.Seconds >= _time.Seconds - ToldSecondsOff && told.Seconds <= _time.Seconds + ToldSecondsOff
            ? told : _time;
    }

    private MetadataReply Bootstrap(BootstrapRequest request)
    {
        if (_tree != null)
        {
            return Failed(FsStatus.AlreadyExists);
        }

        var nameKey = new UInt128(request.NameKeyHigh, request.NameKeyLow);
        Cluster = new ClusterId(new UInt128(request.ClusterHigh, request.ClusterLow));
        new ClusterRow(Cluster.Value, nameKey).Put(_changes);
        _tree = new Tree(_changes, nameKey);
        _tree.Put(InodeId.Root, new InodeRow
        {
            Kind = InodeKind.Directory,
            Mode = request.Mode & Modes.All,
            Uid = request.Uid,
            Gid = request.Gid,
            Links = 2,
            Parent = InodeId.Root,
            AccessTime = _time,
            ModifyTime = _time,
            ChangeTime = _time,
            BirthTime = _time,
        });
        _changes.Keep();
        return new MetadataReply();
    }

    private MetadataReply OpenSession(OpenSessionRequest request)
    {
        if (request.Nonce == 0 || request.LeaseMs is < LeaseMsMin or > LeaseMsMax)
        {
            return Failed(FsStatus.Invalid);
        }

        var client = _sessions.Open(request.Nonce, AppliedIndex, request.LeaseMs, _time, request.Leases);
        _changes.Keep();
        return new MetadataReply { OpenSession = new OpenSessionReply { Client = client.Value } };
    }

    private MetadataReply KeepAlive(MetadataCommand command)
    {
        if (!_sessions.Hear(new ClientId(command.Client), _time))
        {
            return Failed(FsStatus.Stale, ErrorCatalog.SessionEnded);
        }

        _changes.Keep();
        return new MetadataReply();
    }

    private MetadataReply ClusterCommand(MetadataCommand command, Tree tree)
    {
        var reply = ClusterCommands.Apply(tree, AppliedIndex, command);
        if (reply.Status == (int)FsStatus.Ok)
        {
            _changes.Keep();
        }
        else
        {
            _changes.Drop();
        }

        return reply;
    }

    private MetadataReply Expire(ExpireSessionsRequest request, Tree tree)
    {
        foreach (var client in _sessions.Expire(_time, request.LedMs))
        {
            Collector.SessionEnded(tree, client);
        }

        _changes.Keep();
        return new MetadataReply();
    }

    private MetadataReply EndSession(MetadataCommand command, Tree tree)
    {
        var client = new ClientId(command.Client);
        if (!_sessions.End(client, command.EndSession.BelievesNoLease))
        {
            return Failed(FsStatus.Stale, ErrorCatalog.SessionEnded);
        }

        Collector.SessionEnded(tree, client);
        _changes.Keep();
        return new MetadataReply();
    }

    private MetadataReply Collect(CollectRequest request, Tree tree)
    {
        if (request.RowsMax is 0 or > Collector.RowsMax)
        {
            return Failed(FsStatus.Invalid);
        }

        var context = new MetadataContext(tree, _time, Principal.Root) { Index = AppliedIndex };
        var reply = new MetadataReply { Collect = Collector.Run(context, (int)request.RowsMax) };
        _changes.Keep();
        return reply;
    }

    private void Load()
    {
        var value = new ArrayBufferWriter<byte>();
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        if (_changes.TryRead(RowKey.OfMeta(key, "applied"u8), value))
        {
            var row = value.WrittenSpan;
            AppliedIndex = new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(row));
            _time = new FileTime(
                BinaryPrimitives.ReadInt64LittleEndian(row[8..]), BinaryPrimitives.ReadUInt32LittleEndian(row[16..]));
        }

        if (ClusterRow.Find(_changes) is { } cluster)
        {
            Cluster = cluster.Cluster;
            _tree = new Tree(_changes, cluster.NameKey);
        }
    }
}
