using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// What a store declared durable is there when it is opened again: term and vote as they were, the log up to where it
/// was being cut, and no entry that never was. Only a store whose bits rotted may say that it is not whole.
/// </summary>
public sealed class DurableSurvives(LogMatching logs) : Invariant
{
    /// <inheritdoc/>
    public override string Name => "what was declared durable survives";

    /// <inheritdoc/>
    public override void OnOpened(MemberShadow member, IRaftStorage store)
    {
        if (member.Life == 0)
        {
            return;
        }

        HardStateSurvives(member, store.HardState);
        if (!store.IsWhole)
        {
            Must(member.WasDamaged, $"{member} says that its log is not whole, but nothing damaged it");
            Must(
                store.Promised.Index >= Certain(member),
                $"{member} lost entries up to {member.DurableLog.Last} and promises only {store.Promised}");
            return;
        }

        LogSurvives(member, store);
    }

    private void HardStateSurvives(MemberShadow member, HardState found)
    {
        var known = member.DurableState;
        var isKnown = (found.Term, found.Vote) == (known.Term, known.Vote);
        var possible = isKnown;
        foreach (var ready in member.OnTheWay)
        {
            possible |= ready.HardState is { } hard && (found.Term, found.Vote) == (hard.Term, hard.Vote);
        }

        Must(
            possible || (member.Life == 0 && found == default),
            $"{member} had {known} on disk and comes back with {found}");
    }

    // Up to here nothing was being replaced: it must be there.
    private static LogIndex Certain(MemberShadow member)
    {
        var certain = member.DurableLog.Last.Index;
        foreach (var ready in member.OnTheWay)
        {
            if (ready.Append.Count > 0 && ready.Append[0].Index <= certain)
            {
                certain = ready.Append[0].Index.Previous;
            }

            if (ready.Install is { } install && install.Last.Index < certain)
            {
                certain = install.Last.Index;
            }
        }

        return certain;
    }

    private void LogSurvives(MemberShadow member, IRaftStorage store)
    {
        var certain = Certain(member);
        Must(
            store.Last.Index >= certain,
            $"{member} had {member.DurableLog.Last} on disk and comes back with {store.Last}");
        for (var index = store.First; index <= store.Last.Index; index = index.Next)
        {
            var id = new EntryId(store.TermAt(index), index);
            Must(
                index > certain || member.DurableLog.Covers(id),
                $"{member} had {member.DurableLog.TermAt(index)} at {index} on disk and comes back with {id}");
            Must(logs.HashOf(id) != null, $"{member} comes back with {id}, which never was");
        }
    }
}
