using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// What the cluster has committed, as one who sees everything knows it: index by index the entry's name and hash, the
/// term in which it was committed, and the state after it.
/// </summary>
public sealed class Oracle
{
    private readonly List<Committed> _log = [];
    private readonly SortedDictionary<ulong, MemberShadow> _stores = [];

    /// <summary>Committed up to here.</summary>
    public LogIndex Commit => new((ulong)_log.Count);

    /// <summary>All members that ever were, by store.</summary>
    public IEnumerable<MemberShadow> Members => _stores.Values;

    /// <summary>Makes a member known.</summary>
    public void Add(MemberShadow member) => _stores[member.Store.Value] = member;

    /// <summary>The member that has or had that store, or null.</summary>
    public MemberShadow? Find(StoreId store) => _stores.GetValueOrDefault(store.Value);

    /// <summary>The committed entry at an index, or null.</summary>
    public Committed? At(LogIndex index) =>
        index.Value == 0 || index > Commit ? null : _log[(int)index.Value - 1];

    /// <summary>The next entry is committed, because a leader counted in that term.</summary>
    public void Add(EntryId entry, ulong hash, Term leader) => _log.Add(new Committed(entry, hash, leader));

    /// <summary>A committed entry.</summary>
    public sealed class Committed(EntryId id, ulong hash, Term leader)
    {
        /// <summary>Its name.</summary>
        public EntryId Id => id;

        /// <summary>What it says.</summary>
        public ulong Hash => hash;

        /// <summary>The term of the leader that first counted it as committed.</summary>
        public Term Leader => leader;

        /// <summary>The hash of the state after it, once a member has applied it.</summary>
        public ulong? StateHash { get; set; }
    }
}
