using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Keeps the ledger of who was damaged, and allows further damage only while every configuration that may be in force
/// keeps a quorum of intact voters. So whatever is lost, we lost it.
/// </summary>
public sealed class FaultPlanner
{
    private readonly World _world;
    private readonly HashSet<MemberId> _damaged = [];
    private readonly SortedDictionary<(ulong Index, ulong Term), RaftConfiguration> _known = [];
    private (ulong Index, ulong Term) _committed;

    /// <summary>A ledger without damage.</summary>
    public FaultPlanner(World world, RaftConfiguration bootstrap)
    {
        _world = world;
        _known[default] = bootstrap;
    }

    /// <summary>The configuration that was committed last.</summary>
    public RaftConfiguration Committed
    {
        get
        {
            foreach (var (id, _) in _known)
            {
                if (id.Index > _committed.Index && IsCommitted(id))
                {
                    _committed = id;
                }
            }

            return _known[_committed];
        }
    }

    /// <summary>An entry was handed out for some disk.</summary>
    public void Note(RaftEntry entry)
    {
        if (entry.Kind == EntryKind.Configuration
            && RaftCodec.TryDecode(entry.Data.Span, out var configuration, out _))
        {
            _known.TryAdd((entry.Index.Value, entry.Term.Value), configuration);
        }
    }

    /// <summary>Whether bits of that node's disk may rot, or its disk may be lost.</summary>
    /// <remarks>Never twice: a log and what testifies to it cannot both be wrong and still be told apart.</remarks>
    public bool MayDamage(SimulatedNode node) => IsIntact(node.Id) && InForce().All(configuration =>
        !configuration.IsVoter(node.Id)
        || configuration.HasQuorum(id => id != node.Id && IsIntact(id)));

    /// <summary>That node is about to be damaged.</summary>
    public void Damages(SimulatedNode node)
    {
        _damaged.Add(node.Id);
        node.Shadow.WasDamaged = true;
    }

    /// <summary>A damaged node's disk was refused for good.</summary>
    public void Lost(SimulatedNode node) => _damaged.Add(node.Id);

    /// <summary>Whether a node has, or will have when it is started, all it ever acknowledged.</summary>
    public bool IsIntact(MemberId id) => !_damaged.Contains(id) && _world.Find(id) is { State: not NodeState.Lost };

    /// <summary>
    /// The configurations under which an election could be won: the last committed one, and later ones in any log.
    /// </summary>
    public IReadOnlyList<RaftConfiguration> InForce()
    {
        var found = new List<RaftConfiguration> { Committed };
        foreach (var (id, configuration) in _known)
        {
            var entry = new EntryId(new Term(id.Term), new LogIndex(id.Index));
            if (id.Index > _committed.Index
                && _world.Nodes.Any(node => node.State != NodeState.Lost
                    && (Has(node.Shadow.Log, entry) || Has(node.Shadow.DurableLog, entry))))
            {
                found.Add(configuration);
            }
        }

        return found;
    }

    private static bool Has(ShadowLog log, EntryId entry) => log.Last.Index >= entry.Index && log.Covers(entry);

    private bool IsCommitted((ulong Index, ulong Term) id) =>
        _world.Invariants.Oracle.At(new LogIndex(id.Index))?.Id.Term.Value == id.Term;
}
