using System.Buffers.Binary;
using System.Text;
using DistFS.Metadata;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// The state as a member has it that never fails and writes to its store after every entry: all members have the same
/// rows after the same entry, and the same replies (docs/design/metadata.md, invariants 6 and 8). What else must hold
/// of the state is asked of this one.
/// </summary>
public sealed class MetadataReference : Invariant
{
    private readonly Oracle _oracle;
    private readonly HashedStore _store = new(new MemoryStore());
    private readonly MetadataMachine _machine;
    private readonly List<uint> _replies = [];
    private readonly List<RowChange> _changes = [];
    private readonly MetadataInvariant[] _invariants;
    private readonly RepairRules _repair;

    /// <summary>Before the first entry.</summary>
    public MetadataReference(Oracle oracle, ChunkServers servers, IEnumerable<MetadataInvariant> others)
    {
        ArgumentNullException.ThrowIfNull(oracle);
        _oracle = oracle;
        _store.Written = _changes.AddRange;
        _machine = new MetadataMachine(_store);
        _repair = new RepairRules(servers);
        _invariants =
        [
            Requests,
            _repair,
            new SessionsLiveTheirLease(),
            new DeadSessionsLeaveNothing(),
            new LockTokensGrow(),
            new ChunkVersionsGrow(),
            new GarbageIsUnreferenced(),
            new GoodCopySurvives(servers),
            new NamespaceIsSound(_store),
            .. others,
        ];
    }

    /// <inheritdoc/>
    public override string Name => "the metadata is the same everywhere";

    /// <summary>What was executed where.</summary>
    public RequestsOnce Requests { get; } = new();

    /// <summary>The tree; null before the cluster's first entry.</summary>
    public Tree? Tree => _machine.Tree;

    /// <inheritdoc/>
    public override void OnApplied(MemberShadow member, RaftEntry entry, ulong? stateHash)
    {
        if (entry.Index <= _machine.AppliedIndex)
        {
            return;
        }

        Must(entry.Index == _machine.AppliedIndex.Next, $"{member} applies {entry.Index} before others did");
        var command = new MetadataCommand();
        var bytes = Array.Empty<byte>();
        if (entry.Kind == EntryKind.Command)
        {
            command = MetadataCommand.Parser.ParseFrom(entry.Data.Span);
            bytes = _machine.Apply(entry.Index, entry.Data.Span);
        }
        else
        {
            _machine.Skip(entry.Index);
        }

        _replies.Add(Crc32C.Compute(bytes));
        _changes.Clear();
        _machine.Flush();
        if (_oracle.At(entry.Index) is { } committed)
        {
            committed.StateHash ??= _store.Hash;
        }

        var told = new MetadataEntry(
            entry.Index, command, bytes, MetadataReply.Parser.ParseFrom(bytes), TimeOf(_changes), _changes, _machine);
        foreach (var invariant in _invariants)
        {
            invariant.OnEntry(told);
        }
    }

    /// <inheritdoc/>
    public override void OnExecuted(MemberShadow member, LogIndex index, MachineReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        Must(
            _replies[(int)index.Value - 1] == Crc32C.Compute(reply.Reply),
            $"{member} answers {reply.Client}{reply.Sequence} at {index} otherwise than the others");
    }

    /// <summary>Copies that repair has begun.</summary>
    public int Copies => _repair.Copies;

    /// <summary>A leader's planner begins a copy.</summary>
    public void OnCopy(CopyAssignment copy) => _repair.OnCopy(copy, _machine);

    /// <summary>At the end: the rows of a member add up.</summary>
    public void MustBeSound(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var rows = ((MetadataMachineAdapter)node.Machine!).Published;
        if (ClusterRow.Find(new Changes(rows)) is not { } cluster)
        {
            return;
        }

        var findings = TreeCheck.Run(rows, cluster.NameKey);
        Must(findings.Count == 0, $"{node}: {string.Join("; ", findings.Take(5))}");
    }

    private static FileTime TimeOf(List<RowChange> changes)
    {
        var row = changes.Find(static change => change.Key[0] == (byte)RowTable.Meta
            && Encoding.ASCII.GetString(change.Key, 1, change.Key.Length - 1) == "applied").After;
        return row == null ? default : new FileTime(
            BinaryPrimitives.ReadInt64LittleEndian(row.AsSpan(8)),
            BinaryPrimitives.ReadUInt32LittleEndian(row.AsSpan(16)));
    }
}
