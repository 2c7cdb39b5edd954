using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Two entries of one index and term are equal, and so is everything before them (thesis, figure 3.2). By induction it
/// is enough that every entry of that name says the same and follows an entry of the same term.
/// </summary>
public sealed class LogMatching : Invariant
{
    private readonly Dictionary<EntryId, (ulong Hash, Term Previous)> _known = [];

    /// <inheritdoc/>
    public override string Name => "log matching";

    /// <summary>What an entry of that name says, or null if nobody ever had one.</summary>
    public ulong? HashOf(EntryId id) => _known.TryGetValue(id, out var known) ? known.Hash : null;

    /// <inheritdoc/>
    public override void OnAppend(MemberShadow member, RaftEntry entry)
    {
        var hash = ShadowLog.HashOf(entry);
        var previous = member.Log.TermAt(entry.Index.Previous);
        Must(
            entry.Index <= member.Log.Last.Index.Next,
            $"{member} appends {entry.Id} after {member.Log.Last}");
        if (previous is not { } before)
        {
            return;
        }

        Must(before <= entry.Term, $"{member} appends {entry.Id} after one of {before}");
        if (_known.TryAdd(entry.Id, (hash, before)))
        {
            return;
        }

        var known = _known[entry.Id];
        Must(known.Hash == hash, $"{member} has another {entry.Id}");
        Must(known.Previous == before, $"{entry.Id} follows {known.Previous} elsewhere and {before} at {member}");
    }
}
