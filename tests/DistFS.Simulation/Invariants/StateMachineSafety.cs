using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// After entry i all state machines are equal, whether they applied it or were put to a snapshot (thesis, figure 3.2);
/// and each goes forwards only.
/// </summary>
public sealed class StateMachineSafety(Oracle oracle) : Invariant
{
    private readonly Dictionary<MemberShadow, (int Life, LogIndex Index)> _at = [];

    /// <inheritdoc/>
    public override string Name => "state machine safety";

    /// <inheritdoc/>
    public override void OnApplied(MemberShadow member, RaftEntry entry, ulong? stateHash)
    {
        if (_at.TryGetValue(member, out var at) && at.Life == member.Life)
        {
            Must(entry.Index == at.Index.Next, $"{member} applies {entry.Index} after {at.Index}");
        }

        _at[member] = (member.Life, entry.Index);
        MustEqual(member, entry.Index, stateHash ?? oracle.At(entry.Index)?.StateHash);
    }

    /// <inheritdoc/>
    public override void OnRestored(MemberShadow member, LogIndex index, ulong stateHash)
    {
        if (_at.TryGetValue(member, out var at) && at.Life == member.Life)
        {
            Must(index > at.Index, $"{member} is put back to {index} from {at.Index}");
        }

        _at[member] = (member.Life, index);
        if (index.Value > 0)
        {
            MustEqual(member, index, stateHash);
        }
    }

    private void MustEqual(MemberShadow member, LogIndex index, ulong? stateHash)
    {
        var committed = oracle.At(index);
        Must(committed != null, $"{member} is at {index}, which no leader has committed");
        committed.StateHash ??= stateHash;
        Must(committed.StateHash == stateHash, $"{member} has another state than others after {committed.Id}");
    }
}
