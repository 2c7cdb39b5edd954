using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A leader starts a change of the members only when the one before is committed, and it has committed an entry of its
/// own term (the correction of 2015 to the thesis, 4.1).
/// </summary>
public sealed class ConfigurationOrder(Oracle oracle) : Invariant
{
    private readonly Dictionary<Term, LogIndex> _latest = [];

    /// <inheritdoc/>
    public override string Name => "a change of the members follows a commit of the own term";

    /// <inheritdoc/>
    public override void OnAppend(MemberShadow member, RaftEntry entry)
    {
        if (entry.Kind != EntryKind.Configuration)
        {
            return;
        }

        // Whoever has it first made it.
        if (!_latest.TryAdd(entry.Term, entry.Index))
        {
            var latest = _latest[entry.Term];
            if (entry.Index <= latest)
            {
                return;
            }

            Must(latest <= oracle.Commit, $"{member} starts {entry.Id} while the change at {latest} is under way");
            _latest[entry.Term] = entry.Index;
        }

        Must(
            oracle.At(oracle.Commit)?.Leader >= entry.Term,
            $"{member} starts a change at {entry.Id} with no entry of its term committed; commit is {oracle.Commit}");
    }
}
