using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>What the world knows of a member from watching it, without asking it.</summary>
public sealed class MemberShadow(MemberId id, StoreId store)
{
    private readonly List<RaftReady> _onTheWay = [];
    private readonly Dictionary<Term, LogIndex> _reached = [];

    /// <summary>Who.</summary>
    public MemberId Id => id;

    /// <summary>Its data folder.</summary>
    public StoreId Store => store;

    /// <summary>The log as the core has handed it out, on disk or not.</summary>
    public ShadowLog Log { get; private set; } = new();

    /// <summary>The log that was declared durable.</summary>
    public ShadowLog DurableLog { get; } = new();

    /// <summary>The hard state that was declared durable.</summary>
    public HardState DurableState { get; private set; }

    /// <summary>The term that the core was in when it last handed something out.</summary>
    public Term Term { get; private set; }

    /// <summary>How often the process was started.</summary>
    public int Life { get; private set; }

    /// <summary>Whether bits of its disk rotted, or its disk was lost: then it may know that it is not whole.</summary>
    public bool WasDamaged { get; set; }

    /// <summary>What is on its way to the disk and may or may not have arrived.</summary>
    public IReadOnlyList<RaftReady> OnTheWay => _onTheWay;

    /// <summary>How far its durable log ever went while a term was its durable one.</summary>
    public LogIndex Reached(Term term) => _reached.GetValueOrDefault(term);

    /// <summary>The core handed out something for the disk.</summary>
    /// <remarks>Its entries are put into <see cref="Log"/> one by one, as the invariants are told of them.</remarks>
    public void HandedOut(RaftReady ready)
    {
        _onTheWay.Add(ready);
        Term = ready.HardState?.Term ?? Term;
    }

    /// <summary>The oldest of what was handed out is about to be declared durable.</summary>
    public void Persisted(RaftReady ready, bool installed)
    {
        Check.That(_onTheWay.Count > 0 && ReferenceEquals(_onTheWay[0], ready));
        _onTheWay.RemoveAt(0);
        DurableState = ready.HardState ?? DurableState;
        if (ready.Install is { } meta && installed)
        {
            DurableLog.Install(meta.Last);
            Log.Install(meta.Last);
            foreach (var later in _onTheWay)
            {
                Log.Append(later.Append);
            }
        }

        DurableLog.Append(ready.Append);
        Reach();
    }

    /// <summary>The process started with what its store has.</summary>
    public void Started(IRaftStorage storage)
    {
        Life++;
        _onTheWay.Clear();
        DurableState = storage.HardState;
        Term = DurableState.Term;
        if (storage.IsWhole)
        {
            DurableLog.Load(storage);
            Log = DurableLog.Copy();
        }
        else
        {
            // What it has lost still counts among what it once held, see CommittedIsDurable; and what was on its way
            // when the process ended may have arrived beyond that.
            DurableLog.Extend(storage);
            Log = new ShadowLog();
            Log.Load(storage);
        }

        Reach();
    }

    private void Reach()
    {
        var (term, last) = (DurableState.Term, DurableLog.Last.Index);
        _reached[term] = last > Reached(term) ? last : Reached(term);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{id}";
}
