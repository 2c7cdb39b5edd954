using System.Buffers.Binary;
using DistFS.Metadata;
using DistFS.Metadata.Store;
using DistFS.Metaserver.Hosting;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// The shipped <see cref="MetadataMachine"/> over the shipped store in memory, as the product's shell joins them: what
/// was applied goes to the store in batches, rows and index together; the engine comes back at an earlier flush after a
/// crash; a snapshot is a whole copy.
/// </summary>
public sealed class MetadataMachineAdapter : IReplicatedMachine
{
    private readonly EngineDisk _engine;
    private readonly Prng _prng;
    private readonly double _flushes;
    private readonly LeaderClock _clock;
    private HashedStore _store;
    private MetadataMachine _machine;
    private LogIndex _flushedAt;

    /// <summary>Goes on where the engine is.</summary>
    /// <param name="engine">What is on disk.</param>
    /// <param name="prng">When entries go to the store that need not yet.</param>
    /// <param name="flushes">How often they do.</param>
    /// <param name="wall">The member's clock.</param>
    public MetadataMachineAdapter(EngineDisk engine, Prng prng, double flushes, TimeProvider wall)
    {
        ArgumentNullException.ThrowIfNull(engine);
        (_engine, _prng, _flushes, _clock) = (engine, prng, flushes, new LeaderClock(wall));
        (_store, _machine) = Open(engine.Open());
        _flushedAt = AppliedIndex;
        _clock.Logged(_machine.Time);
    }

    /// <summary>What the member stamps its commands with while it leads.</summary>
    public DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>The last entry that was applied.</summary>
    public LogIndex AppliedIndex => _machine.AppliedIndex;

    /// <inheritdoc/>
    public ulong? Hash => _flushedAt == AppliedIndex ? _store.Hash : null;

    /// <summary>What was published.</summary>
    public MemoryStore Published => _store.Rows;

    /// <inheritdoc/>
    public MachineReply Apply(RaftEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var reply = _machine.Apply(entry.Index, entry.Data.Span);
        FlushSometimes();
        var command = MetadataCommand.Parser.ParseFrom(entry.Data.Span);

        // Whether it was executed only the reference knows (RequestsOnce).
        return new MachineReply(
            new ClientId(command.Client), new SequenceNumber(command.Sequence), reply, WasExecuted: true);
    }

    /// <inheritdoc/>
    public void Skip(RaftEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        _machine.Skip(entry.Index);
        FlushSometimes();
    }

    /// <inheritdoc/>
    public void Publish()
    {
        _machine.Flush();
        _flushedAt = AppliedIndex;
        _clock.Logged(_machine.Time);
    }

    /// <inheritdoc/>
    public byte[] Query(ReadOnlySpan<byte> question) => MetadataQuestion.Answer(_store, question);

    /// <inheritdoc/>
    public byte[] Snapshot()
    {
        Publish();
        var size = _store.Rows.Rows.Sum(static row => (2 * sizeof(int)) + row.Key.Length + row.Value.Length);
        var bytes = new byte[size];
        var rest = bytes.AsSpan();
        foreach (var (key, value) in _store.Rows.Rows)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, key.Length);
            BinaryPrimitives.WriteInt32LittleEndian(rest[sizeof(int)..], value.Length);
            rest = rest[(2 * sizeof(int))..];
            key.CopyTo(rest);
            value.CopyTo(rest[key.Length..]);
            rest = rest[(key.Length + value.Length)..];
        }

        return bytes;
    }

    /// <inheritdoc/>
    public void Restore(ReadOnlySpan<byte> snapshot, LogIndex index)
    {
        var rows = new List<KeyValuePair<byte[], byte[]?>>();
        for (var rest = snapshot; !rest.IsEmpty;)
        {
            var (key, value) = (
                BinaryPrimitives.ReadInt32LittleEndian(rest),
                BinaryPrimitives.ReadInt32LittleEndian(rest[sizeof(int)..]));
            rest = rest[(2 * sizeof(int))..];
            rows.Add(new(rest[..key].ToArray(), rest.Slice(key, value).ToArray()));
            rest = rest[(key + value)..];
        }

        var store = new MemoryStore();
        store.Write(rows);
        (_store, _machine) = Open(store);
        if (AppliedIndex != index)
        {
            throw new InvariantException("a snapshot is what it says", $"{AppliedIndex} in that of {index}");
        }

        _engine.Replace(store);
        _flushedAt = AppliedIndex;
        _clock.Logged(_machine.Time);
    }

    private (HashedStore Store, MetadataMachine Machine) Open(MemoryStore rows)
    {
        var store = new HashedStore(rows) { Written = _ => _engine.Wrote(rows) };
        return (store, new MetadataMachine(store));
    }

    private void FlushSometimes()
    {
        if (_flushes > 0 && _prng.Chance(_flushes))
        {
            Publish();
        }
    }
}
