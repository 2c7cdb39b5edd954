using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>When a leader counts an entry as committed, a quorum of its configuration has it on disk.</summary>
public sealed class CommittedIsDurable(Oracle oracle) : Invariant
{
    /// <inheritdoc/>
    public override string Name => "what is committed is durable on a quorum";

    /// <inheritdoc/>
    public override void OnCounted(MemberShadow leader, RaftStatus now, LogIndex before)
    {
        var last = new EntryId(leader.Log.TermAt(now.Commit) ?? default, now.Commit);
        Must(
            now.Configuration.HasQuorum(id => Holds(now.Configuration.Find(id)!, last)),
            $"{leader} commits {last}, durable only on {Holders(now.Configuration, last)} of {now.Configuration}");
    }

    private bool Holds(RaftMember member, EntryId entry) =>
        oracle.Find(member.Store) is { } shadow
        && (shadow.WasDamaged || shadow.DurableLog.Covers(entry));

    private string Holders(RaftConfiguration configuration, EntryId entry) =>
        string.Join(' ', configuration.Members.Where(member => Holds(member, entry)).Select(member => member.Id));
}
